"""The main job: two folders in, trained models, their maps and a run folder out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from unalter import __version__
from unalter.config import NOT_OPTIONS, DataOptions, TrainOptions
from unalter.console import Console
from unalter.errors import InputError, Interrupted
from unalter.inference import Model, choose_device, load
from unalter.job import Job, claimed, new_job, saved_job, saved_settings, write_job
from unalter.maps import write_run_page
from unalter.report import write_report
from unalter.run import RunFolder, latest_run, new_run
from unalter.snapshots import Snapshots
from unalter.tensorboard import BoardWriter, check_tensorboard
from unalter.training.batches import PairSource
from unalter.training.record import Progress
from unalter.training.trainer import Trainer

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
            where, reading, chosen = saved_settings(run, data, of_data, given)
            held.enter_context(run.locked())
            choose_device(chosen.device)  # one that is not here is told before anything is read
            job = saved_job(run, where, reading, chosen, console)
        else:
            run = RunFolder(Path(out)) if out is not None else new_run(_RUNS)
            where, reading = None if data is None else Path(data), DataOptions.from_values(of_data)
            chosen = TrainOptions.from_values(given)
            if chosen.tensorboard:
                check_tensorboard()
            job, recipe = new_job(run, where, reading, chosen, console, models_asked="models" in given)
            # everything that can be wrong was found before the run folder exists
            held.enter_context(claimed(run))
            write_job(job, recipe)
        console.keep_in(run.log)
        console.say(f"unalter {__version__}, run folder {run.path}" + (", resumed" if resume else ""))
        _train(job, console, resume, on_step, on_epoch)
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
    settings = saved_settings(folder, data, reading, {})
    if not folder.trained():
        raise InputError(f"{folder.path}: no trained model here yet; go on with 'unalter train --resume'")
    job = saved_job(folder, *settings, Console(quiet=True))
    write_report(job, job.source(job.recipe(), torch.device("cpu")))
    return folder.report


def _train(job: Job, console: Console, resume: bool, watch_step: Watcher | None, watch_epoch: Watcher | None) -> None:
    folders, options = job.folders, job.options
    device = choose_device(options.device)
    size = " x ".join(map(str, folders.clean.images.shape[:-3:-1]))
    classes = f"{folders.classes} classes" if folders.classes else "no labels"
    console.say(
        f"{len(folders.clean):,} clean and {len(folders.altered):,} altered pictures of {size} pixels, {classes}"
    )
    console.say(job.pairs.summary())
    recipe = job.recipe()
    console.say(recipe.summary() if recipe is not None else "no recipe: training on true pairs only")
    source = job.source(recipe, device)
    threads = torch.get_num_threads()
    console.say(f"device {device}, {threads} threads, precision {options.precision}, seed {options.seed}")
    board = BoardWriter(job.run) if options.tensorboard else None
    try:
        _fit_all(job, source, console, resume, watch_step, [one for one in (board, watch_epoch) if one])
    except InputError as error:
        console.log_only(f"error: {error}")
        raise
    console.say(f"done: {job.run.path}")


def _fit_all(
    job: Job, source: PairSource, console: Console, resume: bool, watch_step: Watcher | None,
    watch_epoch: list[Watcher],
) -> None:  # fmt: skip
    run, folders, options = job.run, job.folders, job.options
    fingerprint = job.fingerprint()
    trained_any = False
    for name in options.models:
        folder = run.model(name)
        trainer = Trainer(
            folder, job.architecture(name, source.moves), options, source, fingerprint, resume=resume,
            device=source.device,
        )  # fmt: skip
        snapshots = Snapshots(folder, folders, source, options, console)
        if trainer.progress.finished:
            console.say(f"{name}: finished already, {trainer.progress.epoch} epochs")
            trained_any |= snapshots.take(trainer)
        else:
            trained_any = True
            _fit(trainer, snapshots, options, console, watch_step, watch_epoch)
    if (trained_any or not run.map_page.exists()) and write_run_page(run, folders, job.pairs):
        console.say(f"all maps, to move about in: {run.map_page}")
    if trained_any or not run.report.exists():
        write_report(job, source)
        console.say(f"all of it on one page: {run.report}")
    if resume and not trained_any:
        console.say("this run is finished: there is nothing to resume")


def _fit(
    trainer: Trainer, snapshots: Snapshots, options: TrainOptions, console: Console, watch_step: Watcher | None,
    watch_epoch: list[Watcher],
) -> None:  # fmt: skip
    folder, now = trainer.folder, trainer.progress
    if now.total_steps:
        console.say(f"{folder.name}: going on after {now.epoch} epochs and {now.step} steps")
    weights = sum(parameter.numel() for parameter in trainer.averaged.parameters())
    limit = f" or {options.max_minutes:g} minutes" if options.max_minutes else ""
    epochs = f"{options.epochs} epoch{'s'[: options.epochs > 1]}"
    console.say(f"{folder.name}: {weights:,} weights, {epochs}{limit}; scores are on validation pictures")
    with console.progress(folder.name) as advance:

        def on_step(trainer: Trainer) -> None:
            now = trainer.progress
            speed = now.pictures / max(now.epoch_seconds, 1e-9)
            advance(f"epoch {now.epoch + 1}, {speed:,.0f} images/s", trainer.done)
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
    if now.best_ssim < trainer.input_ssim:
        console.say(
            f"  that is less than the altered pictures themselves have ({trainer.input_ssim:.4f}): trained too short, "
            "or pictures that do not go through so small a code (--latent)"
        )


def _epoch_line(name: str, row: dict[str, float], of: int) -> str:
    kl = f"  KL {row['kl']:5.1f}" if name != "ae" else ""
    return (
        f"{name:<4} epoch {row['epoch']:>3}/{of}  loss {row['loss']:5.1f}{kl}  SSIM {row['validation_ssim']:.4f}  "
        f"PSNR {row['validation_psnr']:5.2f}  {row['images_per_second']:>5,.0f} images/s"
    )
