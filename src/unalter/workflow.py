"""The main job: two folders in, trained models, their maps and a run folder out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
import yaml

from unalter import __version__
from unalter.alter import Recipe, load_recipe
from unalter.config import NOT_OPTIONS, DataOptions, TrainOptions, read_options
from unalter.console import Console, duration
from unalter.data import Folders
from unalter.errors import InputError, Interrupted
from unalter.files import write_text
from unalter.inference import Model, choose_device, load
from unalter.maps import write_run_page
from unalter.memory import check_memory
from unalter.metrics import ssim
from unalter.nn import Architecture, widths_for
from unalter.pairing import Pairs, read_pairs, write_pairs
from unalter.preparation import content_hash, pairs_for, read_data, recipe_for
from unalter.report import write_report
from unalter.run import RunFolder, latest_run, new_run
from unalter.snapshots import Snapshots
from unalter.tensorboard import BoardWriter, check_tensorboard
from unalter.training.batches import PairSource
from unalter.training.engine import choose_precision, step_memory
from unalter.training.trainer import Progress, Trainer

_RUNS = Path("runs")
Watcher = Callable[[str, Progress], object]


@dataclass(frozen=True)
class Run:
    """A finished run."""

    path: Path

    def load(self, model: str | None = None) -> Model:
        """One of its models (ae, vae, cvae); None: the best on validation."""
        return load(self.path, model)


def train(
    data: str | Path | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    verbose: bool = False,
    on_step: Watcher | None = None,
    on_epoch: Watcher | None = None,
    **options: Any,
) -> Run:
    """Train the models on clean pictures and altered ones: pairs, training, maps, scores.

    Args:
        data: a folder or zip with clean/ and aug/, or a file of arrays; may be left out on resume.
        out: the run folder; default the next number below runs/, on resume the newest there.
        resume: go on with a run that was stopped, to the same result as if it had not been.
        verbose: print what goes on, with progress; log.txt has it in any case.
        on_step: called after every step with the model's name and how far it is.
        on_epoch: the same after every epoch; the last row of `history` is that of metrics.csv.
        options: fields of `TrainOptions` and of `DataOptions`.

    Raises:
        InputError: something given cannot be used, and nothing is written; or the loss is no longer a number.
        Interrupted: Ctrl-C or SIGTERM; the state is saved.
    """
    of_data = {key: value for key, value in options.items() if key in NOT_OPTIONS}
    given = {key: value for key, value in options.items() if key not in NOT_OPTIONS}
    console = Console(quiet=not verbose)
    with ExitStack() as held:
        if resume:
            run = RunFolder(Path(out)) if out is not None else latest_run(_RUNS)
            where, reading, chosen = _resumed(run, data, of_data, given)
            held.enter_context(run.locked())
            device = choose_device(chosen.device)
            folders = read_data(where, reading, console)
            pairs = read_pairs(run.pairs, folders)
        else:
            run = RunFolder(Path(out)) if out is not None else new_run(_RUNS)
            where, reading = None if data is None else Path(data), DataOptions.from_values(of_data)
            chosen = TrainOptions.from_values(given)
            if chosen.tensorboard:
                check_tensorboard()
            _check_place(run)
            device = choose_device(chosen.device)
            folders = read_data(where, reading, console)
            pairs, recipe, chosen = _prepared(folders, chosen, "models" in given, device, console)
            # everything that can be wrong was found before the run folder exists
            try:
                run.path.mkdir(parents=True, exist_ok=run.path.is_dir())
            except OSError as error:
                raise InputError(f"{run.path}: cannot be made ({error.strerror}); choose another --out") from None
            held.enter_context(run.locked())
            _check_place(run)
            _start_folder(run, where, reading, chosen, folders, pairs, recipe)
        console = Console(run.log, quiet=not verbose)
        console.say(f"unalter {__version__}, run folder {run.path}" + (", resumed" if resume else ""))
        _train(run, where, reading, folders, pairs, chosen, device, console, resume, (on_step, on_epoch))
    return Run(run.path)


def make_report(run: str | Path, data: str | Path | None = None, **reading: Any) -> Path:
    """Write report.html of a run anew, from what is in its folder.

    Args:
        run: the run folder.
        data: what it was trained on, where that lies elsewhere now.
        reading: fields of `DataOptions`, where they are other ones now.

    Raises:
        InputError: no run there, none of its models is trained, or the data are others.
    """
    folder = RunFolder(Path(run))
    where, as_read, options = _resumed(folder, data, reading, {})
    if not folder.trained():
        raise InputError(f"{folder.path}: no trained model here yet; go on with 'unalter train --resume'")
    console = Console(quiet=True)
    folders = read_data(where, as_read, console)
    pairs = read_pairs(folder.pairs, folders)
    recipe = load_recipe(folder.recipe) if folder.recipe.is_file() else None
    source = PairSource(folders, pairs, recipe, **_source_options(options), device=torch.device("cpu"))
    write_report(folder, where, as_read, options, folders, pairs, source)
    return folder.report


def _train(
    run: RunFolder, where: Path | None, reading: DataOptions, folders: Folders, pairs: Pairs, options: TrainOptions,
    device: torch.device, console: Console, resume: bool, watchers: tuple[Watcher | None, Watcher | None],
) -> None:  # fmt: skip
    clean, altered = len(folders.clean), len(folders.altered)
    size = " x ".join(map(str, folders.clean.images.shape[:-3:-1]))
    classes = f"{folders.classes} classes" if folders.classes else "no labels"
    console.say(f"{clean:,} clean and {altered:,} altered pictures of {size} pixels, {classes}")
    for note in folders.notes:
        console.log_only(note)
    console.say(pairs.summary())
    # read back from the file in every case: what is trained on is what is written, to the last digit
    recipe = load_recipe(run.recipe) if run.recipe.is_file() else None
    console.say(recipe.summary() if recipe is not None else "no recipe: training on true pairs only")
    source = PairSource(folders, pairs, recipe, **_source_options(options), device=device)
    threads = torch.get_num_threads()
    console.say(f"device {device}, {threads} threads, precision {options.precision}, seed {options.seed}")
    try:
        _fit_all(run, where, reading, folders, pairs, options, source, device, console, resume, watchers)
    except InputError as error:
        console.log_only(f"error: {error}")
        raise
    console.say(f"done: {run.path}")


def _check_place(run: RunFolder) -> None:
    """Refuse a run folder that has something in it, or cannot be made."""
    if run.path.exists() and (not run.path.is_dir() or any(path != run.lock for path in run.path.iterdir())):
        raise InputError(f"{run.path} exists; go on with it by --resume, or choose another --out")
    above = next(folder for folder in (run.path, *run.path.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"{run.path}: cannot be made ({above} cannot be written to); choose another --out")


def _prepared(
    folders: Folders, options: TrainOptions, models_asked: bool, device: torch.device, console: Console
) -> tuple[Pairs, Recipe | None, TrainOptions]:
    """Pairs, recipe, and the options with all that is chosen here: models, device and precision."""
    options = _for_labels(options, folders, models_asked)
    recipe = None if options.recipe == "none" else recipe_for(options.recipe, folders, options.seed, console)
    pairs = pairs_for(options.pairing, folders, recipe, options.seed, console)
    PairSource(folders, pairs, recipe, **_source_options(options), device=torch.device("cpu"))
    shape = _architecture(options.models[0], folders, options, moves=recipe is not None and recipe.moves)
    if device.type == "cpu":
        what = f"steps of {options.batch_size} pictures of {shape.width} x {shape.height} pixels"
        check_memory(step_memory(shape, options.batch_size), what, "a smaller --batch-size")
    precision, seconds = choose_precision(options.precision, shape, options.batch_size, device)
    # kept in config.yaml: another device or precision would give other numbers on resume
    options = replace(options, device=device.type, precision=precision)
    console.say(_cost(seconds, len(folders.altered), options))
    return pairs, recipe, options


def _fit_all(
    run: RunFolder, where: Path | None, reading: DataOptions, folders: Folders, pairs: Pairs, options: TrainOptions,
    source: PairSource, device: torch.device, console: Console, resume: bool,
    watchers: tuple[Watcher | None, Watcher | None],
) -> None:  # fmt: skip
    fingerprint = _fingerprint(run, folders)
    board = BoardWriter(run) if options.tensorboard else None
    trained_any = False
    for name in options.models:
        folder = run.model(name)
        trainer = Trainer(
            folder, _architecture(name, folders, options, source.moves), options, source, fingerprint,
            resume=resume, device=device,
        )  # fmt: skip
        snapshots = Snapshots(folder, folders, source, options, console)
        if trainer.progress.finished:
            console.say(f"{name}: finished already, {trainer.progress.epoch} epochs")
            trained_any |= snapshots.take(trainer)
        else:
            trained_any = True
            watch_epoch = [one for one in (board, watchers[1]) if one]
            _fit(trainer, snapshots, options, console, watchers[0], watch_epoch, _ssim_of_input(source))
    if (trained_any or not run.map_page.exists()) and write_run_page(run, folders, pairs):
        console.say(f"all maps, to move about in: {run.map_page}")
    if trained_any or not run.report.exists():
        write_report(run, where, reading, options, folders, pairs, source)
        console.say(f"all of it on one page: {run.report}")
    if resume and not trained_any:
        console.say("this run is finished: there is nothing to resume")


def _fit(
    trainer: Trainer, snapshots: Snapshots, options: TrainOptions, console: Console, watch_step: Watcher | None,
    watch_epoch: list[Watcher], input_ssim: float,
) -> None:  # fmt: skip
    folder, now = trainer.folder, trainer.progress
    if now.total_steps:
        console.say(f"{folder.name}: going on after {now.epoch} epochs and {now.step} steps")
    weights = sum(parameter.numel() for parameter in trainer.averaged.parameters())
    limit = f" or {options.max_minutes:g} minutes" if options.max_minutes else ""
    console.say(f"{folder.name}: {weights:,} weights, {options.epochs} epochs{limit}; scores are on validation digits")
    with console.progress(folder.name, 1.0) as advance:

        def on_step(trainer: Trainer) -> None:
            now = trainer.progress
            speed = now.pictures / max(now.epoch_seconds, 1e-9)
            advance(trainer.done, f"epoch {now.epoch + 1}, {speed:,.0f} images/s")
            if watch_step is not None:
                watch_step(folder.name, now)

        def on_epoch(trainer: Trainer) -> None:
            console.say(_epoch_line(folder.name, trainer.progress.history[-1], options.epochs))
            for watch in watch_epoch:
                watch(folder.name, trainer.progress)

        try:
            trainer.fit(on_step, on_epoch, snapshots.take)
        except Interrupted:
            console.say(f"{folder.name}: stopped and saved after {now.epoch} epochs and {now.step} steps; go on with")
            console.say(f"  unalter train --resume --out {folder.path.parent}")
            raise
    best = f"best on validation: SSIM {now.best_ssim:.4f} in epoch {now.best_epoch}"
    console.say(f"{folder.name}: trained in {now.seconds:.0f} s; {best}")
    if now.best_ssim < input_ssim:
        console.say(
            f"  that is less than the altered pictures themselves have ({input_ssim:.4f}): trained too short, or "
            "pictures that do not go through so small a code (--latent)"
        )


def _ssim_of_input(source: PairSource) -> float:
    """The mean SSIM of altered validation pictures as they are."""
    batch = source.validation()
    return float(ssim(batch.x_alt, batch.x).mean())


def _epoch_line(name: str, row: dict[str, float], of: int) -> str:
    kl = f"  KL {row['kl']:5.1f}" if name != "ae" else ""
    return (
        f"{name:<4} epoch {row['epoch']:>3}/{of}  loss {row['loss']:5.1f}{kl}  SSIM {row['validation_ssim']:.4f}  "
        f"PSNR {row['validation_psnr']:5.2f}  {row['images_per_second']:>5,.0f} images/s"
    )


def _cost(step_seconds: float, pictures: int, options: TrainOptions) -> str:
    """What a training will take, in words."""
    epoch = step_seconds * max(1, pictures // options.batch_size)
    each = epoch * options.epochs
    if options.max_minutes:
        each = min(each, options.max_minutes * 60)
    models = f"{len(options.models)} model{'s'[: len(options.models) > 1]}"
    whole = duration(each * len(options.models))
    return f"an epoch takes about {duration(epoch)} here by a few trial steps, {models} {whole}; maps come on top"


def _for_labels(options: TrainOptions, folders: Folders, asked: bool) -> TrainOptions:
    """The options, less the CVAE where there are no labels and nobody asked for it."""
    if folders.classes or "cvae" not in options.models:
        return options
    others = tuple(name for name in options.models if name != "cvae")
    if asked or not others:
        raise InputError(
            "a CVAE needs labels, and these pictures have none: give them by names X_I_L.png, class sub-folders or "
            "--labels; or train --models ae,vae"
        )
    return replace(options, models=others)


def _resumed(
    run: RunFolder, data: str | Path | None, of_data: dict[str, Any], given: dict[str, Any]
) -> tuple[Path | None, DataOptions, TrainOptions]:
    """The data of a run, how they are read, and its options; what is given again must be the same."""
    if not run.config.is_file():
        raise InputError(f"{run.path}: no run to resume here (it has no config.yaml)")
    saved = read_options(run.config)
    options = TrainOptions.from_values({k: v for k, v in saved.items() if k not in NOT_OPTIONS}, str(run.config))
    again = TrainOptions.from_values({**asdict(options), **given})
    differing = [spec.name for spec in fields(options) if getattr(options, spec.name) != getattr(again, spec.name)]
    if differing:
        names = ", ".join(f"{name} (was {getattr(options, name)})" for name in differing)
        raise InputError(f"{run.path}: a run is resumed with the options it was started with; other now: {names}")
    reading = DataOptions.from_values({**saved, **of_data}, str(run.config))
    if data is None and not isinstance(saved.get("data"), str) and not (reading.clean and reading.altered):
        raise InputError(f"{run.config}: does not say where the data are; give the folder again")
    where = data if data is not None else saved.get("data")
    return None if where is None else Path(where), reading, options


def _source_options(options: TrainOptions) -> dict[str, Any]:
    names = ("true_pairs", "won_back", "untouched", "validation", "seed")
    return {name: getattr(options, name) for name in names}


def _start_folder(
    run: RunFolder, data: Path | None, reading: DataOptions, options: TrainOptions, folders: Folders, pairs: Pairs,
    recipe: Recipe | None,
) -> None:  # fmt: skip
    write_pairs(run.pairs, folders, pairs)
    if recipe is not None:
        recipe.save(run.recipe)
    head: dict[str, Any] = {"unalter": __version__}
    if data is not None:
        head["data"] = os.path.abspath(data)
    for name, value in asdict(reading).items():
        if value:
            head[name] = os.path.abspath(value) if isinstance(value, str) else value
    write_text(run.config, yaml.safe_dump(head, sort_keys=False, width=10_000) + options.to_yaml())


def _architecture(name: str, folders: Folders, options: TrainOptions, moves: bool) -> Architecture:
    channels, height, width = folders.clean.images.shape[1:]
    widths = widths_for(height, width)
    return Architecture(
        height=height,
        width=width,
        channels=channels,
        latent=options.latent,
        variational=name != "ae",
        classes=folders.classes if name == "cvae" else 0,
        widths=widths,
        encoder_blocks=(1,) * len(widths),
        decoder_blocks=(1,) * len(widths),
        pose=moves,
    )


def _fingerprint(run: RunFolder, folders: Folders) -> str:
    """A hash of the data, wherever they lie, and of the run's pairs and recipe with its backgrounds."""
    digest = hashlib.sha256(content_hash(folders).encode())
    for path in (run.pairs, run.recipe, *sorted(run.backgrounds.glob("*.png"))):
        digest.update(path.read_bytes() if path.is_file() else b"none")
    return digest.hexdigest()
