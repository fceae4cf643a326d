"""Muon (Jordan et al. 2024): averaged gradients, made nearly orthogonal, for kernels of convolutions and matrices."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Of the polynomial a X + b (X X^T) X + c (X X^T)^2 X, as steep at 0 as can be (Jordan et al. 2024)."""
_ITERATIONS = 5
_LEAST_NORM = 1e-7


class Muon(torch.optim.Optimizer):
    """The steps of `torch.optim.Muon` for weights of any shape: [out, in, ...] counts as a matrix [out, the rest].

    In float32: torch's computes in bf16, which takes most processors some twenty times as long.

    Args:
        weights: parameters of two or more dimensions.
        lr: the learning rate of a matrix that is no taller than wide; a taller one has more, by the root of the ratio.
        weight_decay: decoupled.
        momentum: Nesterov's.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.1, momentum: float = 0.95
    ) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take a step with the gradients that the weights have."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            gradients, lr, momentum = [weight.grad for weight in weights], group["lr"], group["momentum"]
            averages = [self._average(weight) for weight in weights]
            torch._foreach_lerp_(averages, gradients, 1 - momentum)
            ahead = torch._foreach_lerp(gradients, averages, momentum)
            updates = orthogonalised([_matrix(one) for one in ahead])
            torch._foreach_mul_(updates, [-lr * math.sqrt(max(1, len(one) / one.shape[1])) for one in updates])
            torch._foreach_mul_(weights, 1 - lr * group["weight_decay"])
            torch._foreach_add_(weights, [_shaped(*pair) for pair in zip(updates, weights, strict=True)])
        return loss

    def _average(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        return state["momentum_buffer"]


def orthogonalised(matrices: list[Tensor]) -> list[Tensor]:
    """Matrices whose singular values all come to lie near 1 (.7 to 1.2), by five Newton-Schulz iterations.

    An iteration X <- (a + b G + c G^2) X needs only G = X X^T, so all are made on G, which is small and of one size
    for many matrices, and X is multiplied by the product of their polynomials once.
    """
    wide = [one if len(one) <= one.shape[1] else one.T for one in matrices]
    factors = wide.copy()
    by_rows = defaultdict(list)
    for i, one in enumerate(wide):
        by_rows[len(one)].append(i)
    for size, chosen in by_rows.items():
        gram = torch.stack([wide[i] @ wide[i].T for i in chosen])
        norm = gram.diagonal(dim1=1, dim2=2).sum(1).sqrt().clamp_min(_LEAST_NORM)[:, None, None]
        gram = gram / norm**2
        step = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
        factor = step + _A * torch.eye(size, dtype=gram.dtype, device=gram.device)
        for _ in range(_ITERATIONS - 1):
            half = torch.baddbmm(gram, step, gram, beta=_A)
            gram = torch.baddbmm(half, half, step, beta=_A)
            step = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
            factor = torch.baddbmm(factor, step, factor, beta=_A)
        for i, one in zip(chosen, factor / norm, strict=True):
            factors[i] = one
    updates = [factor @ one for factor, one in zip(factors, wide, strict=True)]
    return [one if len(one) == len(matrix) else one.T for one, matrix in zip(updates, matrices, strict=True)]


def _matrix(weight: Tensor) -> Tensor:
    """[out, in, ...] as [out, the rest], a view where it is channels_last; the order of the columns does not matter."""
    return weight.movedim(1, -1).flatten(1)


def _shaped(matrix: Tensor, weight: Tensor) -> Tensor:
    """The matrix in the shape of the weight: the inverse of `_matrix`."""
    return matrix.reshape(len(weight), *weight.shape[2:], weight.shape[1]).movedim(-1, 1)
