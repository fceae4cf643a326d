"""`unalter pair`: the pairs of a data set, as CSV, as a summary, and to look at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from unalter.alter import Recipe
from unalter.data.dataset import Dataset
from unalter.data.memory import InMemory, as_data
from unalter.data.options import DataOptions
from unalter.images.sheet import contact_sheet, write_picture
from unalter.pairing.find import PRECISION
from unalter.pairing.pairs import NamedPairs, Pairs, write_pairs
from unalter.pipeline.prepare import as_recipe, found_pairs, read_data, recipe_for, say_shift
from unalter.support.arguments import as_path, as_seed
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.support.files import check_output
from unalter.support.started import check_count, joined, place_here

_SHOWN = 12
"""Pairs in a row of the contact sheet."""
_ROWS = 3


@guest()
def pair(
    data: Any = None, *, out: str | os.PathLike[str] | None = None, recipe: str | os.PathLike[str] | Recipe = "auto",
    target_precision: float = PRECISION, names_only: bool = False, seed: int = 0, devices: int = 1,
    verbose: bool = False, **given: Any,
) -> NamedPairs:  # fmt: skip
    """Find the clean picture of each altered one, or that there is none.

    Args:
        data: as for `train`.
        out: a CSV file to write, and a contact sheet beside it (PNG); None: nothing is written.
        recipe: how altered pictures come about: auto (fitted), a preset, a YAML file or a `Recipe`.
        target_precision: the share of the pairs found by appearance that is to be right, .5 to .999.
        names_only: verify the pairs by name (of arrays: by row); do not search for the others.
        seed: of the search.
        devices: processes of this computer that share out the search; see `train`.
        verbose: print what goes on.
        given: `clean`, `altered`, `labels` and `altered_labels` as for `train`; other fields of `DataOptions`.

    Raises:
        InputError: the data, the recipe or `out` cannot be used.
    """
    if not 0.5 <= target_precision <= 0.999:
        raise InputError(f"target_precision is {target_precision}; it must be from 0.5 to 0.999")
    path, seed = None if out is None else as_path(out, "out"), as_seed(seed)
    where, reading = as_data(data, given)
    if check_count(devices, place_here()):
        if path is None or isinstance(where, InMemory) or isinstance(recipe, Recipe):
            raise InputError(
                "devices is for data and recipes in files, with out; other processes see no memory of this one"
            )
        from unalter.commands.launch import launch

        options = {"out": path, "recipe": recipe, "target_precision": target_precision, "names_only": names_only}
        launch(
            "pair", where, {**options, "seed": seed, "devices": devices, **reading}, devices, "cpu", quiet=not verbose
        )
        path, verbose = None, False  # they have written and said it, and what they found is in the cache
    with joined() as processes:
        if path is not None and processes.first:
            check_output(path, ".csv")
        console = Console(quiet=not (verbose and processes.first))
        dataset = read_data(where, DataOptions.from_values(reading), console, processes=processes)
        chosen = recipe_for(as_recipe(recipe), dataset, seed, console, processes)
        console.say(chosen.summary())
        with console.progress("pairs") as advance:
            pairs = found_pairs(
                dataset, chosen, not names_only, float(target_precision), seed, advance, processes=processes
            )
        console.say(pairs.summary())
        say_shift(dataset, pairs, console)
        if path is not None and processes.first:
            _write(path, dataset, pairs, console)
    return NamedPairs.of(pairs, dataset)


def _write(path: Path, dataset: Dataset, pairs: Pairs, console: Console) -> None:
    write_pairs(path, dataset, pairs)
    sheet = path.with_name(f"{path.stem}-sheet.png")
    console.say(f"written: {path}")
    if write_sheet(sheet, dataset, pairs):
        console.say(
            f"         {sheet}: altered over clean; the surest {_ROWS} rows, then the least sure that were taken,"
        )
        console.say("         then the likeliest of those that were not")


def write_sheet(path: Path, dataset: Dataset, pairs: Pairs) -> bool:
    """Write a contact sheet, altered pictures over clean ones: the surest pairs, the least sure, the best refused.

    Returns:
        Whether there was anything to show.
    """
    rows = []
    for block in pairs.by_certainty(_ROWS * _SHOWN):
        for start in range(0, len(block), _SHOWN):
            some = block[start : start + _SHOWN]
            rows += [dataset.altered.images[some], dataset.clean.images[pairs.likeliest[some]]]
    if rows:
        write_picture(path, contact_sheet(rows))
    return bool(rows)
