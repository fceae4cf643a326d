"""Perspective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from unalter.alter.alteration import Alteration, Parameter, Range
from unalter.alter.draws import Draws
from unalter.alter.geometric import Resampled
from unalter.support.device import constant, widest_float


@dataclass(frozen=True, kw_only=True)
class Perspective(Resampled):
    """A keystone: each corner moves inwards by up to `distortion` times half the side, both ways apart."""

    name = "perspective"
    limits: ClassVar[dict[str, Range]] = {"distortion": (0, 1)}
    stage = 14
    group = "shape"
    fitted = (Parameter("distortion", 0.02, 1, 0.06, (0.01, 0.05, 0.1)),)
    stream = 3

    distortion: float = 0.5

    def draw(self, size: tuple[int, int], random: Draws) -> Tensor:
        inward = self.distortion * random.uniform(4, 2)
        return _to_square(_corners(random.device) * (1 - inward))

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return Perspective(distortion=0.3), Perspective(distortion=0.6)


def _to_square(corners: Tensor) -> Tensor:
    """The projective maps that take four corners, in turn from the top left, to those of the square of -1..1.

    In closed form (Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989): [N, 4, 2] to [N, 3, 3].
    In float64, where there is: where corners nearly meet, products cancel; in float32 up to a thousandth of a pixel.
    """
    a, b, c, d = corners.to(widest_float(corners.device)).unbind(1)
    right, below, apart = b - c, d - c, a - b + c - d
    depth = _cross(torch.stack([apart, right, right], 2), torch.stack([below, apart, below], 2))
    across, down = b * depth[:, :1] + (b - a) * depth[:, 2:], d * depth[:, 1:2] + (d - a) * depth[:, 2:]
    from_unit = torch.stack([across, down, a * depth[:, 2:]], 2)
    from_unit = torch.cat([from_unit, depth[:, None]], 1)
    from_square = from_unit @ _unit_from_square(corners.device)
    columns = from_square.transpose(1, 2)
    found = torch.linalg.cross(columns.roll(-1, 1), columns.roll(-2, 1))  # the inverse, up to a factor
    return (found / found[:, 2:, 2:]).float()


@constant
def _corners(device: torch.device) -> Tensor:
    return torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]], device=device)


@constant
def _unit_from_square(device: torch.device) -> Tensor:
    return torch.tensor([[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1]], dtype=widest_float(device), device=device)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
