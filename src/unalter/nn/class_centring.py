"""Codes without what the label says anyway."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.support.processes import ALONE, Processes

_DECAY = 0.97
"""Of what is remembered, at each batch that has the class: some 30 of them, in which weights change little."""


class ClassCentring(nn.Module):
    """Takes the mean of their class off codes, so that all classes have one mean: 0.

    A linear classifier tells classes by their means. Who knows the label loses nothing. The means are those of the last
    batches before, the later the more, and constants to the gradient.
    """

    sums: Tensor
    """[classes, latent]: of codes, each with the weight of its batch"""
    counts: Tensor
    """[classes]: of these weights"""
    processes: Processes = ALONE
    """Whose codes they are."""

    def __init__(self, classes: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(classes, latent))
        self.register_buffer("counts", torch.zeros(classes))

    @property
    def means(self) -> Tensor:
        """Of the classes, [classes, latent]."""
        return self.sums / self.counts.clamp_min(1e-6)[:, None]

    def with_class_of_all(self) -> ClassCentring:
        """The same with one class more, whose mean is that of all."""
        more = ClassCentring(len(self.sums) + 1, self.sums.shape[1]).train(self.training)
        more.sums = torch.cat([self.means, self.means.mean(0, True)])
        more.counts = torch.ones_like(more.counts, device=more.sums.device)
        return more

    def forward(self, codes: Tensor, y: Tensor) -> Tensor:
        """Codes float32 [N, latent] of the classes [N] -> [N, latent]; remembers them in training."""
        centred = codes - self.means[y]
        if self.training:
            with torch.no_grad():
                member = F.one_hot(y, len(self.counts)).to(codes.dtype)
                new, added = member.sum(0), member.T @ codes
                self.processes.sum_([new, added])
                decay = torch.where(new > 0, _DECAY, 1.0)
                self.sums.mul_(decay[:, None]).add_(added)
                self.counts.mul_(decay).add_(new)
        return centred
