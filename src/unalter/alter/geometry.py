"""The alterations that move things, each a projective map from where things are seen to where they come from.

Places are (across, down, 1), -1..1 from edge to edge, so a pixel's centre lies half a pixel inside its edge. A
homography [3, 3] takes a place of the altered picture to one of the clean picture, up to a factor (Hartley and
Zisserman, Multiple View Geometry, 2004, chapter 2); maps of consecutive steps multiply, the first on the left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.alteration import Alteration, Range
from unalter.alter.draws import KeyedDraws

Axis = Literal["horizontal", "vertical"]
Sampling = Literal["nearest", "bilinear"]

_HORIZON = 1e-3
"""Places whose third coordinate is smaller lie behind the viewer, or too far away to be seen."""


@dataclass(frozen=True, kw_only=True)
class Geometric(Alteration):
    """What moves things: `draw` says where to, `warp` does it."""

    def apply_with_homography(self, x: Tensor, random: KeyedDraws) -> tuple[Tensor, Tensor]:
        height, width = x.shape[-2:]
        homography = self.homography((height, width), random)
        if self.probability >= 1:
            return self.warp(x, homography), homography
        # pictures that stay are left out: it is faster, and sampling would change their last bit
        moved = torch.nonzero((homography != torch.eye(3, device=x.device)).flatten(1).any(1)).squeeze(1)
        altered = x.clone()
        altered[moved] = self.warp(x[moved], homography[moved])
        return altered, homography

    def homography(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        """Draw what a call with the same stream does to pictures of size (H, W).

        Returns:
            float32 [N, 3, 3], from altered to clean places; the identity for pictures to which it does not happen.
        """
        chosen = random.chance(self.probability)
        drawn = self.draw(size, random)
        return drawn if self.probability >= 1 else torch.where(chosen[:, None, None], drawn, _identity(random))

    def draw(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        """The homographies float32 [N, 3, 3] if it happens to every picture."""
        raise NotImplementedError

    def warp(self, x: Tensor, homography: Tensor) -> Tensor:
        """The pictures [N, C, H, W] as they look when moved by homographies [N, 3, 3] that `draw` gave."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Flip(Geometric):
    """Mirror; `horizontal` exchanges left and right."""

    name = "flip"
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"axis": get_args(Axis)}

    axis: Axis = "horizontal"

    def draw(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        homography = _identity(random)
        axis = 0 if self.axis == "horizontal" else 1
        homography[:, axis, axis] = -1
        return homography

    def warp(self, x: Tensor, homography: Tensor) -> Tensor:
        return x.flip(-1 if self.axis == "horizontal" else -2)


@dataclass(frozen=True, kw_only=True)
class Resampled(Geometric):
    """A warp whose pixels are looked up in the clean picture; what comes in from outside is black."""

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"sampling": get_args(Sampling)}

    sampling: Sampling = "bilinear"

    def warp(self, x: Tensor, homography: Tensor) -> Tensor:
        return sample(x, homography, self.sampling)


@dataclass(frozen=True, kw_only=True)
class Rotate(Resampled):
    """Turn about the centre, anticlockwise where degrees are positive."""

    name = "rotate"
    limits: ClassVar[dict[str, Range]] = {"degrees": (-360, 360)}

    degrees: Range = (-180.0, 180.0)

    def draw(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        height, width = size
        angle = random.between(*self.degrees) * (math.pi / 180)
        homography = _identity(random)
        homography[:, 0, 0] = homography[:, 1, 1] = angle.cos()
        homography[:, 0, 1] = -angle.sin() * (height / width)
        homography[:, 1, 0] = angle.sin() * (width / height)
        return homography


@dataclass(frozen=True, kw_only=True)
class Scale(Resampled):
    """Zoom about the centre: a factor below 1 makes things smaller."""

    name = "scale"
    limits: ClassVar[dict[str, Range]] = {"factor": (0.01, 100)}

    factor: Range = (0.7, 1.0)

    def draw(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        homography = _identity(random)
        homography[:, 0, 0] = homography[:, 1, 1] = 1 / random.between(*self.factor)
        return homography


@dataclass(frozen=True, kw_only=True)
class Translate(Resampled):
    """Shift to the right by `across` times the width and downwards by `down` times the height."""

    name = "translate"
    limits: ClassVar[dict[str, Range]] = {"across": (-1, 1), "down": (-1, 1)}

    across: Range = (-0.1, 0.1)
    down: Range = (-0.1, 0.1)

    def draw(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        homography = _identity(random)
        homography[:, 0, 2] = -2 * random.between(*self.across)
        homography[:, 1, 2] = -2 * random.between(*self.down)
        return homography


@dataclass(frozen=True, kw_only=True)
class Perspective(Resampled):
    """A keystone: each corner moves inwards by up to `distortion` times half the side, both ways apart."""

    name = "perspective"
    limits: ClassVar[dict[str, Range]] = {"distortion": (0, 1)}

    distortion: float = 0.5

    def draw(self, size: tuple[int, int], random: KeyedDraws) -> Tensor:
        inward = self.distortion * random.uniform(4, 2)
        corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]], device=random.device)
        return _to_square(corners * (1 - inward))


def sample(x: Tensor, homography: Tensor, sampling: Sampling = "bilinear") -> Tensor:
    """Look pictures up where homographies say; black outside and behind the horizon.

    Args:
        x: float32 [N, C, H, W].
        homography: float32 [N, 3, 3], from places of the result to places of x.

    Returns:
        float32 [N, C, H, W].
    """
    height, width = x.shape[-2:]
    u = ((torch.arange(width, device=x.device) + 0.5) * (2 / width) - 1)[None, None, :]
    v = ((torch.arange(height, device=x.device) + 0.5) * (2 / height) - 1)[None, :, None]
    entries = homography[:, :, :, None, None]
    across, down, depth = (entries[:, i, 0] * u + (entries[:, i, 1] * v + entries[:, i, 2]) for i in range(3))
    nearness = 1 / depth.clamp_min(_HORIZON)
    across = (across * nearness).masked_fill_(depth <= _HORIZON, 3.0)  # well outside
    # complex numbers lie in memory as grid_sample wants its places: an eighth of the time of stacking them
    places = torch.view_as_real(torch.complex(across, down * nearness))
    return F.grid_sample(x, places, mode=sampling, align_corners=False)


def _identity(random: KeyedDraws) -> Tensor:
    return torch.eye(3, device=random.device).repeat(len(random), 1, 1)


def _to_square(corners: Tensor) -> Tensor:
    """The projective maps that take four corners, in turn from the top left, to those of the square of -1..1.

    In closed form (Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989): [N, 4, 2] to [N, 3, 3].
    """
    a, b, c, d = corners.double().unbind(1)
    right, below, apart = b - c, d - c, a - b + c - d
    depth = torch.stack([_cross(apart, below), _cross(right, apart), _cross(right, below)], 1)
    across, down = b * depth[:, :1] + (b - a) * depth[:, 2:], d * depth[:, 1:2] + (d - a) * depth[:, 2:]
    from_unit = torch.stack([across, down, a * depth[:, 2:]], 2)
    from_unit = torch.cat([from_unit, depth[:, None]], 1)
    from_square = from_unit @ from_unit.new_tensor([[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1]])
    first, second, third = from_square.unbind(2)
    rows = [torch.linalg.cross(i, j) for i, j in ((second, third), (third, first), (first, second))]
    found = torch.stack(rows, 1)  # the inverse, up to a factor
    return (found / found[:, 2:, 2:]).float()


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
