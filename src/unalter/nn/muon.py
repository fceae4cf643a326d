"""Muon (Jordan et al. 2024): averaged gradients, made nearly orthogonal, for kernels of convolutions and matrices."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Of the polynomial a X + b (X X^T) X + c (X X^T)^2 X, as steep at 0 as can be (Jordan et al. 2024)."""
_ITERATIONS = 5
_LEAST_NORM = 1e-7
_LEAST_ROWS, _LEAST_ROWS_OF_A_DEVICE = 32, 128
"""To fill smaller matrices up costs less than a group of operations for each size, on a GPU by far."""


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

        self._stacks: list[Stacks | None] = [None] * len(self.param_groups)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take a step with the gradients that the weights have."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for number, group in enumerate(self.param_groups):
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            stacks = self._stacks[number]
            if stacks is None or stacks.shapes != [weight.shape for weight in weights]:
                stacks = self._stacks[number] = Stacks(weights)
            gradients, lr, momentum = [weight.grad for weight in weights], group["lr"], group["momentum"]
            averages = [self._average(weight) for weight in weights]
            torch._foreach_lerp_(averages, gradients, 1 - momentum)
            torch._foreach_copy_(stacks.places, gradients)
            torch._foreach_lerp_(stacks.places, averages, momentum)
            updates = stacks.orthogonalised()
            torch._foreach_mul_(weights, 1 - lr * group["weight_decay"])
            torch._foreach_add_(weights, updates, alpha=-lr)
        return loss

    def _average(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        return state["momentum_buffer"]


class Stacks:
    """Places side by side for weights of some shapes, so that one operation does for many.

    A weight has its place as a matrix that is no taller than wide, its rows filled up with zeros to a power of two, 32
    at the least (on a device 128), its columns to four or nine times as many where they are fewer: so sizes are few.

    Args:
        weights: the tensors that are to be orthogonalised, or others of their shapes, type and device.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.shapes = [weight.shape for weight in weights]
        least = _LEAST_ROWS if weights[0].device.type == "cpu" else _LEAST_ROWS_OF_A_DEVICE
        members: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, shape in enumerate(self.shapes):
            rows, columns = shape[0], math.prod(shape[1:])
            members[_padded(min(rows, columns), max(rows, columns), least)].append(i)
        self.places: list[Tensor] = [weights[0]] * len(weights)
        """For each weight where to put it."""
        self._blocks: dict[int, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        """By rows: [K, rows, columns] each, all places of one size and what is made of them,"""
        self._scales: dict[int, Tensor] = {}
        """and by how much a matrix that is taller than wide moves more, [all K of so many rows, 1, 1]."""
        self._updates = self.places.copy()
        scales = defaultdict(list)
        kind: Any = {"dtype": weights[0].dtype, "device": weights[0].device}
        for (rows, columns), numbers in members.items():
            block, made = (torch.zeros(len(numbers), rows, columns, **kind) for _ in range(2))
            self._blocks[rows].append((block, made))
            for k, i in enumerate(numbers):
                self.places[i], self._updates[i] = (_place(part[k], self.shapes[i]) for part in (block, made))
                scales[rows].append(math.sqrt(max(1, self.shapes[i][0] / math.prod(self.shapes[i][1:]))))
        for rows, factors in scales.items():
            self._scales[rows] = torch.tensor(factors, **kind)[:, None, None]
        self._identities = {n: torch.eye(n, **kind) for n in scales}

    def orthogonalised(self) -> list[Tensor]:
        """What was put into the places, singular values brought near 1 (.7 to 1.2) by five Newton-Schulz iterations;
        where a weight is taller than wide, near the root of the ratio.

        An iteration X <- (a + b G + c G^2) X needs only G = X X^T, so all are made on G, which is small and of one size
        for many matrices, and X is multiplied by the product of their polynomials once.

        Returns:
            A tensor for each, of its shape; the next call overwrites it.
        """
        for rows, blocks in self._blocks.items():
            grams = [torch.bmm(block, block.transpose(1, 2)) for block, _ in blocks]
            gram = grams[0] if len(grams) == 1 else torch.cat(grams)
            norm = gram.diagonal(dim1=1, dim2=2).sum(1).sqrt().clamp_min(_LEAST_NORM)[:, None, None]
            gram = gram / norm**2
            step = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
            factor = torch.add(step, self._identities[rows], alpha=_A)
            for _ in range(_ITERATIONS - 1):
                half = torch.baddbmm(gram, step, gram, beta=_A)
                gram = torch.baddbmm(half, half, step, beta=_A)
                step = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
                factor = torch.baddbmm(factor, step, factor, beta=_A)
            factors = (factor * (self._scales[rows] / norm)).split([len(block) for block, _ in blocks])
            for one, (block, made) in zip(factors, blocks, strict=True):
                torch.bmm(one, block, out=made)
        return self._updates


def _padded(rows: int, columns: int, least: int) -> tuple[int, int]:
    rows = max(least, 2 ** math.ceil(math.log2(rows)))
    return rows, next((times * rows for times in (4, 9) if columns <= times * rows), columns)


def _place(block: Tensor, shape: torch.Size) -> Tensor:
    """The part of a block [rows, columns] that a weight [out, in, ...] has, as a view in the weight's shape.

    Columns are in the order of channels_last, in which weights are, so that they are copied as they lie.
    """
    rows, columns = shape[0], math.prod(shape[1:])
    matrix = block[:rows, :columns] if rows <= columns else block[:columns, :rows].T
    return matrix.unflatten(1, (*shape[2:], shape[1])).movedim(-1, 1)


def orthogonalised(matrices: list[Tensor]) -> list[Tensor]:
    """Matrices whose singular values all come to lie near 1: see `Stacks`, less the factor of tall ones."""
    stacks = Stacks(matrices)
    torch._foreach_copy_(stacks.places, matrices)
    return [update / math.sqrt(max(1, len(update) / update.shape[1])) for update in stacks.orthogonalised()]
