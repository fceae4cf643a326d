"""Pairs by name, verified by looking, and by appearance where names say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from unalter.alter import Alteration, Branch, Recipe, find_backgrounds
from unalter.alter.backgrounds import Backgrounds, blended, win_back, without
from unalter.alter.kinds.blend import Blend
from unalter.data.dataset import Dataset
from unalter.pairing.decision import Confidence, margins, threshold
from unalter.pairing.matcher import train_matcher
from unalter.pairing.names import pair_by_name
from unalter.pairing.pairs import APPEARANCE, NAME, VERIFIED, Pairs
from unalter.pairing.search import Candidates, Search
from unalter.support.errors import InputError
from unalter.support.progress import ProgressCallback, no_progress

PRECISION = 0.99
_IMITATED = 800
"""Imitated pictures that the confidence is learned from."""
_IDENTICAL = 0.9
"""An altered folder with this share of untouched clean pictures is no altered folder."""
_VERIFIED_ON = 400
_FALSE_ALARMS = 0.01
"""The share of true pairs that may be called doubtful."""
_TOLERANCE = 0.005
"""Errors below it are rounding, or backgrounds and recipes known not quite exactly."""


@dataclass(frozen=True)
class _Group:
    """Altered pictures that came about in the same way."""

    rows: np.ndarray
    """int64 [M]: which altered pictures"""
    images: np.ndarray
    """uint8 [M, C, H, W]: without the background that they were blended with, if any"""
    ways: list[tuple[Alteration, ...]]
    """Sequences of alterations, without blends; one of them was taken."""
    backgrounds: Backgrounds | None = None
    """What they were blended with."""

    def among(self, rows: np.ndarray) -> _Group:
        """Those of the group that are among some altered pictures, int64 [K]."""
        which = np.isin(self.rows, rows)
        return replace(self, rows=self.rows[which], images=self.images[which])

    def imitate(self, search: Search, origin: np.ndarray) -> np.ndarray:
        """Pictures made from clean ones (rows int64 [M]) as those of the group were: uint8 [M, C, H, W]."""
        images = search.imitate(origin)
        if self.backgrounds is None:
            return images
        which = np.arange(len(images)) % len(self.backgrounds.images)
        return without(blended(images, self.backgrounds, which), self.backgrounds, which)  # with the same rounding


def check_altered(dataset: Dataset) -> None:
    """Refuse folders that cannot hold pairs.

    Raises:
        InputError: no label is in both folders; or the altered folder holds the clean pictures.
    """
    clean, altered = dataset.clean, dataset.altered
    if not np.isin(altered.labels, clean.labels).any():
        have, need = (", ".join(map(str, np.unique(part.labels)[:12])) for part in (clean, altered))
        raise InputError(f"no label is in both folders: clean/ has {have}, aug/ has {need}; are they of one data set?")
    known = {picture.tobytes() for picture in clean.images}
    same = sum(picture.tobytes() in known for picture in altered.images)
    if same > _IDENTICAL * len(altered):
        raise InputError(
            f"{same:,} of the {len(altered):,} pictures in aug/ are untouched copies of clean ones: "
            "is aug/ really the altered folder?"
        )


def find_pairs(
    dataset: Dataset,
    recipe: Recipe,
    *,
    by_appearance: bool = True,
    only: np.ndarray | None = None,
    precision: float = PRECISION,
    seed: int = 0,
    on_progress: ProgressCallback = no_progress,
) -> Pairs:
    """Find the clean picture of every altered one, or that there is none.

    A name pair is verified: the recipe has to be able to turn the one picture into the other. The other altered
    pictures are searched for in the clean folder, among those of their label.

    Args:
        folders: the data set.
        recipe: how altered pictures come about; needs no backgrounds.
        by_appearance: search; else only verify names.
        only: rows of altered pictures, int64 [M]; the others are not looked at, and keep the pair of their name where
            names hold.
        precision: the share of the pairs found by appearance that is to be right, by expectation.
        seed: of everything random.

    Raises:
        InputError: see `check_altered`.
    """
    check_altered(dataset)
    pairs = pair_by_name(dataset)
    for group in _groups(dataset, recipe, np.arange(len(dataset.altered)) if only is None else only):
        searches = [Search(dataset.clean.images, dataset.clean.labels, way, seed) for way in group.ways]
        pairs = _verified(pairs, dataset, group, searches, seed, on_progress)
        if by_appearance:
            pairs = _searched(pairs, dataset, group, searches, precision, seed, on_progress)
    return pairs if pairs.names_hold else _distrusted(pairs)


def _groups(dataset: Dataset, recipe: Recipe, only: np.ndarray) -> list[_Group]:
    """Some altered pictures by whether they were blended; each can have come by any of the fitting branches."""
    images = dataset.altered.images
    found = find_backgrounds(images) if recipe.blends else None
    with_blend = [branch for branch in recipe.branches if _blends(branch)]
    other = [branch for branch in recipe.branches if branch not in with_blend]
    groups = []
    rest = np.arange(len(images))
    if found is not None:
        rows, subjects = win_back(images, found)
        rest = np.flatnonzero(found.members < 0)
        groups.append(_Group(rows, subjects, _ways(with_blend), found))
    groups.append(_Group(rest, images[rest], _ways(other or with_blend)))
    return [part for group in groups if len((part := group.among(only)).rows)]


def _blends(branch: Branch) -> bool:
    return any(isinstance(step, Blend) for step in branch.steps)


def _ways(branches: list[Branch]) -> list[tuple[Alteration, ...]]:
    return [tuple(step for step in branch.steps if not isinstance(step, Blend)) for branch in branches]


def _verified(
    pairs: Pairs, dataset: Dataset, group: _Group, searches: list[Search], seed: int, on_progress: ProgressCallback
) -> Pairs:
    """Look at the name pairs of a group: those that the recipe cannot explain become doubtful."""
    inside = np.flatnonzero(pairs.method[group.rows] == NAME)
    if len(inside) == 0:
        return pairs
    rows, clean = group.rows[inside], pairs.clean[group.rows[inside]]
    count = _counting("verifying names", len(rows) * len(searches), on_progress)
    error = np.min([search.explain(group.images[inside], clean, count) for search in searches], axis=0)
    wrong = error > _looks_wrong(error, group, searches, dataset, seed)
    result = {name: getattr(pairs, name).copy() for name in ("clean", "score", "doubtful")}
    result["method"] = pairs.method.astype("U10")
    result["score"][rows] = np.where(wrong, 0.0, 1.0)
    result["doubtful"][rows[wrong]] = clean[wrong]
    result["clean"][rows[wrong]] = -1
    result["method"][rows] = np.where(wrong, "", VERIFIED)
    return replace(pairs, **result)


def _distrusted(pairs: Pairs) -> Pairs:
    """The same, less the pairs that have nothing but their name."""
    named = pairs.method == NAME
    return replace(
        pairs,
        clean=np.where(named, -1, pairs.clean),
        method=np.where(named, "", pairs.method),
        likeliest=np.where(named, -1, pairs.likeliest),
        score=np.where(named, 0.0, pairs.score),
    )


def _looks_wrong(error: np.ndarray, group: _Group, searches: list[Search], dataset: Dataset, seed: int) -> float:
    """The error above which a name pair, one of those with `error` (float64 [M]), does not look like a pair.

    All but a few of imitated true pairs have less, and all but a few of real altered pictures beside another clean one
    of their label more; and most names that have more are wrong ones. Where the recipe is not quite how pictures were
    altered, only the latter two say what is wrong.
    """
    draw = np.random.default_rng([seed, 4])
    rows = draw.choice(len(dataset.clean), _VERIFIED_ON)
    true = np.concatenate([search.explain(group.imitate(search, rows), rows) for search in searches])
    limits = [float(np.quantile(true, 1 - _FALSE_ALARMS)), _TOLERANCE]
    altered = draw.choice(len(group.rows), _VERIFIED_ON)
    others = _others(dataset, group.rows[altered], draw)
    alone = others >= 0
    if alone.any():
        images = group.images[altered[alone]]
        wrong = np.min([search.explain(images, others[alone]) for search in searches], axis=0)
        limits += [float(np.quantile(wrong, _FALSE_ALARMS)), _mostly_wrong(error, wrong)]
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


def _searched(
    pairs: Pairs, dataset: Dataset, group: _Group, searches: list[Search], precision: float, seed: int,
    on_progress: ProgressCallback,
) -> Pairs:  # fmt: skip
    """Search for the pictures of a group that have no verified name."""
    clean = dataset.clean
    inside = np.flatnonzero(pairs.clean[group.rows] < 0)
    if len(inside) == 0:
        return pairs
    rows = group.rows[inside]
    matcher = None
    if any(search.needs_matcher for search in searches):
        ways = Recipe("imitation", tuple(Branch(1 / len(group.ways), way) for way in group.ways))
        matcher = train_matcher(
            clean.images, clean.labels, ways, seed, lambda done: on_progress("training the matcher", done)
        )
    origin = np.random.default_rng([seed, 5]).choice(len(clean), _IMITATED)
    count = _counting("searching", (2 * _IMITATED + len(rows)) * len(searches), on_progress)
    best = Candidates(np.full((len(rows), 2), -1), np.full((len(rows), 2), np.inf))
    probability = np.zeros(len(rows))
    for search in searches:
        imitated, labels = group.imitate(search, origin), clean.labels[origin]
        present = search.find(imitated, labels, matcher, count)
        absent = search.find(imitated, labels, matcher, count, without=origin)
        found = search.find(group.images[inside], dataset.altered.labels[rows], matcher, count)
        sure = Confidence(present, absent, origin)(found)
        better = found.error[:, 0] < best.error[:, 0]
        best.clean[better], best.error[better] = found.clean[better, :2], found.error[better, :2]
        probability = np.where(better, sure, probability)
    accepted = (probability >= threshold(probability, precision)) & (best.clean[:, 0] >= 0)
    result = {name: getattr(pairs, name).copy() for name in ("clean", "likeliest", "score", "margin")}
    result["method"] = pairs.method.astype("U10")
    result["likeliest"][rows] = best.clean[:, 0]
    result["score"][rows], result["margin"][rows] = probability, margins(best)
    result["clean"][rows[accepted]] = best.clean[accepted, 0]
    result["method"][rows[accepted]] = APPEARANCE
    return replace(pairs, **result)


def _counting(what: str, total: int, on_progress: ProgressCallback) -> Callable[[int], None]:
    """Tells the share that is done, when it is told how many more are."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        on_progress(what, done / total)

    return count
