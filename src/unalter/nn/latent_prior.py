"""Where codes lie: for each class a mixture of Gaussians, drawn from to generate."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

FEWEST_CODES = 32
"""Codes that a class needs for a prior of its own: fewer do not tell variances."""
_RIDGE = 0.002
"""Added to the variances, as a share of the mean one."""


def least_codes(latent: int) -> int:
    """Codes that a component needs: twice the latent numbers, so that its covariance is more than noise."""
    return max(FEWEST_CODES, 2 * latent)


class LatentPrior(nn.Module):
    """A Gaussian mixture for each of `classes` classes; saved with the model that it was fitted for.

    With the standard normal in all of them until it is fitted.
    """

    weights: Tensor
    """[classes, components], sums of 1"""
    means: Tensor
    """[classes, components, latent]"""
    factors: Tensor
    """[classes, components, latent, latent]: lower Cholesky factors of the covariances"""

    def __init__(self, classes: int, components: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((classes, components), 1 / components))
        self.register_buffer("means", torch.zeros(classes, components, latent))
        self.register_buffer("factors", torch.eye(latent).repeat(classes, components, 1, 1))

    def fitted(self, label: int) -> bool:
        """Whether a class has a prior of its own, and not the standard normal."""
        return bool(self.means[label].any())

    def fit(self, codes: np.ndarray, labels: np.ndarray, seed: int) -> None:
        """Fit by expectation maximisation, each class by itself.

        A class has as many components as its codes can bear (`least_codes` each), at most all. With too few for one
        it has one Gaussian whose correlations are shrunk, and below `FEWEST_CODES` it keeps the standard normal.

        Args:
            codes: float [N, latent].
            labels: int [N].
        """
        for label in range(len(self.weights)):
            own = codes[labels == label].astype(np.float64)
            if len(own) < FEWEST_CODES:
                continue
            count = min(self.weights.shape[1], len(own) // least_codes(own.shape[1]))
            weights, means, covariances = _mixture(own, count, seed) if count else _shrunk(own)
            self.weights[label] = 0
            self.weights[label, : len(weights)] = torch.from_numpy(weights)
            self.means[label, : len(weights)] = torch.from_numpy(means)
            self.factors[label, : len(weights)] = torch.from_numpy(np.linalg.cholesky(covariances))

    def sample(self, label: int, count: int, generator: torch.Generator) -> Tensor:
        """Codes float32 [count, latent] of a class."""
        component = torch.multinomial(self.weights[label].cpu(), count, replacement=True, generator=generator)
        noise = torch.randn(count, self.means.shape[2], generator=generator)
        codes = self.means[label].cpu()[component]
        for i, factor in enumerate(self.factors[label].cpu()):
            rows = component == i
            codes[rows] += noise[rows] @ factor.T
        return codes


def _mixture(codes: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights [count], means [count, latent] and covariances [count, latent, latent] of a mixture."""
    from sklearn.mixture import GaussianMixture

    ridge = _RIDGE * codes.var(0).mean()
    fitted = GaussianMixture(count, reg_covar=ridge, random_state=seed, max_iter=200).fit(codes)
    assert fitted.weights_ is not None and fitted.means_ is not None and fitted.covariances_ is not None
    return fitted.weights_, fitted.means_, fitted.covariances_


def _shrunk(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_mixture`, of one component: the variances of the codes, their correlations shrunk (Ledoit and Wolf 2004)."""
    from sklearn.covariance import ledoit_wolf

    ridge = _RIDGE * codes.var(0).mean()
    mean, spread = codes.mean(0), np.sqrt(codes.var(0) + ridge)
    correlations, _ = ledoit_wolf((codes - mean) / spread)
    covariance = correlations * spread[:, None] * spread
    return np.ones(1), mean[None], covariance[None] + ridge * np.eye(len(mean))
