"""A file that says which altered picture came from which clean one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from unalter.data.dataset import Dataset
from unalter.support.errors import InputError, raise_together


def read_truth(path: Path, dataset: Dataset) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read a truth file: rows of altered pictures, rows of their clean ones, and their groups.

    Pictures whose clean one is "none", as `pair` writes it, are passed over.

    Raises:
        InputError: not readable, without the columns, or naming files that are not in the folders.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or [])
            entries = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error})") from None
    if not {"altered", "clean"} <= columns:
        raise InputError(f"{path}: needs the columns 'altered' and 'clean', has {', '.join(sorted(columns)) or 'none'}")
    altered_rows = {name: row for row, name in enumerate(dataset.altered.names)}
    clean_rows = {name: row for row, name in enumerate(dataset.clean.names)}
    problems, rows, partner, groups = [], [], [], []
    for number, entry in enumerate(entries, start=2):
        if entry["clean"] == "none" and "none" not in clean_rows:
            continue
        if entry["altered"] not in altered_rows or entry["clean"] not in clean_rows:
            where = "aug" if entry["altered"] not in altered_rows else "clean"
            name = entry["altered"] if where == "aug" else entry["clean"]
            problems.append(f"line {number}: {name} is not in {where}/")
            continue
        rows.append(altered_rows[entry["altered"]])
        partner.append(clean_rows[entry["clean"]])
        groups.append(entry.get("group") or "")
    raise_together(problems, f"{path} does not fit the folders:")
    return np.array(rows, np.int64), np.array(partner, np.int64), groups
