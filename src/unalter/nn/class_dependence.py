"""What codes say of the class, as a number that training can make small."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_DECAY = 0.97
"""Of what is remembered, a batch: some 30 batches, in which weights change little."""
_RIDGE = 0.02
"""Added to the variances, as a share of the mean one: a direction without codes tells nothing."""


class ClassDependence(nn.Module):
    """How far the codes of a class lie from those of the others, on average.

    It is the trace of S^-1 B, the covariance of the class means in units of that of all codes, which linear
    discriminant analysis makes large (Fisher 1936): 0 where a linear classifier finds nothing, classes - 1 where it
    finds all. The means are those of the batches before: a batch's own have a part of each code in them, and to make
    that small pulls all codes to one point.
    """

    sums: Tensor
    """[classes, latent]: of codes, with the weight of their batch"""
    counts: Tensor
    """[classes]"""
    products: Tensor
    """[latent, latent]: sums of products of two numbers of a code"""

    def __init__(self, classes: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(classes, latent))
        self.register_buffer("counts", torch.zeros(classes))
        self.register_buffer("products", torch.zeros(latent, latent))

    def forward(self, codes: Tensor, y: Tensor) -> Tensor:
        """Codes float32 [N, latent] and labels [N] -> a scalar, differentiable in the codes; remembers the batch.

        0 for the first batch.
        """
        if not self.counts.any():
            self._remember(codes.detach(), y)
            return torch.zeros_like(codes).sum()
        with torch.no_grad():
            total = self.counts.sum()
            mean = self.sums.sum(0) / total
            covariance = self.products / total - mean[:, None] * mean
            covariance = covariance + _RIDGE * covariance.diagonal().mean() * torch.eye(len(mean), device=mean.device)
            apart = torch.where(self.counts[:, None] > 0, self.sums / self.counts[:, None].clamp_min(1e-6) - mean, 0)
            toward = torch.linalg.solve_ex(covariance, apart.T).result.T  # solve would wait for the device
        self._remember(codes.detach(), y)
        return ((codes - mean) * toward[y]).sum(1).mean()

    def _remember(self, codes: Tensor, y: Tensor) -> None:
        member = F.one_hot(y, len(self.counts)).to(codes.dtype)
        for remembered, new in (
            (self.sums, member.T @ codes),
            (self.counts, member.sum(0)),
            (self.products, codes.T @ codes),
        ):
            remembered.mul_(_DECAY).add_(new)
