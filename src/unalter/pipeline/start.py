"""A run begun: prepared, its folder claimed, and what it trains on written there."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import yaml

from unalter._version import __version__
from unalter.alter import Recipe
from unalter.data.dataset import Dataset, is_one_folder
from unalter.data.memory import InMemory
from unalter.data.options import DataOptions
from unalter.pairing.pairs import write_pairs
from unalter.pipeline.experiment import Experiment
from unalter.pipeline.one_folder import check_one_folder, with_made
from unalter.pipeline.prepare import as_recipe, pairs_for, read_data, recipe_for
from unalter.pipeline.resume import check_seen, saved_recipe
from unalter.pipeline.side_by_side import model_shares
from unalter.runs.folder import RunFolder, new_run
from unalter.support.console import Console
from unalter.support.device import choose_device
from unalter.support.errors import InputError
from unalter.support.files import write_text
from unalter.support.memory import check_memory
from unalter.support.processes import ALONE, Processes
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import sampler_memory
from unalter.training.precision import choose_precision, step_memory
from unalter.training.split import Split

GIVEN = "given"
"""What config.yaml calls a recipe that was given as an object; it lies in the run's folder like any other."""
_FEWEST_EACH = 4
"""Pictures of a batch for each process: one of them is also decoded with another label."""


def new_experiment(
    run: RunFolder, data: Path | InMemory | None, reading: DataOptions, options: TrainOptions, console: Console, *,
    given: Container[str], recipe: Recipe | None = None, processes: Processes = ALONE,
) -> Experiment:  # fmt: skip
    """Prepare a run: read, fit the recipe, pair, choose device and precision. Nothing is written.

    Args:
        given: the options that the user gave; the CVAE may be left out where it cannot be if models are not among
            them, and batches may be larger on a GPU.
        recipe: that altered pictures come about by, where it is no file.
        processes: who prepare it together; each has all of it.

    Raises:
        InputError: whatever is wrong with what was given.
    """
    if processes.first:
        _check_place(run)
    device = device_of(options.device, processes)
    if is_one_folder(data, reading):
        check_one_folder(options)
    dataset = read_data(data, reading, console, clean_will_do=True, processes=processes)
    options = _for_labels(options, dataset, "models" in given)
    options = options.for_device(device.type, len(dataset.altered), given)
    if options.recipe != "none":
        recipe = recipe_for(recipe or as_recipe(options.recipe), dataset, options.seed, console, processes)
    pairs = pairs_for(options.pairing, dataset, recipe, options.seed, console, processes)
    Split(len(dataset.clean), pairs, options.validation, options.seed, needs_true_pairs=recipe is None)
    experiment = Experiment(run, data, reading, options, dataset, recipe, pairs)
    shape = experiment.architecture(options.models[0])
    at_once, _ = model_shares(options, device, processes)
    check_batch(options, len(dataset.altered), processes)
    own = -(-options.batch_size // processes.world)
    if device.type == "cpu":
        models = f" of {at_once} models" if at_once > 1 else ""
        what = f"steps{models} of {options.batch_size} pictures of {shape.width} x {shape.height} pixels"
        need = at_once * step_memory(shape, own) + sampler_memory(dataset, options.validation)
        check_memory(need * processes.beside, what, "a smaller --batch-size")
    precision = processes.of_first(lambda: choose_precision(options.precision, device))
    # kept in config.yaml: another device or precision would give other numbers on resume
    return replace(experiment, options=replace(options, device=str(device), precision=precision))


@contextmanager
def claimed_next(runs: Path) -> Iterator[RunFolder]:
    """Make the next numbered folder below `runs`, one that no other training has taken meanwhile, and claim it.

    Raises:
        InputError: it cannot be made.
    """
    while True:
        run = new_run(runs)
        try:
            run.path.mkdir(parents=True)
            break
        except FileExistsError:  # another one was quicker
            continue
        except OSError as error:
            raise InputError(f"{run.path}: cannot be made ({error.strerror}); choose another --out") from None
    with claimed(run):
        yield run


def device_of(name: str, processes: Processes = ALONE) -> torch.device:
    """The device called so (see `choose_device`); each of several processes has a GPU of its own.

    Raises:
        InputError: it is not here, or there are not enough.
    """
    device = choose_device(name)
    processes.take(device)
    return device


def check_batch(options: TrainOptions, pictures: int, processes: Processes) -> None:
    """Refuse a batch too small to be shared.

    Raises:
        InputError: says so.
    """
    batch = min(options.batch_size, pictures)
    if processes.world > 1 and batch < _FEWEST_EACH * processes.world:
        raise InputError(
            f"a batch of {batch} pictures is too small for {processes.world} processes, each needs {_FEWEST_EACH}: use "
            "fewer, or a larger --batch-size"
        )


@contextmanager
def claimed(run: RunFolder, processes: Processes = ALONE) -> Iterator[None]:
    """Make the run's folder and keep others out of it; the first of several processes does, the others see it.

    Raises:
        InputError: it cannot be made, or something came into it meanwhile; or a process does not see it.
    """
    if not processes.first:
        check_seen(run, processes)
        yield
        return
    try:
        run.path.mkdir(parents=True, exist_ok=run.path.is_dir())
    except OSError as error:
        raise InputError(f"{run.path}: cannot be made ({error.strerror}); choose another --out") from None
    with run.locked():
        _check_place(run)
        run.clear_unfinished_start()
        run.unfinished_start.touch()
        check_seen(run, processes)
        yield


def write_experiment(experiment: Experiment, processes: Processes = ALONE) -> Experiment:
    """Write pairs, recipe and options into the run's folder; the options last: with them it can be resumed.

    The first of several processes writes, then all read.

    Returns:
        The experiment with the recipe as it was written: what is trained on is what stands there, to the last digit.
        Where there are clean pictures only, with the altered ones that it makes.
    """
    run = experiment.run
    processes.of_first(lambda: _write(experiment))
    recipe = saved_recipe(run)
    dataset = with_made(experiment.dataset, recipe, experiment.options.seed)
    return replace(experiment, recipe=recipe, dataset=dataset)


def _write(experiment: Experiment) -> None:
    run, recipe = experiment.run, experiment.recipe
    write_pairs(run.pairs, experiment.dataset, experiment.pairs)
    if recipe is not None:
        recipe.save(run.recipe, run.backgrounds.name)
    head: dict[str, Any] = {"unalter": __version__}
    if isinstance(experiment.data, Path):
        head["data"] = os.path.abspath(experiment.data)
    for name, value in asdict(experiment.reading).items():
        if value:
            head[name] = os.path.abspath(os.path.expanduser(value)) if isinstance(value, str) else value
    write_text(run.config, yaml.safe_dump(head, sort_keys=False, width=10_000) + experiment.options.to_yaml())
    run.unfinished_start.unlink()


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
