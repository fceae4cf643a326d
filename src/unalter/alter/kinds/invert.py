"""Negatives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unalter.alter.alteration import Alteration, Photometric
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class Invert(Photometric):
    """White becomes black and black white."""

    name = "invert"
    stage = 32
    group = "light"
    stream = 7
    probability: float = 0.5

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        return 1 - x

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (Invert(probability=1),)
