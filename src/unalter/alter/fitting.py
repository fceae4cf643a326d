"""Find the recipe that altered pictures were made with, from clean and altered ones that are not paired.

Pictures blended with fixed backgrounds are told by those (see `backgrounds`), and their subjects won back; for the
others, and for the subjects, a chain of alterations is searched (see `search`) that makes clean pictures like them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from unalter.alter.backgrounds import Backgrounds, find_backgrounds
from unalter.alter.chain import ORDER, Imitation
from unalter.alter.likeness import Moved, Ramps
from unalter.alter.operations import Blend, Operation
from unalter.alter.random import PictureRandom, picture_keys
from unalter.alter.recipe import Branch, Recipe
from unalter.alter.search import Bench, Benches, Search
from unalter.alter.statistics import Statistics

_PIXELS = 1_200 * 784
"""Pixels of clean pictures that one trial of a chain alters."""


@dataclass(frozen=True)
class Finding:
    """What was found about one kind of alteration."""

    name: str
    blended: bool
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
            `Recipe.traced`): the recipe's must be distributed as they are.
        seed: of everything that is drawn; the same seed gives the same recipe.
        on_progress: called with what was just found, in words.
    """
    say = on_progress or (lambda words: None)
    found = _sensible(find_backgrounds(altered))
    branches, findings = [], []
    weights, before, after = [], 0.0, 0.0
    members = np.full(len(altered), -1) if found is None else found.members
    known = None if homographies is None else torch.from_numpy(np.asarray(homographies)).float()
    for blended in (True, False):
        rows = np.flatnonzero((members >= 0) == blended)
        if len(rows) == 0:
            continue
        share = len(rows) / len(altered)
        say(f"{len(rows)} pictures " + ("with" if blended else "without") + " a background")
        search = _prepared(
            clean, altered[rows], clean_labels, None if altered_labels is None else altered_labels[rows],
            found if blended else None, members[rows], None if blended else known, seed, say,
        )  # fmt: skip
        result = search.run()
        for part, chain in result.parts:
            steps: tuple[Operation, ...] = chain
            if blended and found is not None:
                backgrounds = torch.from_numpy(found.images).float() / 255
                steps = (*chain, Blend(weight=(found.weight,) * 2, backgrounds=backgrounds))
            branches.append(Branch(round(share * part, 4), steps))
        for kind in ORDER:
            occurs = any(type(step) is kind for _, chain in result.parts for step in chain)
            findings.append(Finding(kind.name, blended, occurs, result.gains.get(kind, 0.0)))
        before, after = before + share * result.before, after + share * result.after
    return Fit(Recipe("fitted", branches), before, after, findings)


def _prepared(
    clean: np.ndarray,
    altered: np.ndarray,
    clean_labels: np.ndarray | None,
    altered_labels: np.ndarray | None,
    found: Backgrounds | None,
    members: np.ndarray,
    homographies: Tensor | None,
    seed: int,
    say: Callable[[str], None],
) -> Search:
    """Draw the pictures of a search: one half of clean and of altered ones to fit to, the other to check with."""
    draw = np.random.default_rng(seed)
    area = altered.shape[2] * altered.shape[3]
    size = int(np.clip(_PIXELS / area, 400, 1_500))
    halves = np.array_split(draw.permutation(len(clean)), 2)
    rows = draw.permutation(len(altered))[: 6 * size]
    real = _floats(altered[rows])
    if found is not None:
        real = _won_back(real, found, torch.from_numpy(members[rows]))
    labelled = clean_labels is not None and altered_labels is not None
    labels = torch.from_numpy(np.asarray(altered_labels[rows])).long() if labelled else None

    def chosen(half: int, count: int) -> tuple[Tensor, Tensor | None]:
        """Clean pictures of a half, as many of every label as altered ones have."""
        pool = halves[half]
        if not labelled:
            return _floats(clean[_tiled(pool, count, draw)]), None
        wanted = altered_labels[rows[draw.integers(len(rows), size=count)]]
        picked = np.empty(count, np.int64)
        for label in np.unique(wanted):
            where = np.flatnonzero(wanted == label)
            same = pool[clean_labels[pool] == label]
            picked[where] = _tiled(same if len(same) else pool, len(where), draw)
        return _floats(clean[picked]), torch.from_numpy(np.asarray(clean_labels[picked])).long()

    subjects, subject_labels = chosen(0, 2 * size)
    statistics = Statistics(subjects, real[: 2 * size], subject_labels, seed)
    measured = statistics(real, labels)
    ramps = Ramps(torch.cat([measured, statistics(subjects, subject_labels)]), seed)

    middle = (len(real) + 1) // 2
    parts = ramps(measured[:middle]), ramps(measured[middle:])
    finish = None if found is None else lambda x: _blended_and_back(x, found)
    moved = None if homographies is None else Moved(homographies)

    def bench(number: int, half: int, count: int) -> Bench:
        x, of = chosen(half, count)
        imitation = Imitation(x, seed * 16 + number, finish)
        return Bench(imitation, lambda pictures: ramps(statistics(pictures, of)), parts[half], moved)

    benches = Benches(bench(0, 0, size // 2), bench(1, 0, size), bench(2, 0, 5 * size // 2), bench(3, 1, size))
    return Search(benches, (altered.shape[2], altered.shape[3]), say)


def _floats(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255


def _tiled(pool: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    """So many of the pool, each as often as any other, or once less."""
    return np.concatenate([draw.permutation(pool) for _ in range(-(-count // len(pool)))])[:count]


def _sensible(found: Backgrounds | None) -> Backgrounds | None:
    """The same backgrounds with the weight in whole percent: it was read off a value between 0 and 255."""
    if found is None:
        return None
    floors = found.images * (1 - found.weight)
    weight = min(max(round(found.weight, 2), 0.01), 0.99)
    return replace(found, weight=weight, images=np.clip(np.rint(np.rint(floors) / (1 - weight)), 0, 255).astype(np.uint8))


def _won_back(x: Tensor, found: Backgrounds, members: Tensor) -> Tensor:
    """The subjects of blended pictures; a grain over them hides how the sums were rounded."""
    floors = (torch.from_numpy(found.images).float() * (1 - found.weight)).round() / 255
    grain = PictureRandom(picture_keys(0, torch.arange(len(x)))).between(-1, 1, *x.shape[1:]) / 255
    subjects = (x - floors[members] + grain) / found.weight
    return (subjects * 255).round().clamp(0, 255) / 255


def _blended_and_back(x: Tensor, found: Backgrounds) -> Tensor:
    """What is left of subjects when they were blended, stored in 256 values, and won back."""
    members = torch.arange(len(x)) % len(found.images)
    backgrounds = torch.from_numpy(found.images).float()[members] / 255
    blended = ((found.weight * x + (1 - found.weight) * backgrounds) * 255).round() / 255
    return _won_back(blended, found, members)
