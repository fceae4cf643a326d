"""Where chains of alterations are tried: what they make of clean pictures, against the real altered ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from unalter.fitting.chain import Chain
from unalter.fitting.features import Metric
from unalter.support.parallel import Map, serial_map


class Objective(Protocol):
    """What a chain is fitted to."""

    def residuals(self, chains: Sequence[Chain], metric: Metric) -> np.ndarray:
        """What is to become small for each of K chains, float64 [K, D]: the sum of squares over D."""
        ...


class ImitationObjective:
    """How clean pictures, altered by a chain, differ from altered ones.

    Args:
        parts: each a function from a chain to the features [n, P] of some clean pictures that it altered.
        real: the features of the altered pictures [M, P].
        distinct: how many of the clean pictures differ; where they repeat, their means scatter as fewer do.
        run: how parts and chains are worked on.
        on_tried: called whenever one more chain was tried.
    """

    def __init__(
        self, parts: Sequence[Callable[[Chain], Tensor]], real: Tensor, distinct: int, run: Map = serial_map,
        on_tried: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        self.real, self.distinct = real, distinct
        self._parts, self._run, self._on_tried = parts, run, on_tried
        self._mean = real.mean(0)
        self._scale = (1 / len(real) + 1 / distinct) ** -0.5
        self._known: dict[Chain, Tensor] = {}

    def mean_features(self, chains: Sequence[Chain]) -> Tensor:
        """The mean features of imitated pictures, [K, P]."""
        unknown = [chain for chain in dict.fromkeys(chains) if chain not in self._known]
        jobs = [(part, chain) for chain in unknown for part in self._parts]
        features = []
        for measured in self._run(lambda job: _sum_and_count(job[0](job[1])), jobs):
            features.append(measured)
            if len(features) % len(self._parts) == 0:
                self._on_tried()
        for number, chain in enumerate(unknown):
            sums, counts = zip(*features[number * len(self._parts) :][: len(self._parts)], strict=True)
            self._known[chain] = torch.stack(sums).sum(0) / sum(counts)
        return torch.stack([self._known[chain] for chain in chains])

    def features(self, chain: Chain) -> Tensor:
        """Those of all imitated pictures, [N, P]."""
        return torch.cat([part(chain) for part in self._parts])

    def residuals(self, chains: Sequence[Chain], metric: Metric) -> np.ndarray:
        """How the imitated pictures of each of K chains differ from the real ones.

        Returns:
            float64 [K, D], the sum of squares over D about `metric.expected_distance` by chance.
        """
        if not chains:
            return np.zeros((0, metric.whiten.shape[1]))
        # one after the other: a product of all of them rounds otherwise than that of some
        differences = (self.mean_features(chains) - self._mean).unbind()
        return np.stack([metric(difference) for difference in differences]) * self._scale

    def distances(self, chains: Sequence[Chain], metric: Metric) -> np.ndarray:
        """The sums of the squares: float64 [K]."""
        return np.square(self.residuals(chains, metric)).sum(1)

    def distance(self, chain: Chain, metric: Metric) -> float:
        """The one of a single chain."""
        return float(self.distances([chain], metric)[0])


def _sum_and_count(features: Tensor) -> tuple[Tensor, int]:
    return features.sum(0), len(features)


@dataclass(frozen=True)
class Objectives:
    """The objectives of a search."""

    screen: ImitationObjective
    """Few pictures, for many trials."""
    fit: ImitationObjective
    polish: ImitationObjective
    """Many pictures, for the last digits."""
    check: ImitationObjective
    """Pictures that nothing is fitted to."""
    glance: ImitationObjective
    """Very few pictures, to choose what is tried at all."""
    groups: Sequence[str]
    """What each of the P features tells of, in words."""
