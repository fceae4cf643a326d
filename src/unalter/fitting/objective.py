"""Where chains of alterations are tried: what they make of clean pictures, against the real altered ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from unalter.fitting.chain import Chain
from unalter.fitting.features import Metric, Moved
from unalter.fitting.imitation import Imitation


class Objective:
    """Where chains are tried: clean pictures to alter, and altered ones to compare with.

    Args:
        imitation: of the clean pictures.
        measure: the features of pictures [N, C, H, W]: [N, P].
        real: the features of the altered pictures [M, P].
        distinct: how many of the clean pictures differ; where they repeat, their means scatter as fewer do.
        moved: how homographies compare with known ones, if any are.
    """

    def __init__(
        self,
        imitation: Imitation,
        measure: Callable[[Tensor], Tensor],
        real: Tensor,
        distinct: int,
        moved: Moved | None = None,
    ) -> None:
        self.real = real
        self._imitation, self._measure, self._moved = imitation, measure, moved
        self._mean = real.mean(0)
        self._scale = (1 / len(real) + 1 / distinct) ** -0.5

    def features(self, chain: Chain) -> Tensor:
        """The features of imitated pictures, [N, P]."""
        return self._measure(self._imitation(chain)[0])

    def residuals(self, chain: Chain, metric: Metric) -> np.ndarray:
        """How the imitated pictures differ: float64 [D], the sum of squares about `metric.freedom` by chance."""
        pictures, moves = self._imitation(chain)
        difference = metric(self._measure(pictures).mean(0) - self._mean) * self._scale
        return difference if self._moved is None else np.concatenate([difference, self._moved(moves)])

    def distance(self, chain: Chain, metric: Metric) -> float:
        """The sum of the squares."""
        return float(np.square(self.residuals(chain, metric)).sum())


class Part(Objective):
    """A bench for a chain that a share of the pictures takes, where what the others take stays."""

    def __init__(self, whole: Objective, share: float, others: np.ndarray) -> None:
        self._whole, self._share, self._others = whole, share, others

    def residuals(self, chain: Chain, metric: Metric) -> np.ndarray:
        return self._share * self._whole.residuals(chain, metric) + self._others


@dataclass(frozen=True)
class Objectives:
    """The benches of a search."""

    screen: Objective
    """Few pictures, for many trials."""
    fit: Objective
    polish: Objective
    """Many pictures, for the last digits."""
    check: Objective
    """Pictures that nothing is fitted to."""
