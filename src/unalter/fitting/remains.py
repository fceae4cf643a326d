"""What a recipe does not explain, in words: how many altered pictures differ from what it makes, and in what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import ks_2samp

from unalter.fitting.chain import Chain
from unalter.fitting.features import Metric
from unalter.fitting.objective import ImitationObjective, Objectives

_MANY = 0.2
"""A recipe whose numbers are a little off leaves fewer pictures that differ; an alteration that it lacks, more."""
_ALIKE = 1.6
"""A distance, in units of chance, that little shows in."""
_TOLD = 3
"""The features of a statistic, of those that differ most, that say how much its kind does."""


@dataclass(frozen=True)
class Remains:
    """How altered pictures differ from what a recipe makes."""

    share: float
    """Of the altered pictures, so many at the least; 0 where chance would do as well."""
    most: str
    """What they differ most in, in words."""


def remaining(branches: Sequence[tuple[float, Chain]], objectives: Objectives, metric: Metric) -> Remains:
    """Compare altered pictures with what a recipe of these branches makes, both unseen by the fit.

    A linear discriminant of the pictures that were fitted to tells the others apart; the largest difference of the
    distributions of what it says (Kolmogorov and Smirnov), less what chance makes of it, is the least share of the
    pictures that differ.
    """
    real, made = objectives.fit.real, _made(branches, objectives.fit)
    direction = metric.whiten @ ((real.mean(0) - made.mean(0)) @ metric.whiten)
    unseen, others = objectives.check.real, _made(branches, objectives.check)
    apart: Any = ks_2samp((unseen @ direction).numpy(), (others @ direction).numpy(), method="asymp").statistic  # pyright: ignore[reportAttributeAccessIssue]
    chance = 1.36 * (1 / len(unseen) + 1 / min(objectives.check.distinct, len(others))) ** 0.5  # one time in twenty
    size = (unseen.mean(0) - others.mean(0)).square() / (unseen.var(0) + others.var(0)).clamp_min(1e-6)
    groups = np.array(objectives.groups)
    told = {name: size[torch.from_numpy(groups == name)].topk(_TOLD).values.mean() for name in dict.fromkeys(groups)}
    return Remains(max(float(apart) - chance, 0.0), str(max(told, key=lambda name: float(told[name]))))


def in_words(remains: Sequence[tuple[float, Remains]], before: float, after: float) -> str:
    """How far a recipe explains altered pictures.

    Args:
        remains: of each part of the pictures, with its share of them.
        before, after: squared distances in units of chance, of clean and of imitated pictures from altered ones.
    """
    share = sum(part * rest.share for part, rest in remains)
    if before <= _ALIKE:
        words = "the altered pictures are hardly told from the clean ones"
    else:
        explained = 1 - max(after - 1, 0) / (before - 1)
        words = f"the recipe explains {max(explained, 0):.0%} of how altered pictures differ from clean ones"
    if share < _MANY:
        return words
    most = max(remains, key=lambda entry: entry[0] * entry[1].share)[1].most
    return (
        f"{words}; about {share:.0%} of the altered pictures differ from what it makes, most in {most}: "
        "an alteration that it does not know may be at work"
    )


def _made(branches: Sequence[tuple[float, Chain]], objective: ImitationObjective) -> torch.Tensor:
    """The features of what branches make, each of its share of the pictures."""
    parts, begun = [], 0.0
    for share, chain in branches:
        features = objective.features(chain)
        ends = round(begun * len(features)), round((begun + share) * len(features))
        parts.append(features[slice(*ends)])
        begun += share
    return torch.cat(parts)
