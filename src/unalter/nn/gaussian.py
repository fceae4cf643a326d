"""The diagonal Gaussian that a variational encoder gives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mu, diag(exp(logvar))) over codes, one distribution a row."""

    mu: Tensor
    """float32 [N, latent]"""
    logvar: Tensor
    """float32 [N, latent]: the logarithm of the variance (not of the standard deviation)"""

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw a row by reparametrisation (Kingma and Welling 2014): [N, latent], differentiable."""
        return self.at(torch.empty_like(self.mu).normal_(generator=generator))

    def at(self, noise: Tensor) -> Tensor:
        """The draws that N(0, 1) draws [N, latent] become."""
        return self.mu + (0.5 * self.logvar).exp() * noise

    def kl(self) -> Tensor:
        """KL divergence from the standard normal in nats, summed over the latent dimensions: [N]."""
        return 0.5 * (self.mu.square() + self.logvar.exp() - 1 - self.logvar).sum(1)
