"""Rotation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from torch import Tensor

from unalter.alter.alteration import Alteration, Range, both_ends
from unalter.alter.draws import Draws
from unalter.alter.geometric import Resampled, affine


@dataclass(frozen=True, kw_only=True)
class Rotate(Resampled):
    """Turn about the centre, anticlockwise where degrees are positive."""

    name = "rotate"
    limits: ClassVar[dict[str, Range]] = {"degrees": (-360, 360)}
    stage = 11
    group = "shape"
    fitted = both_ends("degrees", -180, 180, 8, 1, 5, 10)
    stream = 0

    degrees: Range = (-180.0, 180.0)

    def draw(self, size: tuple[int, int], random: Draws) -> Tensor:
        height, width = size
        angle = random.between(*self.degrees) * (math.pi / 180)
        cos, sin = angle.cos(), angle.sin()
        return affine((cos, -sin * (height / width), 0), (sin * (width / height), cos, 0))

    def variants(self, size: tuple[int, int]) -> Iterator[Self]:
        yield from super().variants(size)
        far = max(-self.degrees[0], self.degrees[1])
        if min(-self.degrees[0], self.degrees[1]) < far / 4:  # corners turned one way and the other look the same
            yield replace(self, degrees=(-far, far))

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            Rotate(degrees=(-20, 20)),
            Rotate(degrees=(-90, 90)),
            Rotate(degrees=(-180, 180)),
            Rotate(degrees=(10, 40)),
            Rotate(degrees=(-40, -10)),
        )
