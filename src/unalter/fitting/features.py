"""How well imitated pictures stand for real ones: two sets of pictures compared by the means of many features.

Each statistic is cut into ramps between fixed knots, so the mean of its ramps tells its distribution (ramps of equal
weight add up to the 1-D Wasserstein distance along its quantiles). Random directions through all statistics tell how
they go together (the sliced Wasserstein distance, Rabin et al. 2011). The means are compared in the metric of their
own scatter: the weight that the simulated method of moments gives (McFadden 1989), and what a linear
discriminant between real and imitated would see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_QUANTILES = (0.02, 0.15, 0.4, 0.6, 0.85, 0.98)
_DIRECTIONS = 40
MIXED = "how several things go together"


class CdfFeatures:
    """Features of pictures from their statistics; fitted to pictures of both kinds.

    Args:
        statistics: float32 [N, S] of clean and altered pictures together.
        seed: of the random directions.
    """

    def __init__(self, statistics: Tensor, seed: int = 0, directions: int = _DIRECTIONS) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._centre = statistics.median(0).values
        self._spread = statistics.std(0).clamp_min(1e-6)
        self._directions = torch.randn(statistics.shape[1], directions, generator=generator)
        measured = self._all(statistics)
        knots = measured.quantile(torch.tensor(_QUANTILES), dim=0).T  # [S, Q]
        whole = (knots[:, -1:] - knots[:, :1]).clamp_min(1e-3)
        # one ramp further on both sides: what lies outside of all that was seen is still told apart
        self._knots = torch.cat([knots[:, :1] - whole, knots, knots[:, -1:] + whole], 1)
        self._widths = torch.maximum(self._knots.diff(dim=1), 0.02 * whole)

    def _all(self, statistics: Tensor) -> Tensor:
        standard = ((statistics - self._centre) / self._spread).clamp(-4, 4)
        return torch.cat([statistics, standard @ self._directions], 1)

    def __call__(self, statistics: Tensor) -> Tensor:
        """Features float32 [N, P] in 0..1 of statistics [N, S]."""
        measured = self._all(statistics)[:, :, None]
        return ((measured - self._knots[:, :-1]) / self._widths).clamp_(0, 1).flatten(1)

    def groups(self, of_statistics: Sequence[str]) -> list[str]:
        """What each of P features tells of, from what each of S statistics does."""
        of_all = [*of_statistics, *[MIXED] * self._directions.shape[1]]
        return [name for name in of_all for _ in range(self._widths.shape[1])]


class FeatureCovariance:
    """How the features of real pictures scatter: what an imitation must not be measured by is itself.

    Args:
        features: [M, P] of real pictures.
    """

    def __init__(self, features: Tensor) -> None:
        count, width = features.shape
        if count < width:  # the same, from the smaller side
            centred = (features - features.mean(0)).double()
            _, sizes, vectors = torch.linalg.svd(centred, full_matrices=False)
            self._values, self._vectors = sizes.square() / (count - 1), vectors.T
        else:
            self._values, self._vectors = torch.linalg.eigh(torch.cov(features.T).double())  # float32 can give NaN

    def metric(self, ridge: float) -> Metric:
        """Distances in units of the scatter.

        Args:
            ridge: variance below which a direction counts less and less. A large one asks for the rough likeness of
                everything, a small one for details that many pictures together show.
        """
        kept = self._values > 1e-3 * ridge  # what the few real pictures share by chance tells nothing
        values = self._values[kept]
        whiten = (self._vectors[:, kept] / (values + ridge).sqrt()).float()
        return Metric(whiten, float((values / (values + ridge)).sum()))


@dataclass(frozen=True)
class Metric:
    """Distances between mean features."""

    whiten: Tensor
    """float32 [P, D]"""
    expected_distance: float
    """The mean of a squared difference of means, over 1 / N + 1 / M, between pictures of one kind."""

    def __call__(self, difference: Tensor) -> np.ndarray:
        """The difference of two mean features [P] as float64 [D] with a scatter of at most 1 for one picture."""
        return (difference @ self.whiten).double().numpy()
