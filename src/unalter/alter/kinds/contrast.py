"""Contrast and brightness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Alteration, Photometric, Range, both_ends
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class Contrast(Photometric):
    """gain * (picture - 0.5) + 0.5 + offset, cut off at black and white: contrast and brightness."""

    name = "contrast"
    limits: ClassVar[dict[str, Range]] = {"gain": (0, 100), "offset": (-1, 1)}
    stage = 31
    group = "light"
    fitted = (
        *both_ends("gain", 0.05, 4, 0.08, 0.01, 0.05, 0.1),
        *both_ends("offset", -0.9, 0.9, 0.05, 0.01, 0.05, 0.1),
    )
    stream = 6

    gain: Range = (0.5, 1.5)
    offset: Range = (-0.2, 0.2)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        gain, offset = (random.between(*limits).reshape(-1, 1, 1, 1) for limits in (self.gain, self.offset))
        return (gain * (x - 0.5) + (0.5 + offset)).clamp(0, 1)

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            Contrast(gain=(0.5, 1), offset=(0, 0)),
            Contrast(gain=(1, 1.6), offset=(0, 0)),
            Contrast(gain=(1, 1), offset=(-0.2, 0.2)),
            Contrast(gain=(0.5, 1.5), offset=(-0.2, 0.2)),
            Contrast(gain=(1, 1), offset=(0, 0.2)),
            Contrast(gain=(1, 1), offset=(-0.2, 0)),
        )
