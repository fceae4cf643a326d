"""`unalter pair`: the pairs of a folder as CSV, as a summary, and to look at."""

from __future__ import annotations

from pathlib import Path

from unalter.data.dataset import Dataset
from unalter.data.options import AS_FOUND, DataOptions
from unalter.images.sheet import contact_sheet, write_picture
from unalter.pairing.pairs import Pairs, write_pairs
from unalter.pipeline.prepare import found_pairs, read_data, recipe_for, say_shift
from unalter.support.console import Console
from unalter.support.files import check_output

_SHOWN = 12
"""Pairs in a row of the contact sheet."""
_ROWS = 3


def pair_folder(
    data: Path | None, out: Path, recipe: str, reading: DataOptions = AS_FOUND, *, precision: float,
    by_appearance: bool, seed: int,
) -> Pairs:  # fmt: skip
    """Pair the pictures of a data set; write `out` (CSV) and a contact sheet beside it (PNG).

    Raises:
        InputError: the folder, the recipe or `out` cannot be used.
    """
    check_output(out)
    console = Console()
    dataset = read_data(data, reading, console)
    chosen = recipe_for(recipe, dataset, seed, console)
    console.say(chosen.summary())
    with console.progress("pairs") as advance:
        pairs = found_pairs(dataset, chosen, by_appearance, precision, seed, advance)
    write_pairs(out, dataset, pairs)
    sheet = out.with_name(f"{out.stem}-sheet.png")
    console.say(pairs.summary())
    say_shift(dataset, pairs, console)
    console.say(f"written: {out}")
    if write_sheet(sheet, dataset, pairs):
        console.say(
            f"         {sheet}: altered over clean; the surest {_ROWS} rows, then the least sure that were taken,"
        )
        console.say("         then the likeliest of those that were not")
    return pairs


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
