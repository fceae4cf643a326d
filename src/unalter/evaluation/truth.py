"""A file that says which altered picture came from which clean one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.data.dataset import Dataset
from unalter.data.table import as_path, read_table
from unalter.support.errors import raise_together

_NOBODY = "none"
"""What `unalter pair` writes where there is no clean picture."""


def read_truth(path: Path, dataset: Dataset) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read a truth file: rows of altered pictures, rows of their clean ones, and their groups.

    Pictures whose clean one is "none", as `pair` writes it, are passed over.

    Raises:
        InputError: not readable, without the columns, or naming files that are not in the folders.
    """
    altered_rows = {as_path(name): row for row, name in enumerate(dataset.altered.names)}
    clean_rows = {as_path(name): row for row, name in enumerate(dataset.clean.names)}
    problems, rows, partner, groups = [], [], [], []
    lines: dict[int, tuple[int, int]] = {}
    for row in read_table(path, ("altered", "clean")):
        altered, clean = as_path(row.cells["altered"]), as_path(row.cells["clean"])
        if clean.lower() == _NOBODY and clean not in clean_rows:
            continue
        if altered not in altered_rows or clean not in clean_rows:
            where, name = ("aug", "altered") if altered not in altered_rows else ("clean", "clean")
            problems.append(f"line {row.line}: {row.cells[name] or 'an empty name'} is not in {where}/")
            continue
        before, other = lines.setdefault(altered_rows[altered], (row.line, clean_rows[clean]))
        if other != clean_rows[clean]:
            problems.append(f"lines {before} and {row.line}: {row.cells['altered']} has two clean pictures")
        if before != row.line:
            continue
        rows.append(altered_rows[altered])
        partner.append(clean_rows[clean])
        groups.append(row.cells.get("group", ""))
    raise_together(problems, f"{path} does not fit the folders:")
    return np.array(rows, np.int64), np.array(partner, np.int64), groups
