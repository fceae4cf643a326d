"""`unalter pair`: the pairs of a folder as CSV, as a summary, and to look at."""

from __future__ import annotations

from pathlib import Path

from unalter.data.dataset import Dataset
from unalter.data.options import AS_FOUND, DataOptions
from unalter.images.sheet import contact_sheet, write_picture
from unalter.pairing.pairs import Pairs, write_pairs
from unalter.pipeline.prepare import found_pairs, read_data, recipe_for
from unalter.support.console import Console
from unalter.support.files import check_output
from unalter.support.started import check_count, joined, place_here

_SHOWN = 12
"""Pairs in a row of the contact sheet."""
_ROWS = 3


def pair_folder(
    data: Path | None, out: Path, recipe: str, reading: DataOptions = AS_FOUND, *, precision: float,
    by_appearance: bool, seed: int, devices: int = 1,
) -> None:  # fmt: skip
    """Pair the pictures of a data set; write `out` (CSV) and a contact sheet beside it (PNG).

    Args:
        devices: processes of this computer that share out the search; see `train`.

    Raises:
        InputError: the folder, the recipe or `out` cannot be used.
    """
    if check_count(devices, place_here()):
        from unalter.commands.launch import launch

        options = {"out": out, "recipe": recipe, "target_precision": precision, "names_only": not by_appearance}
        options |= {"seed": seed, "devices": devices}
        options |= {name: value for name, value in vars(reading).items() if value}
        launch("pair", data, options, devices, "cpu", quiet=False)
        return
    with joined() as processes:
        console = Console(quiet=not processes.first)
        if processes.first:
            check_output(out)
        dataset = read_data(data, reading, console, processes=processes)
        chosen = recipe_for(recipe, dataset, seed, console, processes)
        console.say(chosen.summary())
        with console.progress("pairs") as advance:
            pairs = found_pairs(dataset, chosen, by_appearance, precision, seed, advance, processes=processes)
        if processes.first:
            _write(out, dataset, pairs, console)


def _write(out: Path, dataset: Dataset, pairs: Pairs, console: Console) -> None:
    write_pairs(out, dataset, pairs)
    sheet = out.with_name(f"{out.stem}-sheet.png")
    console.say(pairs.summary())
    console.say(f"written: {out}")
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
