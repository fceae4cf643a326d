"""Pairs by name, verified by looking, and by appearance where names say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unalter.alter import Branch, Recipe
from unalter.data.classes import called
from unalter.data.dataset import Dataset
from unalter.pairing.decision import Confidence, margins, threshold
from unalter.pairing.groups import Group, group_by_blend
from unalter.pairing.matcher import train_matcher
from unalter.pairing.names import pair_by_name
from unalter.pairing.options import DEFAULTS, PairingOptions
from unalter.pairing.pairs import APPEARANCE, Pairs
from unalter.pairing.search import Candidates, GallerySearch, progress_counter
from unalter.pairing.verify import verify_names, without_names
from unalter.support.errors import InputError
from unalter.support.processes import ALONE, Processes
from unalter.support.progress import ProgressCallback, no_progress

PRECISION = 0.99
_IDENTICAL = 0.9
"""An altered folder with this share of untouched clean pictures is no altered folder."""


def check_altered(dataset: Dataset) -> None:
    """Refuse folders that cannot hold pairs.

    Raises:
        InputError: no label is in both folders; or the altered folder holds the clean pictures.
    """
    clean, altered = dataset.clean, dataset.altered
    if not np.isin(altered.labels, clean.labels).any():
        have, need = (
            ", ".join(map(str, called(np.unique(part.labels)[:12], part.label_names))) for part in (clean, altered)
        )
        raise InputError(f"no label is in both folders: clean/ has {have}, aug/ has {need}; are they of one data set?")
    known = set(clean.digests)
    same = sum(digest in known for digest in altered.digests)
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
    options: PairingOptions = DEFAULTS,
    on_progress: ProgressCallback = no_progress,
    processes: Processes = ALONE,
) -> Pairs:
    """Find the clean picture of every altered one, or that there is none.

    A name pair is verified: the recipe has to be able to turn the one picture into the other. The other altered
    pictures are searched for in the clean folder, among those of their label.

    Args:
        dataset: the data set.
        recipe: how altered pictures come about; needs no backgrounds.
        by_appearance: search; else only verify names.
        only: rows of altered pictures, int64 [M]; the others are not looked at, and keep the pair of their name where
            names hold.
        precision: the share of the pairs found by appearance that is to be right, by expectation.
        seed: of everything random.
        options: how thoroughly.
        processes: who share out the search; all of them have its result.

    Raises:
        InputError: see `check_altered`.
    """
    check_altered(dataset)
    pairs = pair_by_name(dataset)
    looked_at = np.arange(len(dataset.altered)) if only is None else only
    for whole in group_by_blend(dataset.altered.images, recipe):
        group = whole.among(looked_at)
        if len(group.rows) == 0:
            continue
        clean = dataset.clean
        searches = [
            GallerySearch(clean.images, clean.labels, chain, seed, options, processes) for chain in group.chains
        ]
        pairs = verify_names(pairs, dataset, group, searches, seed, options, on_progress)
        if by_appearance:
            pairs = _searched(pairs, dataset, group, searches, precision, seed, options, on_progress)
    return pairs if pairs.names_hold else without_names(pairs)


def _searched(
    pairs: Pairs, dataset: Dataset, group: Group, searches: list[GallerySearch], precision: float, seed: int,
    options: PairingOptions, on_progress: ProgressCallback,
) -> Pairs:  # fmt: skip
    """Search for the pictures of a group that have no verified name.

    The confidence is learned from as many imitated pictures as are searched for, between the bounds of the options.
    """
    clean = dataset.clean
    inside = np.flatnonzero(pairs.clean[group.rows] < 0)
    if len(inside) == 0:
        return pairs
    rows = group.rows[inside]
    matcher = None
    if any(search.needs_matcher for search in searches):
        imitation = Recipe("imitation", tuple(Branch(1 / len(group.chains), chain) for chain in group.chains))
        matcher = train_matcher(
            clean.images, clean.labels, imitation, seed, lambda done: on_progress("training the matcher", done), options
        )
    imitated = options.imitations(len(rows), clean.images.shape)
    origin = np.random.default_rng([seed, 5]).choice(len(clean), imitated)
    count = progress_counter("searching", (2 * len(origin) + len(rows)) * len(searches), on_progress)
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
    result = {name: getattr(pairs, name).copy() for name in ("clean", "method", "likeliest", "score", "margin")}
    result["likeliest"][rows] = best.clean[:, 0]
    result["score"][rows], result["margin"][rows] = probability, margins(best)
    result["clean"][rows[accepted]] = best.clean[accepted, 0]
    result["method"][rows[accepted]] = APPEARANCE
    return replace(pairs, **result)
