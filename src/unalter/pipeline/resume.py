"""A run found again in its folder."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
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
from unalter.support.files import write_text
from unalter.support.options import read_options
from unalter.support.processes import ALONE, Processes
from unalter.training.options import TrainOptions

_LONGER = ("epochs", "max_minutes")
"""The options that say when a training ends; its schedules are by the share that is done, so they stretch with them."""
_SEEN_WITHIN = 10.0
"""Seconds; disks over a network keep what they know of a folder for a few."""


def saved_settings(
    run: RunFolder, data: Path | InMemory | None, given: dict[str, Any]
) -> tuple[Path | InMemory | None, DataOptions, TrainOptions]:
    """The data of a run, how they are read, and its options; options that are given again must be the same.

    But for the device, which may be another one: a run that began on a GPU is not lost where there is none. And a run
    may be trained for longer (`_LONGER`).

    Raises:
        InputError: there is no run, or other options are given.
    """
    if not run.config.is_file():
        raise InputError(f"{run.path}: no run to resume here (it has no config.yaml)")
    saved = read_options(run.config)
    where = data if data is not None else saved.pop("data", None)
    of_data, of_training = split_options(_without_head(saved))
    data_again, training_again = split_options(given)
    options = TrainOptions.from_values(of_training, str(run.config))
    again = TrainOptions.from_values({**asdict(options), **training_again})
    longer = {
        name: getattr(again, name) for name in _LONGER if _is_longer(getattr(options, name), getattr(again, name))
    }
    options = replace(options, device=again.device, **longer)
    differing = [spec.name for spec in fields(options) if getattr(options, spec.name) != getattr(again, spec.name)]
    if differing:
        names = ", ".join(f"{name} (was {getattr(options, name)})" for name in differing)
        raise InputError(
            f"{run.path}: a run is resumed with the options it was started with, or for longer; other now: {names}"
        )
    reading = DataOptions.from_values({**of_data, **data_again}, str(run.config))
    if isinstance(where, InMemory):
        return where, reading, options
    if not isinstance(where, (str, Path)) and not reading.clean:
        raise InputError(
            f"{run.config}: does not say where the data are (a run on pictures in memory does not keep them); give "
            "them again"
        )
    return None if where is None else Path(where), reading, options


def lengthened(run: RunFolder, options: TrainOptions, console: Console) -> None:
    """Where a run is trained for longer than its config.yaml says: say what that means, and write it there.

    The line of config.yaml keeps as a comment what it was before.
    """
    before = TrainOptions.from_values(split_options(_without_head(read_options(run.config)))[1])
    text = run.config.read_text("utf-8")
    for name in _LONGER:
        was, now = getattr(before, name), getattr(options, name)
        if was == now:
            continue
        console.say(
            f"notice: trained for longer, {name.replace('_', '-')} {now:g} (was {was:g}): the schedules of learning "
            f"rate, beta and obedience are stretched to it, so the result is not that of a run begun so"
        )
        line = re.search(rf"^{name}:[^#\n]*(#.*)?$", text, re.MULTILINE)
        earlier = line[1].replace("# was", ",") if line and line[1] else ""
        new = f"{name}: {now}  # was {was}{earlier}"
        text = text.replace(line[0], new) if line else f"{text}{new}\n"
    if text != run.config.read_text("utf-8"):
        write_text(run.config, text)


def _without_head(saved: dict[str, Any]) -> dict[str, Any]:
    """What stands in config.yaml, less the version and the data."""
    return {name: value for name, value in saved.items() if name not in ("unalter", "data")}


def _is_longer(before: float, now: float) -> bool:
    """Of epochs, or minutes, where 0 is no limit."""
    return now > before > 0 or (now == 0 and before > 0)


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
    run: RunFolder, data: Path | InMemory | None, reading: DataOptions, options: TrainOptions, console: Console,
    processes: Processes = ALONE,
) -> Experiment:  # fmt: skip
    """A run found again, by its `saved_settings`.

    Raises:
        InputError: the data cannot be read, or are not those of the run's pairs.
    """
    recipe = saved_recipe(run)
    dataset = read_data(data, reading, console, clean_will_do=True, processes=processes)
    dataset = with_made(dataset, recipe, options.seed)
    return Experiment(run, data, reading, options, dataset, recipe, read_pairs(run.pairs, dataset))


def check_seen(run: RunFolder, processes: Processes) -> None:
    """Refuse a run folder that not all processes see, once the first one has it.

    Raises:
        InputError: says who does not.
    """
    if processes.world == 1:
        return
    processes.wait()
    seen = processes.gather(_seen(run))
    if not all(seen):
        blind = seen.index(False)
        if processes.first and run.unfinished_start.exists():
            run.leave()
        raise InputError(
            f"{run.path}: process {blind} of {processes.world} ({processes.hosts[blind]}) does not see this folder; "
            "choose an --out on a disk that all share"
        )


def _seen(run: RunFolder) -> bool:
    """Whether the folder comes to be seen; on a disk over a network that takes a while."""
    until = time.monotonic() + _SEEN_WITHIN
    while not run.lock.exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
        with suppress(OSError):
            os.listdir(run.path.absolute().parent)  # what a network's disk was thought to hold is looked up again
    return True


def saved_recipe(run: RunFolder) -> Recipe | None:
    """The recipe in a run's folder; None where there is none.

    Raises:
        InputError: it is not understood.
    """
    return load_recipe(run.recipe) if run.recipe.is_file() else None
