"""A run begun: prepared, its folder claimed, and what it trains on written there."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from unalter._version import __version__
from unalter.data.dataset import Dataset, is_one_folder
from unalter.data.options import DataOptions
from unalter.pairing.pairs import write_pairs
from unalter.pipeline.experiment import Experiment
from unalter.pipeline.one_folder import check_one_folder, with_made
from unalter.pipeline.prepare import pairs_for, read_data, recipe_for
from unalter.pipeline.resume import saved_recipe
from unalter.pipeline.side_by_side import model_shares
from unalter.runs.folder import RunFolder
from unalter.support.console import Console, duration
from unalter.support.device import choose_device
from unalter.support.errors import InputError
from unalter.support.files import write_text
from unalter.support.memory import check_memory
from unalter.support.parallel import torch_threads
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import sampler_memory
from unalter.training.precision import choose_precision, step_memory, step_seconds
from unalter.training.split import Split

_MANY_POINTS = 100_000
"""A map of more takes minutes on two cores."""


def new_experiment(
    run: RunFolder, data: Path | None, reading: DataOptions, options: TrainOptions, console: Console, *,
    given: Container[str],
) -> Experiment:  # fmt: skip
    """Prepare a run: read, fit the recipe, pair, choose device and precision. Nothing is written.

    Args:
        given: the options that the user gave; the CVAE may be left out where it cannot be if models are not among
            them, and batches may be larger on a GPU.

    Raises:
        InputError: whatever is wrong with what was given.
    """
    _check_place(run)
    device = choose_device(options.device)
    if is_one_folder(data, reading):
        check_one_folder(options)
    dataset = read_data(data, reading, console, clean_will_do=True)
    options = _for_labels(options, dataset, "models" in given)
    options = options.for_device(device.type, len(dataset.altered), given)
    recipe = None if options.recipe == "none" else recipe_for(options.recipe, dataset, options.seed, console)
    pairs = pairs_for(options.pairing, dataset, recipe, options.seed, console)
    Split(len(dataset.clean), pairs, options.validation, options.seed, needs_true_pairs=recipe is None)
    experiment = Experiment(run, data, reading, options, dataset, recipe, pairs)
    shape = experiment.architecture(options.models[0])
    at_once, threads = model_shares(options, device)
    if device.type == "cpu":
        models = f" of {at_once} models" if at_once > 1 else ""
        what = f"steps{models} of {options.batch_size} pictures of {shape.width} x {shape.height} pixels"
        need = at_once * step_memory(shape, options.batch_size) + sampler_memory(dataset, options.validation)
        check_memory(need, what, "a smaller --batch-size")
    precision = choose_precision(options.precision, device)
    # kept in config.yaml: another device or precision would give other numbers on resume
    options = replace(options, device=device.type, precision=precision)
    with torch_threads(threads):
        seconds = step_seconds(shape, options.batch_size, device, precision)
    console.say(_cost(seconds, at_once, len(dataset.altered), options))
    return replace(experiment, options=options)


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
        run.clear_unfinished_start()
        run.unfinished_start.touch()
        yield


def write_experiment(experiment: Experiment) -> Experiment:
    """Write pairs, recipe and options into the run's folder; the options last: with them it can be resumed.

    Returns:
        The experiment with the recipe as it was written: what is trained on is what stands there, to the last digit.
        Where there are clean pictures only, with the altered ones that it makes.
    """
    run, recipe = experiment.run, experiment.recipe
    write_pairs(run.pairs, experiment.dataset, experiment.pairs)
    if recipe is not None:
        recipe.save(run.recipe, run.backgrounds.name)
    head: dict[str, Any] = {"unalter": __version__}
    if experiment.data is not None:
        head["data"] = os.path.abspath(experiment.data)
    for name, value in asdict(experiment.reading).items():
        if value:
            head[name] = os.path.abspath(value) if isinstance(value, str) else value
    write_text(run.config, yaml.safe_dump(head, sort_keys=False, width=10_000) + experiment.options.to_yaml())
    run.unfinished_start.unlink()
    recipe = saved_recipe(run)
    dataset = with_made(experiment.dataset, recipe, experiment.options.seed)
    return replace(experiment, recipe=recipe, dataset=dataset)


def _check_place(run: RunFolder) -> None:
    """Refuse a run folder that has something in it, or cannot be made."""
    if run.path.exists() and not (run.path.is_dir() and run.is_free()):
        raise InputError(f"{run.path} exists; go on with it by --resume, or choose another --out")
    above = next(folder for folder in (run.path, *run.path.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"{run.path}: cannot be made ({above} cannot be written to); choose another --out")


def _for_labels(options: TrainOptions, dataset: Dataset, asked: bool) -> TrainOptions:
    """The options, less the CVAE where there are no labels and nobody asked for it."""
    if dataset.classes or "cvae" not in options.models:
        return options
    others = tuple(name for name in options.models if name != "cvae")
    if asked or not others:
        raise InputError(
            "a CVAE needs labels, and these pictures have none: give them by names X_I_L.png, class sub-folders or "
            "--labels; or train --models ae,vae"
        )
    return replace(options, models=others)


def _cost(step_seconds: float, at_once: int, pictures: int, options: TrainOptions) -> str:
    """What a training will take, in words; so many models are trained at once."""
    epoch = step_seconds * max(1, pictures // options.batch_size)
    each = epoch * options.epochs
    if options.max_minutes:
        each = min(each, options.max_minutes * 60)
    models = f"{len(options.models)} model{'s'[: len(options.models) > 1]}"
    whole = duration(each * len(options.models) / at_once)
    said = f"an epoch takes about {duration(epoch)} here by a few trial steps, {models} {whole}; maps come on top"
    points = options.map_points or pictures
    if options.map_every and points > _MANY_POINTS:
        said += f"\na map of {points:,} points takes minutes: --map-points 20000 is quicker"
    return said
