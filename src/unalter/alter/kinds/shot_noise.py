"""Shot noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Alteration, Noise, Range, both_ends
from unalter.alter.clamped import mean_of_clamped
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class ShotNoise(Noise):
    """Photons counted in every pixel, Poisson distributed: white is `photons` on average, cut off at white."""

    name = "shot-noise"
    limits: ClassVar[dict[str, Range]] = {"photons": (1, 1e6)}
    stage = 51
    fitted = both_ends("photons", 1, 2_000, 0.2, 1, 5, 10, logarithmic=True)
    stream = 9

    photons: Range = (20.0, 200.0)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        photons = random.between(*self.photons).reshape(-1, 1, 1, 1)
        return (random.poisson(x * photons) / photons).clamp(0, 1)

    def expected(self, x: Tensor, random: Draws) -> Tensor:
        return mean_of_clamped(x, (x / random.between(*self.photons).reshape(-1, 1, 1, 1)).sqrt())  # nearly normal

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return ShotNoise(photons=(100, 300)), ShotNoise(photons=(20, 80)), ShotNoise(photons=(5, 20))
