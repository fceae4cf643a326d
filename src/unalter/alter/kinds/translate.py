"""Shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Alteration, Range, both_ends
from unalter.alter.draws import Draws
from unalter.alter.geometric import Resampled, affine


@dataclass(frozen=True, kw_only=True)
class Translate(Resampled):
    """Shift to the right by `across` times the width and downwards by `down` times the height."""

    name = "translate"
    limits: ClassVar[dict[str, Range]] = {"across": (-1, 1), "down": (-1, 1)}
    stage = 15
    group = "shape"
    fitted = (
        *both_ends("across", -0.6, 0.6, 0.03, 0.01, 0.05),
        *both_ends("down", -0.6, 0.6, 0.03, 0.01, 0.05),
    )
    stream = 4

    across: Range = (-0.1, 0.1)
    down: Range = (-0.1, 0.1)

    def draw(self, size: tuple[int, int], random: Draws) -> Tensor:
        across, down = (-2 * random.between(*limits) for limits in (self.across, self.down))
        return affine((1, 0, across), (0, 1, down))

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            Translate(across=(-0.05, 0.05), down=(-0.05, 0.05)),
            Translate(across=(-0.15, 0.15), down=(-0.15, 0.15)),
            Translate(across=(0, 0.1), down=(0, 0)),
            Translate(across=(-0.1, 0), down=(0, 0)),
            Translate(across=(0, 0), down=(0, 0.1)),
            Translate(across=(0, 0), down=(-0.1, 0)),
        )
