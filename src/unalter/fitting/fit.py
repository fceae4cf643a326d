"""Find the recipe that altered pictures were made with, from clean and altered ones that are not paired.

Pictures blended with fixed backgrounds are told by those (see `backgrounds`), and their subjects won back; for the
others, and for the subjects, a chain of alterations is searched (see `search`) that makes clean pictures like them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from unalter.alter.alteration import Alteration
from unalter.alter.backgrounds import Backgrounds, blended, find_backgrounds, without
from unalter.alter.draws import KeyedDraws, fold_in
from unalter.alter.kinds.blend import Blend
from unalter.alter.recipe import Branch, Recipe
from unalter.fitting.chain import ORDER
from unalter.fitting.features import CdfFeatures, FeatureCovariance, Moved
from unalter.fitting.imitation import Imitation
from unalter.fitting.objective import Objective, Objectives
from unalter.fitting.search import Search
from unalter.fitting.statistics import Statistics
from unalter.images.convert import to_uint8
from unalter.support.errors import InputError

_PIXELS = 1_200 * 784
"""Pixels and channels of clean pictures that one trial of a chain alters."""
_SIZES = 40, 1_500
"""So many pictures at least and at most: large ones say more each."""
_RIDGE = 0.01
"""Of the metric in which it is seen how sums were rounded."""
_ENOUGH = 300
"""Of fewer altered pictures clean ones are altered more often than once."""
_FEWEST = 40
"""Pictures below which there is nothing to fit to."""


@dataclass(frozen=True)
class Finding:
    """What was found about one kind of alteration."""

    name: str
    on_background: bool
    """Among the pictures with a background, or among the others."""
    occurs: bool
    gain: float
    """By how much the distance grows without it, or shrank with it where that was too little."""


@dataclass(frozen=True)
class Fit:
    """A fitted recipe and how well it does."""

    recipe: Recipe
    before: float
    """Squared distance of clean from altered pictures; 1 is what two samples of one kind have by chance."""
    after: float
    """Of imitated from altered pictures, both unseen by the fit."""
    findings: list[Finding]


def fit_recipe(
    clean: np.ndarray,
    altered: np.ndarray,
    *,
    clean_labels: np.ndarray | None = None,
    altered_labels: np.ndarray | None = None,
    homographies: np.ndarray | None = None,
    seed: int = 0,
    on_progress: Callable[[str], None] | None = None,
) -> Fit:
    """Fit a recipe to two folders.

    Args:
        clean: uint8 [N, C, H, W].
        altered: uint8 [M, C, H, W]; which was made from which of the clean ones, if from any, does not matter.
        clean_labels, altered_labels: int64 [N] and [M]; with both, pictures are compared with those of their label.
        homographies: float32 [K, 3, 3] of some altered pictures, from their places to those of the clean ones (see
            `Recipe.apply_with_homography`): the recipe's must be distributed as they are.
        seed: of everything that is drawn; the same seed gives the same recipe.
        on_progress: called with what was just found, in words.

    Raises:
        InputError: too few pictures.
    """
    say = on_progress or (lambda words: None)
    if min(len(clean), len(altered)) < _FEWEST:
        few = f"{len(clean)} clean and {len(altered)} altered ones"
        raise InputError(f"a recipe can be fitted to {_FEWEST} pictures or more of either folder; these are {few}")
    if clean_labels is None or altered_labels is None:
        clean_labels = altered_labels = None
    found = find_backgrounds(altered)
    found = None if found is None else _sensible(found)
    members = np.full(len(altered), -1) if found is None else found.members
    branches, findings = [], []
    before, after = 0.0, 0.0
    for on_background in (True, False):
        rows = np.flatnonzero((members >= 0) == on_background)
        if len(rows) < _FEWEST:
            continue
        share = len(rows) / len(altered)
        say(f"{len(rows):,} pictures " + ("with" if on_background else "without") + " a background")
        part = _ImageSet(altered[rows], None if altered_labels is None else altered_labels[rows])
        backgrounds = replace(found, members=members[rows]) if found is not None and on_background else None
        moved = None if homographies is None or on_background else Moved(_moving(homographies, share))
        result = _prepared(_ImageSet(clean, clean_labels), part, backgrounds, moved, seed, say).run()
        for proportion, chain in result.parts:
            steps: tuple[Alteration, ...] = chain
            if backgrounds is not None:
                weight = (backgrounds.weight, backgrounds.weight)
                blend = Blend(weight=weight, backgrounds=_floats(backgrounds.images))
                steps = (*chain, blend)
            branches.append(Branch(round(share * proportion, 4), steps))
        for kind in ORDER:
            occurs = any(type(step) is kind for _, chain in result.parts for step in chain)
            findings.append(Finding(kind.name, on_background, occurs, result.gains.get(kind, 0.0)))
        before, after = before + share * result.before, after + share * result.after
    return Fit(Recipe("fitted", branches), before, after, findings)


@dataclass(frozen=True)
class _ImageSet:
    images: np.ndarray
    """uint8 [N, C, H, W]"""
    labels: np.ndarray | None
    """int64 [N]"""

    def rows(self, which: np.ndarray) -> _ImageSet:
        return _ImageSet(self.images[which], None if self.labels is None else self.labels[which])

    @property
    def tensors(self) -> tuple[Tensor, Tensor | None]:
        """float32 [N, C, H, W] in 0..1, and int64 [N]."""
        return _floats(self.images), None if self.labels is None else torch.from_numpy(self.labels.astype(np.int64))


def _prepared(
    clean: _ImageSet,
    altered: _ImageSet,
    found: Backgrounds | None,
    moved: Moved | None,
    seed: int,
    say: Callable[[str], None],
) -> Search:
    """Draw the pictures of a search: one half of clean and of altered ones to fit to, the other to check with."""
    draw = np.random.default_rng(seed)
    channels, height, width = altered.images.shape[1:]
    size = int(np.clip(min(_PIXELS / (channels * height * width), max(len(altered.images), _ENOUGH)), *_SIZES))
    halves = np.array_split(draw.permutation(len(clean.images)), 2)
    rows = draw.permutation(len(altered.images))[: 6 * size]
    altered = altered.rows(rows)
    real, labels = altered.tensors
    if found is not None:
        real = _won_back(altered.images, found, found.members[rows])

    def chosen(half: int, count: int) -> tuple[Tensor, Tensor | None]:
        return clean.rows(_drawn(clean.labels, halves[half], altered.labels, count, draw)).tensors

    subjects, subject_labels = chosen(0, 2 * size)
    statistics = Statistics(subjects, real[: 2 * size], subject_labels, seed)
    measured = statistics(real, labels)
    ramps = CdfFeatures(torch.cat([measured, statistics(subjects, subject_labels)]), seed)
    features = ramps(measured).tensor_split(2)
    finish = None
    if found is not None:
        metric, mean = FeatureCovariance(features[0]).metric(_RIDGE), features[0].mean(0)

        def apart(like: Backgrounds) -> float:
            made = ramps(statistics(_blended_and_back(subjects, like), subject_labels))
            return float(np.square(metric(made.mean(0) - mean)).sum())

        finish = partial(_blended_and_back, like=min((found, _rounded(found, seed)), key=apart))

    def bench(number: int, half: int, count: int) -> Objective:
        x, of = chosen(half, count)
        imitation = Imitation(x, seed * 16 + number, finish)
        distinct = min(count, len(halves[half]))
        return Objective(imitation, lambda pictures: ramps(statistics(pictures, of)), features[half], distinct, moved)

    benches = Objectives(
        screen=bench(0, 0, size // 2), fit=bench(1, 0, size), polish=bench(2, 0, 5 * size // 2), check=bench(3, 1, size)
    )
    return Search(benches, (height, width), say)


def _drawn(
    labels: np.ndarray | None, pool: np.ndarray, like: np.ndarray | None, count: int, draw: np.random.Generator
) -> np.ndarray:
    """Rows of a pool of clean pictures, their labels as frequent as among the altered ones (`like`)."""
    if labels is None or like is None:
        return _tiled(pool, count, draw)
    wanted = draw.choice(like, count)
    rows = np.empty(count, np.int64)
    for label in np.unique(wanted):
        where = np.flatnonzero(wanted == label)
        same = pool[labels[pool] == label]
        rows[where] = _tiled(same if len(same) else pool, len(where), draw)
    return rows


def _tiled(pool: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    """So many of the pool, each as often as any other, or once less."""
    return np.concatenate([draw.permutation(pool) for _ in range(-(-count // len(pool)))])[:count]


def _moving(homographies: np.ndarray, share: float) -> Tensor:
    """The homographies of the pictures without background, a share of all: blended ones have not moved."""
    known = torch.from_numpy(np.asarray(homographies, np.float32))
    still = (known / known[:, 2:, 2:] - torch.eye(3)).flatten(1).norm(dim=1)
    return known[still.argsort(descending=True)[: max(round(share * len(known)), 1)]]


def _floats(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255


def _sensible(found: Backgrounds) -> Backgrounds:
    """The same backgrounds with the weight in whole percent: it was read off a value between 0 and 255."""
    floors = np.rint(found.images * (1 - found.weight))
    weight = min(max(round(found.weight, 2), 0.01), 0.99)
    images = np.clip(np.rint(floors / (1 - weight)), 0, 255).astype(np.uint8)
    return replace(found, weight=weight, images=images)


def _won_back(images: np.ndarray, found: Backgrounds, members: np.ndarray) -> Tensor:
    """The subjects of blended pictures as float32 in 0..1; a grain over them hides how the sums were rounded."""
    subjects = _floats(without(images, found, members))
    grain = KeyedDraws(fold_in(0, torch.arange(len(subjects)))).between(-1, 1, *subjects.shape[1:])
    return ((255 * subjects + grain / found.weight).round() / 255).clamp(0, 1)


def _rounded(found: Backgrounds, seed: int) -> Backgrounds:
    """Backgrounds that would have been found as these were, where a sum is rounded, and so does not tell its parts."""
    floors = np.rint(found.images * (1 - found.weight))
    before = (floors + np.random.default_rng(seed).uniform(-0.5, 0.5, floors.shape)) / (1 - found.weight)
    return replace(found, images=np.clip(np.rint(before), 0, 255).astype(np.uint8))


def _blended_and_back(x: Tensor, like: Backgrounds) -> Tensor:
    """What is left of subjects when they were blended, stored in 256 values, and won back as real ones are."""
    members = np.arange(len(x)) % len(like.images)
    return _won_back(blended(to_uint8(x.numpy()), like, members), _sensible(like), members)
