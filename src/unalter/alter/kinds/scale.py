"""Zoom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Alteration, Range, both_ends
from unalter.alter.draws import Draws
from unalter.alter.geometric import Resampled, affine


@dataclass(frozen=True, kw_only=True)
class Scale(Resampled):
    """Zoom about the centre: a factor below 1 makes things smaller."""

    name = "scale"
    limits: ClassVar[dict[str, Range]] = {"factor": (0.01, 100)}
    stage = 13
    group = "shape"
    fitted = both_ends("factor", 0.3, 2.5, 0.04, 0.01, 0.05, 0.1, logarithmic=True)
    stream = 2

    factor: Range = (0.7, 1.0)

    def draw(self, size: tuple[int, int], random: Draws) -> Tensor:
        wider = 1 / random.between(*self.factor)
        return affine((wider, 0, 0), (0, wider, 0))

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            Scale(factor=(0.85, 1)),
            Scale(factor=(0.5, 0.9)),
            Scale(factor=(1, 1.3)),
            Scale(factor=(0.8, 1.2)),
        )
