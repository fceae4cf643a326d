"""The pairs of a data set, however they were found."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unalter.data import Folders
from unalter.files import whole_file


@dataclass(frozen=True)
class Pairs:
    """For every altered picture its clean one, or none."""

    clean: np.ndarray
    """int64 [N]: the row of the clean picture, -1 where there is none."""
    method: str
    """How they were found."""
    score: np.ndarray
    """float64 [N]: how sure it is, 0..1."""

    @property
    def altered(self) -> np.ndarray:
        """int64 [M]: the rows of the altered pictures that have a partner."""
        return np.flatnonzero(self.clean >= 0)

    def summary(self) -> str:
        """One line for a person."""
        paired, alone = len(self.altered), int((self.clean < 0).sum())
        return f"{paired:,} altered pictures have their clean picture here (by {self.method}); {alone:,} have none"


def write_pairs(path: Path, folders: Folders, pairs: Pairs) -> None:
    """Write pairs.csv: `altered,clean,method,score`, one row an altered picture, clean "none" without partner."""
    with whole_file(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["altered", "clean", "method", "score"])
        for name, row, score in zip(folders.altered.names, pairs.clean, pairs.score, strict=True):
            if row >= 0:
                writer.writerow([name, folders.clean.names[row], pairs.method, f"{score:.4f}"])
            else:
                writer.writerow([name, "none", "", ""])
