"""Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Alteration, Noise, Range, both_ends
from unalter.alter.clamped import mean_of_clamped
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Noise):
    """Add normal noise with a standard deviation from `sigma` (1 is the whole range of grey)."""

    name = "gaussian-noise"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0, 10)}
    stage = 52
    fitted = both_ends("sigma", 0, 1.5, 0.02, 0.01, 0.05)
    stream = 10

    sigma: Range = (0.05, 0.3)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        sigma = random.between(*self.sigma).reshape(-1, 1, 1, 1)
        return (x + sigma * random.normal(*x.shape[1:])).clamp(0, 1)

    def expected(self, x: Tensor, random: Draws) -> Tensor:
        return mean_of_clamped(x, random.between(*self.sigma).reshape(-1, 1, 1, 1))

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            GaussianNoise(sigma=(0.02, 0.06)),
            GaussianNoise(sigma=(0.05, 0.15)),
            GaussianNoise(sigma=(0.15, 0.3)),
        )
