"""A run found again in its folder."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from unalter.alter import Recipe, load_recipe
from unalter.data.memory import InMemory
from unalter.data.options import DataOptions
from unalter.pairing.pairs import read_pairs
from unalter.pipeline.experiment import Experiment, split_options
from unalter.pipeline.one_folder import with_made
from unalter.pipeline.prepare import read_data
from unalter.runs.folder import RunFolder
from unalter.support.console import Console
from unalter.support.device import choose_device
from unalter.support.errors import InputError
from unalter.support.options import read_options
from unalter.training.options import TrainOptions


def saved_settings(
    run: RunFolder, data: Path | InMemory | None, given: dict[str, Any]
) -> tuple[Path | InMemory | None, DataOptions, TrainOptions]:
    """The data of a run, how they are read, and its options; options that are given again must be the same.

    But for the device, which may be another one: a run that began on a GPU is not lost where there is none.

    Raises:
        InputError: there is no run, or other options are given.
    """
    if not run.config.is_file():
        raise InputError(f"{run.path}: no run to resume here (it has no config.yaml)")
    saved = read_options(run.config)
    where = data if data is not None else saved.pop("data", None)
    of_data, of_training = split_options({k: v for k, v in saved.items() if k not in ("unalter", "data")})
    data_again, training_again = split_options(given)
    options = TrainOptions.from_values(of_training, str(run.config))
    again = TrainOptions.from_values({**asdict(options), **training_again})
    options = replace(options, device=again.device)
    differing = [spec.name for spec in fields(options) if getattr(options, spec.name) != getattr(again, spec.name)]
    if differing:
        names = ", ".join(f"{name} (was {getattr(options, name)})" for name in differing)
        raise InputError(f"{run.path}: a run is resumed with the options it was started with; other now: {names}")
    reading = DataOptions.from_values({**of_data, **data_again}, str(run.config))
    if isinstance(where, InMemory):
        return where, reading, options
    if not isinstance(where, (str, Path)) and not reading.clean:
        raise InputError(
            f"{run.config}: does not say where the data are (a run on pictures in memory does not keep them); give "
            "them again"
        )
    return None if where is None else Path(where), reading, options


def resumed_device(run: RunFolder, name: str, console: Console) -> torch.device:
    """The device that a run goes on on; says so where it was another one.

    Raises:
        InputError: it is not here; says how to go on without it.
    """
    before = read_options(run.config).get("device")
    try:
        device = choose_device(name)
    except InputError:
        if name != before:
            raise
        raise InputError(
            f"{run.path}: was trained on {before}, which is not found here; go on by --device cpu, not bit for bit"
        ) from None
    if str(device) != before:
        console.say(f"notice: going on on {device}; it was {before}, so the result is not the same bit for bit")
    return device


def saved_experiment(
    run: RunFolder, data: Path | InMemory | None, reading: DataOptions, options: TrainOptions, console: Console
) -> Experiment:
    """A run found again, by its `saved_settings`.

    Raises:
        InputError: the data cannot be read, or are not those of the run's pairs.
    """
    recipe = saved_recipe(run)
    dataset = with_made(read_data(data, reading, console, clean_will_do=True), recipe, options.seed)
    return Experiment(run, data, reading, options, dataset, recipe, read_pairs(run.pairs, dataset))


def saved_recipe(run: RunFolder) -> Recipe | None:
    """The recipe in a run's folder; None where there is none.

    Raises:
        InputError: it is not understood.
    """
    return load_recipe(run.recipe) if run.recipe.is_file() else None
