"""Salt-and-pepper noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from unalter.alter.alteration import Alteration, Noise, Range, both_ends
from unalter.alter.draws import Draws


@dataclass(frozen=True, kw_only=True)
class SaltAndPepper(Noise):
    """Set a share of the pixels to black or white, each half the time."""

    name = "salt-and-pepper"
    limits: ClassVar[dict[str, Range]] = {"share": (0, 1)}
    stage = 54
    fitted = both_ends("share", 0, 0.9, 0.02, 0.01, 0.05)
    stream = 12

    share: Range = (0.02, 0.2)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        share = random.between(*self.share).reshape(-1, 1, 1, 1)
        draw = random.uniform(1, *x.shape[2:])
        salted = torch.where(draw < share / 2, torch.ones_like(x), x)
        return torch.where(draw > 1 - share / 2, torch.zeros_like(x), salted)

    def expected(self, x: Tensor, random: Draws) -> Tensor:
        share = random.between(*self.share).reshape(-1, 1, 1, 1)
        return (1 - share) * x + share / 2

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            SaltAndPepper(share=(0.01, 0.04)),
            SaltAndPepper(share=(0.05, 0.15)),
            SaltAndPepper(share=(0.15, 0.4)),
        )
