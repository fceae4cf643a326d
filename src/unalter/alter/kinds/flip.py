"""Mirror images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self, get_args

import torch
from torch import Tensor

from unalter.alter.alteration import Alteration
from unalter.alter.draws import Draws
from unalter.alter.geometric import Geometric

Axis = Literal["horizontal", "vertical"]


@dataclass(frozen=True, kw_only=True)
class Flip(Geometric):
    """Mirror; `horizontal` exchanges left and right."""

    name = "flip"
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"axis": get_args(Axis)}
    stage = 12
    group = "shape"
    stream = 1

    axis: Axis = "horizontal"

    def draw(self, size: tuple[int, int], random: Draws) -> Tensor:
        homography, axis = torch.eye(3, device=random.device), 0 if self.axis == "horizontal" else 1
        homography[axis, axis] = -1
        return homography.expand(len(random), 3, 3)

    def warp(self, x: Tensor, homography: Tensor) -> Tensor:
        return x.flip(-1 if self.axis == "horizontal" else -2)

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return Flip(), Flip(axis="vertical")

    def plainer(self) -> Self:
        return replace(self, axis="horizontal")  # the same where things are turned all around
