"""Names that are shifted by one: a list with a line too many or too few gives every picture the name of the next."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from unalter.data.dataset import Dataset
from unalter.images.convert import to_float
from unalter.images.subjects import ANGLES, Frame, find_subjects, standardised, upright
from unalter.pairing.options import fewer
from unalter.pairing.pairs import Pairs

_FEWEST = 3
"""Pictures that look like their neighbour, before anything is said of it."""
_MOST = 0.5
"""Of the pictures that look like another one than their name's, this share looks like the neighbour."""
_BY_LABEL = 0.9, 0.5
"""With shifted names so many altered pictures, at least, have a clean one of their label; by their own at most so many,
where several classes are mixed."""
_LOOKED_AT, _LEAST_LOOKED_AT = 500, 100
"""Pictures that are compared where they are not explained, less of large ones: a tenth of them shows."""
_POSES = [(number * 2 * math.pi / ANGLES, mirrored) for number in range(ANGLES) for mirrored in (False, True)]
_FAR = 7
"""Places away, where no shift by one leads: how often chance makes pictures alike."""
_CLEARLY = 0.1
"""Of a cosine between subjects: the neighbour is more alike by this much."""


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

    Subjects are compared, brought to one place and size, turned all around and mirrored, bright or dark: it needs no
    recipe. Where they are not told apart so, nothing is said.
    """
    clean, altered = dataset.clean.images, dataset.altered.images
    rows = pairs.altered[:: max(len(pairs.altered) // max(fewer(_LOOKED_AT, clean.shape), _LEAST_LOOKED_AT), 1)]
    if len(rows) <= 2 * _FAR:
        return None
    standing = standardised(_subjects(altered[rows], [(0.0, False)]))

    def likeness(partner: np.ndarray) -> np.ndarray:
        poses = standardised(_subjects(clean[partner.clip(0)], _POSES))
        return np.where(partner >= 0, (poses @ standing.transpose(1, 2)).amax((1, 2)).numpy(), -1.0)

    own = likeness(pairs.clean[rows])
    near = {by: likeness(clean_neighbours(dataset, pairs.clean[rows], by)) for by in (-1, 1, -_FAR, _FAR)}
    least = np.quantile(np.maximum(near[-_FAR], near[_FAR]), 0.9)
    better = {by: int(((at > own + _CLEARLY) & (at > least)).sum()) for by, at in near.items()}
    chance = max(better[-_FAR], better[_FAR], 1)
    for by, where in ((-1, "before"), (1, "after")):
        if better[by] >= max(_FEWEST * chance, 0.03 * len(rows)):
            return _words(f"{better[by]:,} altered pictures look more like", where)
    return None


def _subjects(images: np.ndarray, poses: Sequence[tuple[float, bool]]) -> Tensor:
    """What pictures show, in poses (angle, mirrored or not): uint8 [N, C, H, W] to float32 [N, P, D]."""
    subject = find_subjects(to_float(images).mean(1))[0]
    frame = Frame(subject)
    return torch.stack([upright(subject, frame, angle, mirrored).flatten(1) for angle, mirrored in poses], 1)


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
