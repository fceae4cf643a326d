"""The pairs of a data set, however they were found."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from unalter.data.dataset import Dataset
from unalter.support.errors import InputError
from unalter.support.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

NAME, VERIFIED, APPEARANCE = "name", "verified", "appearance"
"""How a pair was found: by name alone, by name and by looking, or by looking alone."""
MADE, ITSELF = "made", "itself"
"""How pairs come about where there are clean pictures only: the altered one was made, or is the clean one itself."""
_METHODS = (NAME, VERIFIED, APPEARANCE, MADE, ITSELF)
_DOUBT = "does not look like "
_COLUMNS = ("altered", "clean", "method", "score", "margin", "likeliest", "remark")


@dataclass(frozen=True)
class Pairs:
    """For every altered picture its clean one, or none. All arrays have a row for each altered picture."""

    clean: np.ndarray
    """int64 [N]: the row of the clean picture, -1 where there is none"""
    method: np.ndarray
    """str [N]: `name`, `verified` (a name, and it looks like it), `appearance`, `made`, `itself`, or empty"""
    likeliest: np.ndarray
    """int64 [N]: the row of the clean picture that is the likeliest, also where it is not likely enough; or -1"""
    score: np.ndarray
    """float64 [N]: the probability that the likeliest is the right one"""
    margin: np.ndarray
    """float64 [N], 0..1: how much better it explains the altered picture than the next one does; nan if not looked"""
    doubtful: np.ndarray
    """int64 [N]: the row of a clean picture that has the altered one's name but does not look like it, else -1"""

    def __post_init__(self) -> None:
        # numpy cuts off what is longer than the longest that an array was made with
        wide = np.result_type(self.method.dtype, np.array(_METHODS).dtype)
        object.__setattr__(self, "method", self.method.astype(wide))

    @property
    def altered(self) -> np.ndarray:
        """int64 [M]: the rows of the altered pictures that have a partner."""
        return np.flatnonzero(self.clean >= 0)

    @property
    def true(self) -> np.ndarray:
        """int64 [M]: the rows of the altered pictures that have a partner and were not made here."""
        return np.flatnonzero((self.clean >= 0) & (self.method != MADE))

    def by_certainty(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of altered pictures to look at, at most `count` each.

        The surest that have a partner, the least sure that have one, and the likeliest that have none.
        """
        order = np.argsort(-self.score, kind="stable")
        taken = order[self.clean[order] >= 0]
        refused = order[(self.clean[order] < 0) & (self.likeliest[order] >= 0)]
        return taken[:count], taken[count:][-count:], refused[:count]

    @property
    def names_hold(self) -> bool:
        """Whether names say which pictures belong together: most that were looked at do."""
        return int((self.method == VERIFIED).sum()) >= int((self.doubtful >= 0).sum())

    def summary(self) -> str:
        """What a person wants to know, in a few lines."""
        count = {method: int((self.method == method).sum()) for method in _METHODS}
        if count[ITSELF]:
            return "no altered pictures: every picture is its own target (regular autoencoders)"
        if count[MADE]:
            return "no altered pictures: all are made of clean ones by the recipe"
        doubtful, alone = int((self.doubtful >= 0).sum()), int((self.clean < 0).sum())
        named = count[NAME] + count[VERIFIED] + doubtful
        lines = [f"{named:,} of {len(self.clean):,} altered pictures have a clean one by name"]
        if count[VERIFIED] or doubtful:
            lines[0] += f", {count[VERIFIED]:,} of them verified by looking"
        if doubtful:
            lines.append(f"{doubtful:,} do not look like the clean picture of their name (remarks in pairs.csv)")
        if not self.names_hold:
            lines.append("so the names mean nothing here, or the recipe is not how these pictures were altered")
        if count[APPEARANCE]:
            lines.append(f"{count[APPEARANCE]:,} more were found by appearance")
        lines.append(f"{alone:,} are without a pair")
        if alone == len(self.clean):
            lines.append("no pair at all: models would learn only from pairs that the recipe makes of clean pictures")
        return "\n".join(lines)


@dataclass(frozen=True)
class NamedPairs(Pairs):
    """Pairs that know what the pictures are called: files by their names, those in memory by their rows."""

    altered_names: list[str]
    clean_names: list[str]

    @classmethod
    def of(cls, pairs: Pairs, dataset: Dataset) -> Self:
        """The pairs of a data set."""
        return cls(**vars(pairs), altered_names=dataset.altered.names, clean_names=dataset.clean.names)

    def __len__(self) -> int:
        """How many altered pictures there are, those without a partner too."""
        return len(self.clean)

    def __repr__(self) -> str:
        return f"<{len(self.altered):,} pairs of {len(self):,} altered and {len(self.clean_names):,} clean pictures>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame of what pairs.csv has: a row for each altered picture, None for the partner that it lacks."""
        import pandas

        return pandas.DataFrame(_rows(self.altered_names, self.clean_names, self), columns=list(_COLUMNS))


def own_pairs(count: int, method: str) -> Pairs:
    """The pairs of so many clean pictures without altered ones, in their order: `MADE` or `ITSELF`."""
    rows = np.arange(count)
    nothing = np.full(count, -1)
    return Pairs(rows, np.full(count, method), rows, np.ones(count), np.full(count, np.nan), nothing)


def write_pairs(path: Path, dataset: Dataset, pairs: Pairs) -> None:
    """Write pairs.csv: `altered,clean,method,score,margin,likeliest,remark`, one row an altered picture.

    `clean` is "none" without partner; score and margin are those of the likeliest.
    """
    with atomic_write(path) as aside, open(aside, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for name, clean, method, score, margin, likeliest, remark in _rows(
            dataset.altered.names, dataset.clean.names, pairs
        ):
            known = "" if np.isnan(margin) else f"{margin:.4f}"
            writer.writerow([name, clean or "none", method, f"{score:.4f}", known, likeliest or "none", remark])


def _rows(altered: list[str], clean: list[str], pairs: Pairs) -> Iterator[tuple[Any, ...]]:
    """The `_COLUMNS` of every altered picture; None for a picture that there is not."""
    for i, name in enumerate(altered):
        partner, likeliest = (clean[row] if row >= 0 else None for row in (pairs.clean[i], pairs.likeliest[i]))
        remark = _DOUBT + clean[pairs.doubtful[i]] if pairs.doubtful[i] >= 0 else ""
        yield name, partner, str(pairs.method[i]), pairs.score[i], pairs.margin[i], likeliest, remark


def read_pairs(path: Path, dataset: Dataset) -> Pairs:
    """Read pairs.csv of the same folders.

    Raises:
        InputError: not there, or not of these folders.
    """
    rows = {name: row for row, name in enumerate(dataset.clean.names)} | {"none": -1}
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            lines = list(csv.DictReader(file))
        if [line["altered"] for line in lines] != dataset.altered.names:
            raise InputError(f"{path}: lists other altered pictures than are in the folder")
        return Pairs(
            clean=np.array([rows[line["clean"]] for line in lines], np.int64),
            method=np.array([line["method"] for line in lines]),
            likeliest=np.array([rows[line["likeliest"]] for line in lines], np.int64),
            score=np.array([float(line["score"]) for line in lines]),
            margin=np.array([float(line["margin"] or "nan") for line in lines]),
            doubtful=np.array([rows[line["remark"].removeprefix(_DOUBT) or "none"] for line in lines], np.int64),
        )
    except InputError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{path}: not a list of pairs of these folders ({error})") from None
