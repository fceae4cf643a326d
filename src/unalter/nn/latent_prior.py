"""Where codes lie: for each class a mixture of Gaussians, drawn from to generate."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

LEAST_CODES = 128
"""Codes that a component needs; twice the latent numbers, so that its covariance is more than noise."""
_RIDGE = 0.002
"""Added to the variances, as a share of the mean one."""


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

    def fit(self, codes: np.ndarray, labels: np.ndarray, seed: int) -> None:
        """Fit by expectation maximisation, each class by itself.

        A class has as many components as its pictures can bear, at most all; with too few for one, it keeps the
        standard normal.

        Args:
            codes: float [N, latent].
            labels: int [N].
        """
        from sklearn.mixture import GaussianMixture

        for label in range(len(self.weights)):
            own = codes[labels == label].astype(np.float64)
            count = min(self.weights.shape[1], len(own) // LEAST_CODES)
            if count == 0:
                continue
            spread = own.var(0).mean()
            fitted = GaussianMixture(count, reg_covar=_RIDGE * spread, random_state=seed, max_iter=200).fit(own)
            assert fitted.weights_ is not None and fitted.covariances_ is not None
            self.weights[label] = 0
            self.weights[label, :count] = torch.from_numpy(fitted.weights_)
            self.means[label, :count] = torch.from_numpy(fitted.means_)
            self.factors[label, :count] = torch.from_numpy(np.linalg.cholesky(fitted.covariances_))

    def sample(self, label: int, count: int, generator: torch.Generator) -> Tensor:
        """Codes float32 [count, latent] of a class."""
        component = torch.multinomial(self.weights[label].cpu(), count, replacement=True, generator=generator)
        noise = torch.randn(count, self.means.shape[2], generator=generator)
        factors, means = self.factors[label].cpu()[component], self.means[label].cpu()[component]
        return means + (factors @ noise[:, :, None])[:, :, 0]
