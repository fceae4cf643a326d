"""Names that are shifted by one: a list with a line too many or too few gives every picture the name of the next."""

from __future__ import annotations

import re

import numpy as np
from torch.nn import functional as F

from unalter.data.dataset import Dataset
from unalter.pairing.alignment import downsample, grey_foreground
from unalter.pairing.pairs import Pairs

_FEWEST = 3
"""Pictures that look like their neighbour, before anything is said of it."""
_MOST = 0.5
"""Of the pictures that look like another one than their name's, this share looks like the neighbour."""
_BY_LABEL = 0.9, 0.5
"""With shifted names so many altered pictures, at least, have a clean one of their label; by their own at most so many,
where several classes are mixed."""
_LOOKED_AT = 2_000
"""Pictures that are compared where there is no recipe to explain them by."""
_FAR = 7
"""Places away, where no shift by one leads: how often chance makes pictures alike."""
_CLEARLY = 0.1
"""Of a cosine between small copies: the neighbour is more alike by this much."""


def clean_neighbours(dataset: Dataset, rows: np.ndarray, by: int) -> np.ndarray:
    """Clean pictures `by` places after others (rows int64 [N]) in the order of their names: int64 [N], -1 for none."""
    order, place = _order(dataset)
    there = place[rows] + by
    inside = (there >= 0) & (there < len(order))
    return np.where(inside, order[there.clip(0, len(order) - 1)], -1)


def shift_seen(dataset: Dataset, pairs: Pairs) -> str | None:
    """What to say where pictures look like the neighbours of those that they are named after.

    Args:
        pairs: verified; the likeliest of those that are doubtful was looked for.
    """
    _, place = _order(dataset)
    other = np.flatnonzero((pairs.doubtful >= 0) & (pairs.likeliest >= 0) & (pairs.likeliest != pairs.doubtful))
    offset = place[pairs.likeliest[other]] - place[pairs.doubtful[other]]
    for by, where in ((-1, "before"), (1, "after")):
        count = int((offset == by).sum())
        if count >= max(_FEWEST, _MOST * len(other)):
            return _words(f"{count:,} altered pictures look like", where)
    return None


def shift_by_labels(dataset: Dataset) -> str | None:
    """What to say where labels fit only when indices are shifted by one."""
    clean, altered = dataset.clean, dataset.altered
    known = set(zip(clean.index.tolist(), clean.labels.tolist(), strict=True))

    def fit(by: int) -> float:
        keys = zip((altered.index + by).tolist(), altered.labels.tolist(), strict=True)
        return float(np.mean([key in known for key in keys]))

    enough, few = _BY_LABEL
    if len(altered) >= 2 * _FAR and fit(0) < few:
        for by, where in ((-1, "before"), (1, "after")):
            if fit(by) >= enough:
                return _words(f"by their labels {fit(by):.0%} of the altered pictures belong to", where)
    return None


def shift_by_likeness(dataset: Dataset, pairs: Pairs) -> str | None:
    """What to say where pictures are more like the neighbours of those that they are paired with by name.

    Small copies are compared as they are: it needs no recipe, and sees nothing where things were turned far.
    """
    rows = pairs.altered[:: max(len(pairs.altered) // _LOOKED_AT, 1)]
    copies = F.normalize(downsample(grey_foreground(dataset.altered.images[rows], True)).flatten(1), dim=1).numpy()

    def likeness(clean: np.ndarray) -> np.ndarray:
        images = dataset.clean.images[clean.clip(0)]
        others = F.normalize(downsample(grey_foreground(images, True)).flatten(1), dim=1).numpy()
        return np.where(clean >= 0, (copies * others).sum(1), -1.0)

    own = likeness(pairs.clean[rows])
    near = {by: likeness(clean_neighbours(dataset, pairs.clean[rows], by)) for by in (-1, 1, -_FAR, _FAR)}
    least = np.quantile(np.maximum(near[-_FAR], near[_FAR]), 0.9) if len(rows) else 1.0
    better = {by: int(((at > own + _CLEARLY) & (at > least)).sum()) for by, at in near.items()}
    chance = max(better[-_FAR], better[_FAR], 1)
    for by, where in ((-1, "before"), (1, "after")):
        if better[by] >= max(_FEWEST * chance, _FEWEST, 0.03 * len(rows)):
            return _words(f"{better[by]:,} altered pictures look more like", where)
    return None


def _words(what: str, where: str) -> str:
    return (
        f"warning: {what} the clean picture one place {where} the one of their name: "
        "is the list of names shifted by one, wholly or in part?"
    )


def _order(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Clean rows in the order of their names, numbers by their value; and the place of each row in it."""
    names = dataset.clean.names
    keys = [[int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)] for name in names]
    order = np.array(sorted(range(len(names)), key=keys.__getitem__), np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return order, place
