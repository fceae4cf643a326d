"""What a run trains on and how: prepared anew, or found again in its folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
from unalter.errors import InputError
from unalter.files import write_text
from unalter.inference import choose_device
from unalter.memory import check_memory
from unalter.nn import Architecture, widths_for
from unalter.pairing import Pairs, read_pairs, write_pairs
from unalter.preparation import content_hash, pairs_for, read_data, recipe_for
from unalter.run import RunFolder
from unalter.training.batches import PairSource
from unalter.training.engine import choose_precision, step_memory

_MANY_POINTS = 100_000
"""A map of more takes minutes on two cores."""


@dataclass(frozen=True)
class Job:
    """The data of a run, read, and its options."""

    run: RunFolder
    data: Path | None
    """None where `reading` says where both parts lie."""
    reading: DataOptions
    options: TrainOptions
    folders: Folders
    pairs: Pairs

    def recipe(self) -> Recipe | None:
        """The recipe in the run's folder: what is trained on is what is written, to the last digit."""
        return load_recipe(self.run.recipe) if self.run.recipe.is_file() else None

    def source(self, recipe: Recipe | None, device: torch.device) -> PairSource:
        """The pairs that a training draws."""
        names = ("true_pairs", "won_back", "untouched", "validation", "seed")
        given = {name: getattr(self.options, name) for name in names}
        return PairSource(self.folders, self.pairs, recipe, **given, device=device)

    def architecture(self, model: str, moves: bool) -> Architecture:
        """Of one model; `moves`: whether the recipe moves things."""
        channels, height, width = self.folders.clean.images.shape[1:]
        widths = widths_for(height, width)
        return Architecture(
            height=height,
            width=width,
            channels=channels,
            latent=self.options.latent,
            variational=model != "ae",
            classes=self.folders.classes if model == "cvae" else 0,
            widths=widths,
            encoder_blocks=(1,) * len(widths),
            decoder_blocks=(1,) * len(widths),
            pose=moves,
        )

    def fingerprint(self) -> str:
        """A hash of the data, wherever they lie, and of the run's pairs and recipe with its backgrounds."""
        digest = hashlib.sha256(content_hash(self.folders).encode())
        for path in (self.run.pairs, self.run.recipe, *sorted(self.run.backgrounds.glob("*.png"))):
            digest.update(path.read_bytes() if path.is_file() else b"none")
        return digest.hexdigest()


def new_job(
    run: RunFolder, data: Path | None, reading: DataOptions, options: TrainOptions, console: Console, *,
    models_asked: bool,
) -> tuple[Job, Recipe | None]:  # fmt: skip
    """Prepare a run: read, fit the recipe, pair, choose device and precision. Nothing is written.

    Args:
        models_asked: whether the user said which models; if not, the CVAE may be left out where it cannot be.

    Raises:
        InputError: whatever is wrong with what was given.
    """
    _check_place(run)
    device = choose_device(options.device)
    folders = read_data(data, reading, console)
    options = _for_labels(options, folders, models_asked)
    recipe = None if options.recipe == "none" else recipe_for(options.recipe, folders, options.seed, console)
    pairs = pairs_for(options.pairing, folders, recipe, options.seed, console)
    job = Job(run, data, reading, options, folders, pairs)
    job.source(recipe, torch.device("cpu"))
    shape = job.architecture(options.models[0], moves=recipe is not None and recipe.moves)
    if device.type == "cpu":
        what = f"steps of {options.batch_size} pictures of {shape.width} x {shape.height} pixels"
        check_memory(step_memory(shape, options.batch_size), what, "a smaller --batch-size")
    precision, seconds = choose_precision(options.precision, shape, options.batch_size, device)
    # kept in config.yaml: another device or precision would give other numbers on resume
    options = replace(options, device=device.type, precision=precision)
    console.say(_cost(seconds, len(folders.altered), options))
    return replace(job, options=options), recipe


@contextmanager
def claimed(run: RunFolder) -> Iterator[None]:
    """Make the run's folder and keep others out of it.

    Raises:
        InputError: it cannot be made, or something came into it meanwhile.
    """
    try:
        run.path.mkdir(parents=True, exist_ok=run.path.is_dir())
    except OSError as error:
        raise InputError(f"{run.path}: cannot be made ({error.strerror}); choose another --out") from None
    with run.locked():
        _check_place(run)
        yield


def write_job(job: Job, recipe: Recipe | None) -> None:
    """Write pairs, recipe and options into the run's folder; the options last: with them it can be resumed."""
    write_pairs(job.run.pairs, job.folders, job.pairs)
    if recipe is not None:
        recipe.save(job.run.recipe)
    head: dict[str, Any] = {"unalter": __version__}
    if job.data is not None:
        head["data"] = os.path.abspath(job.data)
    for name, value in asdict(job.reading).items():
        if value:
            head[name] = os.path.abspath(value) if isinstance(value, str) else value
    write_text(job.run.config, yaml.safe_dump(head, sort_keys=False, width=10_000) + job.options.to_yaml())


def saved_settings(
    run: RunFolder, data: str | Path | None, of_data: dict[str, Any], given: dict[str, Any]
) -> tuple[Path | None, DataOptions, TrainOptions]:
    """The data of a run, how they are read, and its options; options that are given again must be the same.

    Raises:
        InputError: there is no run, or other options are given.
    """
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


def saved_job(run: RunFolder, data: Path | None, reading: DataOptions, options: TrainOptions, console: Console) -> Job:
    """A run found again, by its `saved_settings`.

    Raises:
        InputError: the data cannot be read, or are not those of the run's pairs.
    """
    folders = read_data(data, reading, console)
    return Job(run, data, reading, options, folders, read_pairs(run.pairs, folders))


def _check_place(run: RunFolder) -> None:
    """Refuse a run folder that has something in it, or cannot be made."""
    if run.path.exists() and (not run.path.is_dir() or any(path != run.lock for path in run.path.iterdir())):
        raise InputError(f"{run.path} exists; go on with it by --resume, or choose another --out")
    above = next(folder for folder in (run.path, *run.path.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"{run.path}: cannot be made ({above} cannot be written to); choose another --out")


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


def _cost(step_seconds: float, pictures: int, options: TrainOptions) -> str:
    """What a training will take, in words."""
    epoch = step_seconds * max(1, pictures // options.batch_size)
    each = epoch * options.epochs
    if options.max_minutes:
        each = min(each, options.max_minutes * 60)
    models = f"{len(options.models)} model{'s'[: len(options.models) > 1]}"
    whole = duration(each * len(options.models))
    said = f"an epoch takes about {duration(epoch)} here by a few trial steps, {models} {whole}; maps come on top"
    points = options.map_points or pictures
    if options.map_every and points > _MANY_POINTS:
        said += f"\na map of {points:,} points takes minutes: --map-points 20000 is quicker"
    return said
