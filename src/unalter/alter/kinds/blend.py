"""Blends with fixed backgrounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from unalter.alter.alteration import Photometric, Range
from unalter.alter.draws import Draws
from unalter.support.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Blend(Photometric):
    """weight * picture + (1 - weight) * background, one background of the recipe for each picture."""

    name = "blend"
    limits: ClassVar[dict[str, Range]] = {"weight": (0, 1)}
    stage = 70  # by the backgrounds it is found, not by a fit: it has no starts

    weight: Range = (0.5, 0.5)
    backgrounds: Tensor | None = field(default=None, compare=False, repr=False)
    """float32 [K, C, H, W] in 0..1; set by the recipe."""

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        if self.backgrounds is None:
            raise InputError("blend: the recipe has no backgrounds; give pictures to take them from")
        if self.backgrounds.shape[-2:] != x.shape[-2:]:
            made_for, given = ("{} x {}".format(*pictures.shape[-2:]) for pictures in (self.backgrounds, x))
            raise InputError(
                f"blend: the recipe was made for {made_for} pictures (height x width), and these are {given}; "
                f"give it {made_for} pictures, or put {given} backgrounds into backgrounds/ beside the recipe"
            )
        if self.backgrounds.shape[1] not in (1, x.shape[1]):
            raise InputError("blend: the backgrounds are in colour, the pictures are grey")
        which = (random.uniform() * len(self.backgrounds)).long()
        weight = random.between(*self.weight).reshape(-1, 1, 1, 1)
        return weight * x + (1 - weight) * self.backgrounds.to(x.device)[which]
