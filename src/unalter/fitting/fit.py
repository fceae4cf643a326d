"""Find the recipe that altered pictures were made with, from clean and altered ones that are not paired.

Pictures blended with fixed backgrounds are told by those (see `backgrounds`), and unblended; for the
others, and for what these show, a chain of alterations is searched (see `search`) that makes clean pictures like them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from unalter.alter.alteration import Alteration
from unalter.alter.backgrounds import Backgrounds, find_backgrounds
from unalter.alter.geometric import Fill
from unalter.alter.kinds.blend import Blend
from unalter.alter.recipe import Branch, Recipe
from unalter.fitting.chain import Chain
from unalter.fitting.demands import FEWEST, check_pictures
from unalter.fitting.features import CdfFeatures, FeatureCovariance
from unalter.fitting.fills import likely_fills
from unalter.fitting.imitation import Imitation
from unalter.fitting.objective import ImitationObjective, Objectives
from unalter.fitting.remains import in_words
from unalter.fitting.sample import LabelledImages, draw_like
from unalter.fitting.search import ChainSearch
from unalter.fitting.statistics import Statistics
from unalter.fitting.unblending import blended_and_back, rounded_otherwise, unblended, with_whole_percent
from unalter.images.convert import to_float
from unalter.support.parallel import Map, parallel_map
from unalter.support.processes import ALONE, Processes

_PIXELS = 1_200 * 784
"""Pixels and channels of clean pictures that one trial of a chain alters."""
_SIZES = 40, 1_500
"""So many pictures at least and at most: large ones say more each."""
_RIDGE = 0.01
"""Of the metric in which it is seen how sums were rounded."""
_ENOUGH = 200
"""Of fewer altered pictures clean ones are altered more often than once."""
_GLANCED, _LEAST_GLANCED = 8, 100
"""So many times fewer pictures tell with which numbers a kind of alteration is best begun, but so many at least."""
_AT_ONCE = 256 * 784
"""Pixels and channels that one thread works on at once: few stay in its cache, for very few it is all overhead."""


@dataclass(frozen=True)
class Fit:
    """A fitted recipe and how well it does."""

    recipe: Recipe
    before: float
    """Squared distance of clean from altered pictures; 1 is what two samples of one kind have by chance."""
    after: float
    """Of imitated from altered pictures, both unseen by the fit."""


def fit_recipe(
    clean: np.ndarray,
    altered: np.ndarray,
    *,
    clean_labels: np.ndarray | None = None,
    altered_labels: np.ndarray | None = None,
    seed: int = 0,
    on_progress: Callable[[str], None] | None = None,
    processes: Processes = ALONE,
    on_tried: Callable[[int], object] = lambda tried: None,
) -> Fit:
    """Fit a recipe to two folders, on as many threads as torch has; their number changes nothing in the recipe.

    Args:
        clean: uint8 [N, C, H, W].
        altered: uint8 [M, C, H, W]; which was made from which of the clean ones, if from any, does not matter.
        clean_labels, altered_labels: int64 [N] and [M]; with both, pictures are compared with those of their label.
        seed: of everything that is drawn; the same seed gives the same recipe.
        on_progress: called with what was just found, in words.
        processes: who fit it together.
        on_tried: called with how many chains of alterations were tried so far; how many will be is not known.

    Raises:
        InputError: pictures too few, too small, or all but constant.
    """
    say = on_progress or (lambda words: None)
    check_pictures(clean, altered)
    tried = itertools.count(1)
    if clean_labels is None or altered_labels is None:
        clean_labels = altered_labels = None
    subjects, pictures = LabelledImages(clean, clean_labels), LabelledImages(altered, altered_labels)
    found = find_backgrounds(altered)
    found = None if found is None else with_whole_percent(found)
    members = np.full(len(altered), -1) if found is None else found.members
    branches, remains, before, after = [], [], 0.0, 0.0
    sides = [np.flatnonzero((members >= 0) == on_background) for on_background in (True, False)]
    fewest = min(FEWEST, max(map(len, sides)))  # of a small folder the larger side is fitted to, whatever its size
    for on_background, rows in zip((True, False), sides, strict=True):
        if len(rows) < fewest:
            continue
        share = len(rows) / len(altered)
        say(f"{len(rows):,} pictures " + ("with" if on_background else "without") + " a background")
        backgrounds = replace(found, members=members[rows]) if found is not None and on_background else None
        with parallel_map(processes) as run:
            fills = likely_fills(clean, altered[rows]) if backgrounds is None else []
            objectives = _objectives(
                subjects, pictures.rows(rows), backgrounds, fills, seed, run, lambda: on_tried(next(tried))
            )
            result = ChainSearch(objectives, (altered.shape[2], altered.shape[3]), say, fills).run()
        for proportion, chain in result.branches:
            steps: tuple[Alteration, ...] = chain
            if backgrounds is not None:
                weight = (backgrounds.weight, backgrounds.weight)
                steps = (*chain, Blend(weight=weight, backgrounds=to_float(backgrounds.images)))
            branches.append(Branch(round(share * proportion, 4), steps))
        remains.append((share, result.remains))
        before, after = before + share * result.before, after + share * result.after
    return Fit(Recipe("fitted", branches, in_words(remains, before, after)), before, after)


def _objectives(
    clean: LabelledImages, altered: LabelledImages, found: Backgrounds | None, fills: Sequence[Fill], seed: int,
    run: Map, on_tried: Callable[[], object],
) -> Objectives:  # fmt: skip
    """Draw the pictures of a search: one half of clean and of altered ones to fit to, the other to check with."""
    draw = np.random.default_rng(seed)
    values = altered.images[0].size
    size = int(np.clip(min(_PIXELS / values, max(len(altered.images), _ENOUGH)), *_SIZES))
    halves = np.array_split(draw.permutation(len(clean.images)), 2)
    rows = draw.permutation(len(altered.images))[: 6 * size]
    altered = altered.rows(rows)
    real, labels = altered.tensors
    if found is not None:
        real = unblended(altered.images, found, found.members[rows], torch.arange(len(rows)))

    def chosen(half: int, count: int) -> tuple[Tensor, Tensor | None]:
        return clean.rows(draw_like(clean.labels, halves[half], altered.labels, count, draw)).tensors

    def parts(count: int) -> list[Tensor]:
        # one, or an even number of equal ones: two threads are done at the same time
        number = -(-count * values // _AT_ONCE)
        return list(torch.arange(count).tensor_split(number + number % 2 if number > 1 else 1))

    def measured(x: Tensor, of: Tensor | None) -> Tensor:
        return torch.cat(list(run(lambda rows: statistics(x[rows], None if of is None else of[rows]), parts(len(x)))))

    subjects, subject_labels = chosen(0, 2 * size)
    fill = next((fill for fill in fills if isinstance(fill, float)), None)
    statistics = Statistics(subjects, real[: 2 * size], subject_labels, seed, fill)
    measured_real = measured(real, labels)
    features = CdfFeatures(torch.cat([measured_real, measured(subjects, subject_labels)]), seed)
    real_features = features(measured_real).tensor_split(2)
    finish = None
    if found is not None:
        metric, mean = FeatureCovariance(real_features[0]).metric(_RIDGE), real_features[0].mean(0)

        def apart(like: Backgrounds) -> float:
            made = blended_and_back(subjects, torch.arange(len(subjects)), like)
            return float(np.square(metric(features(measured(made, subject_labels)).mean(0) - mean)).sum())

        finish = partial(blended_and_back, like=min((found, rounded_otherwise(found, seed)), key=apart))

    def imitated(x: Tensor, of: Tensor | None, rows: Tensor, number: int) -> Callable[[Chain], Tensor]:
        imitation = Imitation(x[rows], rows, seed * 16 + number)
        shown = None if of is None else of[rows]

        def features_of(chain: Chain) -> Tensor:
            pictures = imitation(chain)
            return features(statistics(pictures if finish is None else finish(pictures, rows), shown))

        return features_of

    def objective(number: int, half: int, count: int, rows: list[Tensor]) -> ImitationObjective:
        x, of = chosen(half, count)
        distinct = min(count, len(halves[half]))
        return ImitationObjective(
            [imitated(x, of, r, number) for r in rows], real_features[half], distinct, run, on_tried
        )

    glanced = max(size // _GLANCED, min(_LEAST_GLANCED, size))

    return Objectives(
        screen=objective(0, 0, size // 2, parts(size // 2)),
        fit=objective(1, 0, size, parts(size)),
        polish=objective(2, 0, 5 * size // 2, parts(5 * size // 2)),
        check=objective(3, 1, size, parts(size)),
        glance=objective(4, 0, glanced, [torch.arange(glanced)]),  # threads share out the many chains
        groups=features.groups(statistics.groups(subjects[:2], None if subject_labels is None else subject_labels[:2])),
    )
