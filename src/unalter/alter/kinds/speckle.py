"""Speckle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Alteration, Noise, Range, both_ends
from unalter.alter.clamped import mean_of_clamped
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class Speckle(Noise):
    """Multiply with 1 + normal noise."""

    name = "speckle"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0, 10)}
    stage = 53
    fitted = both_ends("sigma", 0, 2, 0.05, 0.01, 0.05, 0.1)
    stream = 11

    sigma: Range = (0.1, 0.5)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        sigma = random.between(*self.sigma).reshape(-1, 1, 1, 1)
        return (x * (1 + sigma * random.normal(*x.shape[1:]))).clamp(0, 1)

    def expected(self, x: Tensor, random: Draws) -> Tensor:
        return mean_of_clamped(x, random.between(*self.sigma).reshape(-1, 1, 1, 1) * x)

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return Speckle(sigma=(0.05, 0.15)), Speckle(sigma=(0.1, 0.4)), Speckle(sigma=(0.3, 0.8))
