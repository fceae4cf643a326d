"""Muon (Jordan et al. 2024) for the kernels of convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Muon):
    """torch's Muon, which takes matrices only, on weights of any shape: [out, ...] counts as [out, the rest].

    Each matrix is a view of its weight, so stepping the one steps the other.

    Args:
        weights: parameters of two or more dimensions, dense in memory (contiguous or channels_last).
        options: as for `torch.optim.Muon`; the learning rate is that of a matrix whose update is orthogonal.
    """

    def __init__(self, weights: Iterable[nn.Parameter], **options: Any) -> None:
        self._weights = list(weights)
        self._matrices = [nn.Parameter(_matrix(weight.detach())) for weight in self._weights]
        super().__init__(self._matrices, **options)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take a step with the gradients that the weights have."""
        for weight, matrix in zip(self._weights, self._matrices, strict=True):
            matrix.grad = None if weight.grad is None else _matrix(weight.grad.contiguous(**_layout(weight)))
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the weights."""
        super().zero_grad(set_to_none)
        for weight in self._weights:
            if set_to_none:
                weight.grad = None
            elif weight.grad is not None:
                weight.grad.zero_()


def _layout(weight: Tensor) -> dict[str, Any]:
    last = weight.ndim == 4 and not weight.is_contiguous()
    return {"memory_format": torch.channels_last} if last else {}


def _matrix(weight: Tensor) -> Tensor:
    """A view [out, rest]; the order of the rest does not matter to Muon."""
    return (weight.permute(0, 2, 3, 1) if _layout(weight) else weight).view(weight.shape[0], -1)
