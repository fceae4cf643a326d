"""Whether altered pictures look like the clean ones of their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unalter.data.dataset import Dataset
from unalter.pairing.groups import Group
from unalter.pairing.options import PairingOptions
from unalter.pairing.pairs import NAME, VERIFIED, Pairs
from unalter.pairing.search import GallerySearch, progress_counter
from unalter.pairing.shifts import clean_neighbours
from unalter.support.progress import ProgressCallback

_RARE = 5 / 401
"""The share of true pairs that may be called doubtful: the fifth largest error of 400 is exceeded by so many."""
_FEW_WRONG, _SOME_WRONG = 3, 0.04
"""So many names, and this share of them, are doubtful by chance; of more it is seen whether they are shifted by one,"""
_NEIGHBOURS = 200
"""on about so many."""
_TOLERANCE = 0.005
"""Errors below it are rounding, or backgrounds and recipes known not quite exactly."""


def verify_names(
    pairs: Pairs, dataset: Dataset, group: Group, searches: list[GallerySearch], seed: int, options: PairingOptions,
    on_progress: ProgressCallback,
) -> Pairs:  # fmt: skip
    """Look at the name pairs of a group: those that the recipe cannot explain become doubtful.

    Args:
        searches: one for each chain of the group.
        seed: of the imitated pairs that tell how large errors may be.
    """
    inside = np.flatnonzero(pairs.method[group.rows] == NAME)
    if len(inside) == 0:
        return pairs
    rows, clean = group.rows[inside], pairs.clean[group.rows[inside]]
    imitated = options.true_imitations(len(rows), group.images.shape)
    count = progress_counter("verifying names", (len(rows) + imitated) * len(searches) + imitated, on_progress)
    error = _least_error(searches, group.images[inside], clean, count)
    largest = _largest_error(error, group, searches, dataset, seed, imitated, count)
    wrong = error > largest
    result = {name: getattr(pairs, name).copy() for name in ("clean", "method", "likeliest", "score", "doubtful")}
    result["score"][rows] = np.where(wrong, 0.0, 1.0)
    if wrong.sum() > max(_FEW_WRONG, _SOME_WRONG * len(rows)):
        some = np.flatnonzero(wrong)[:: max(int(wrong.sum()) // _NEIGHBOURS, 1)]
        near = _neighbours(dataset, searches, group.images[inside[some]], clean[some], largest)
        result["likeliest"][rows[some]] = np.where(near >= 0, near, clean[some])
    result["doubtful"][rows[wrong]] = clean[wrong]
    result["clean"][rows[wrong]] = -1
    result["method"][rows] = np.where(wrong, "", VERIFIED)
    return replace(pairs, **result)


def _neighbours(
    dataset: Dataset, searches: list[GallerySearch], images: np.ndarray, clean: np.ndarray, largest: float
) -> np.ndarray:
    """The clean picture before or after those of the names that explains altered ones, int64 [N]; -1 for neither."""
    found, least = np.full(len(images), -1), np.full(len(images), largest)
    for by in (-1, 1):
        near = clean_neighbours(dataset, clean, by)
        there = np.flatnonzero(near >= 0)
        error = np.full(len(images), np.inf)
        error[there] = _least_error(searches, images[there], near[there])
        found, least = np.where(error < least, near, found), np.minimum(error, least)
    return found


def without_names(pairs: Pairs) -> Pairs:
    """The same, less the pairs that have nothing but their name."""
    named = pairs.method == NAME
    return replace(
        pairs,
        clean=np.where(named, -1, pairs.clean),
        method=np.where(named, "", pairs.method),
        likeliest=np.where(named, -1, pairs.likeliest),
        score=np.where(named, 0.0, pairs.score),
    )


def _least_error(
    searches: list[GallerySearch], images: np.ndarray, clean: np.ndarray,
    count: Callable[[int], object] = lambda more: None,
) -> np.ndarray:  # fmt: skip
    """The least error, float64 [M], with which a chain explains pictures by a clean one each, or `_TOLERANCE`."""
    error = np.full(len(images), np.inf)
    for search in searches:
        rows = np.flatnonzero(error > _TOLERANCE)
        count(len(images) - len(rows))
        found = search.explain(images[rows], clean[rows], count, enough=_TOLERANCE)
        error[rows] = np.minimum(error[rows], found)
    return np.maximum(error, _TOLERANCE)


def _largest_error(
    error: np.ndarray, group: Group, searches: list[GallerySearch], dataset: Dataset, seed: int, count: int,
    on_progress: Callable[[int], object],
) -> float:  # fmt: skip
    """The error above which a name pair, one of those with `error` (float64 [M]), does not look like a pair.

    All but a few of imitated true pairs have less, and all but a few of real altered pictures beside another clean one
    of their label more; and most names that have more are wrong ones. Where the recipe is not quite how pictures were
    altered, only the latter two say what is wrong.

    There are `count` of either, about as many as there are names to verify: the work grows with the folder, and the
    limits are as certain as what they are for. Fewer do not make more right names doubtful: the k-th largest of K
    errors is exceeded by the next one with a probability of k / (K + 1) (Weibull 1939), and the quantile is taken by
    that rule, which needs 80 of them.
    """
    draw = np.random.default_rng([seed, 4])
    rows = draw.choice(len(dataset.clean), count)
    true = np.concatenate(
        [
            _least_error([search], group.imitate(search, part), part, on_progress)
            for search, part in zip(searches, np.array_split(rows, len(searches)), strict=True)
        ]
    )
    limits = [float(np.quantile(true, 1 - _RARE, method="weibull")), _TOLERANCE]
    altered = draw.choice(len(group.rows), count)
    others = _others(dataset, group.rows[altered], draw)
    alone = others >= 0
    if alone.any():
        wrong = _least_error(searches, group.images[altered[alone]], others[alone], on_progress)
        limits += [float(np.quantile(wrong, _RARE, method="weibull")), _mostly_wrong(error, wrong)]
    return max(limits)


def _mostly_wrong(error: np.ndarray, wrong: np.ndarray) -> float:
    """The error above which at least half of the names are wrong.

    Names are right or wrong, and wrong ones have the errors of pairs known to be `wrong`, float64 [K]. How many names
    are, those tell that have more than the median of these (one more than there are, to be on the safe side), as there
    hardly is a right one among them (Storey 2002).
    """
    middle = np.median(wrong)
    count = min(len(error), (np.sum(error > middle) + 1) / max(np.mean(wrong > middle), 1e-9))
    limits = np.append(0.0, np.sort(error))
    above = np.arange(len(error), -1, -1)
    wrong_above = count * (1 - np.searchsorted(np.sort(wrong), limits, side="right") / len(wrong))
    return float(limits[np.argmax(wrong_above >= above / 2)])


def _others(dataset: Dataset, altered: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """For altered pictures (rows int64 [M]) a clean one each of their label, but not of their name; -1 for none."""
    clean = dataset.clean
    by_label = {label: np.flatnonzero(clean.labels == label) for label in np.unique(clean.labels)}
    chosen = np.full(len(altered), -1)
    for place, row in enumerate(altered):
        same = by_label.get(dataset.altered.labels[row], np.empty(0, np.int64))
        same = same[clean.index[same] != dataset.altered.index[row]]
        if len(same):
            chosen[place] = draw.choice(same)
    return chosen
