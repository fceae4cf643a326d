"""Gaussian blur."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.alteration import Alteration, ParameterError, Photometric, Range, both_ends
from unalter.alter.draws import Draws
from unalter.support.errors import InputError

_LARGEST = 9
"""The largest kernel that a fit tries: a larger one, of the largest sigma that it tries, hardly differs."""


@dataclass(frozen=True, kw_only=True)
class Blur(Photometric):
    """Gaussian blur with a kernel of `kernel` x `kernel` pixels; the border is reflected."""

    name = "blur"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0.01, 50)}
    stage = 42
    fitted = both_ends("sigma", 0.1, 5, 0.12, 0.01, 0.05, 0.1, 0.5)
    stream = 8

    sigma: Range = (0.1, 2.0)
    kernel: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.kernel, int) or self.kernel < 3 or self.kernel % 2 == 0:
            raise ParameterError(self.name, "kernel", self.kernel, "an odd whole number, 3 or larger")

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        reach = self.kernel // 2
        if min(x.shape[-2:]) <= reach:
            raise InputError(f"blur: a kernel of {self.kernel} is too large for pictures of {tuple(x.shape[-2:])}")
        offsets = torch.arange(-reach, reach + 1, device=x.device)
        sigma = random.between(*self.sigma)
        weights = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
        each = (weights / weights.sum(1, keepdim=True)).reshape(-1, self.kernel, 1, 1, 1).unbind(1)
        for dim in (-1, -2):
            padding = (reach, reach, 0, 0) if dim == -1 else (0, 0, reach, reach)
            padded = F.pad(x, padding, mode="reflect")
            size = x.shape[dim]
            shifted = [padded.narrow(dim, k, size) * weight for k, weight in enumerate(each)]
            x = sum(shifted[1:], shifted[0])
        return x

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return Blur(sigma=(0.5, 1)), Blur(sigma=(1, 2)), Blur(sigma=(1, 2), kernel=5)

    def variants(self, size: tuple[int, int]) -> Iterator[Self]:
        for kernel in (self.kernel - 2, self.kernel + 2):
            if 3 <= kernel <= _LARGEST and kernel // 2 < min(size):
                yield replace(self, kernel=kernel)
