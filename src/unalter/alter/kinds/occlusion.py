"""Occlusion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from unalter.alter.alteration import Alteration, Photometric, Range, both_ends
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class Occlusion(Photometric):
    """Cover a rectangle, anywhere within the picture, with one grey (random erasing, Zhong et al. 2020).

    Its sides, as shares of the picture's, have a ratio from 1:3 to 3:1.
    """

    name = "occlusion"
    limits: ClassVar[dict[str, Range]] = {"area": (0, 1), "level": (0, 1)}
    stage = 20
    group = "shape"
    fitted = (
        *both_ends("area", 0.005, 0.7, 0.03, 0.01, 0.05),
        *both_ends("level", 0, 1, 0.1, 0.01, 0.05, 0.1),
    )
    stream = 5

    area: Range = (0.02, 0.2)
    """The rectangle's share of the picture."""
    level: Range = (0.0, 1.0)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        area, level = random.between(*self.area), random.between(*self.level)
        steepest = (-area.log()).clamp(max=math.log(3))  # beyond 1 / area it would not fit
        ratio = (random.between(-1, 1) * steepest).exp()
        across = _covered(x.shape[3], (area * ratio).sqrt(), random)
        down = _covered(x.shape[2], (area / ratio).sqrt(), random)
        covered = down[:, None, :, None] & across[:, None, None, :]
        return torch.where(covered, level.reshape(-1, 1, 1, 1), x)

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            Occlusion(area=(0.02, 0.2), level=(0, 1)),
            Occlusion(area=(0.05, 0.2), level=(1, 1)),
            Occlusion(area=(0.05, 0.2), level=(0, 0)),
        )


def _covered(side: int, share: Tensor, random: Draws) -> Tensor:
    """Which pixels of a side have their centre in an interval of that share [N] at a random place: bool [N, side]."""
    start = (random.uniform() * (1 - share))[:, None]
    centres = (torch.arange(side, device=share.device) + 0.5) / side
    return (start <= centres) & (centres < start + share[:, None])
