"""The alterations: each a frozen set of parameters that is called with a batch.

`operation(x, random)` takes float32 [N, C, H, W] in 0..1 and one `PictureRandom` of N streams, and returns the
same shape and range. The same key gives the same picture in any batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.random import PictureRandom
from unalter.errors import InputError

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What every alteration shares: it happens to a picture with `probability`.

    Raises:
        InputError: a parameter outside what is possible.
    """

    name: ClassVar[str]
    """As recipes write it."""
    limits: ClassVar[dict[str, Range]] = {}
    """What the parameters of a kind of alteration must lie between."""

    probability: float = 1.0

    def __post_init__(self) -> None:
        for name, limits in {"probability": (0, 1), **self.limits}.items():
            default = type(self).__dataclass_fields__[name].default
            _check(self.name, name, getattr(self, name), isinstance(default, tuple), limits)

    def __call__(self, x: Tensor, random: PictureRandom) -> Tensor:
        """Alter each picture with the operation's probability."""
        chosen = random.chance(self.probability)
        altered = self.apply(x, random)
        return altered if self.probability >= 1 else torch.where(chosen[:, None, None, None], altered, x)

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        """Alter every picture."""
        raise NotImplementedError


def _check(operation: str, name: str, value: object, is_range: bool, limits: Range) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    valid = all(isinstance(v, (int, float)) and limits[0] <= v <= limits[1] for v in numbers)
    if is_range:
        valid = valid and len(numbers) == 2 and numbers[0] <= numbers[1]
    if not valid or isinstance(value, tuple) != is_range:
        kind = "two rising numbers [low, high]" if is_range else "a number"
        shown = list(value) if isinstance(value, tuple) else value
        raise InputError(f"{operation}: {name} is {shown}; it must be {kind} between {limits[0]:g} and {limits[1]:g}")


@dataclass(frozen=True, kw_only=True)
class Rotate(Operation):
    """Turn about the centre; what comes in from outside is black."""

    name = "rotate"
    limits: ClassVar[dict[str, Range]] = {"degrees": (-360, 360)}

    degrees: Range = (-180.0, 180.0)
    sampling: Literal["nearest", "bilinear"] = "bilinear"

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        angle = (random.between(*self.degrees) * (math.pi / 180))[:, None, None]
        cos, sin = angle.cos(), angle.sin()
        u, v = _coordinates(x)
        height, width = x.shape[-2:]
        return _sample(x, cos * u - sin * (height / width) * v, sin * (width / height) * u + cos * v, self.sampling)


@dataclass(frozen=True, kw_only=True)
class Flip(Operation):
    """Mirror; `horizontal` exchanges left and right."""

    name = "flip"
    axis: Literal["horizontal", "vertical"] = "horizontal"

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        return x.flip(-1 if self.axis == "horizontal" else -2)


@dataclass(frozen=True, kw_only=True)
class Perspective(Operation):
    """A keystone: each corner moves inwards by up to `distortion` times half the side, both ways apart."""

    name = "perspective"
    limits: ClassVar[dict[str, Range]] = {"distortion": (0, 1)}

    distortion: float = 0.5
    sampling: Literal["nearest", "bilinear"] = "bilinear"

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        n = len(x)
        inward = self.distortion * random.uniform(4, 2)
        corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]], device=x.device)
        entries = _homography(corners * (1 - inward), corners.expand(n, 4, 2))[:, :, :, None, None]
        u, v = _coordinates(x)
        across, down, scale = (entries[:, i, 0] * u + entries[:, i, 1] * v + entries[:, i, 2] for i in range(3))
        inverse = torch.where(scale > 1e-3, 1 / scale.clamp_min(1e-3), 0)
        outside = torch.where(scale > 1e-3, 0, 3.0)  # behind the horizon: sampled from the black surroundings
        return _sample(x, across * inverse + outside, down * inverse + outside, self.sampling)


def _coordinates(x: Tensor) -> tuple[Tensor, Tensor]:
    """Where the pixels of [N, C, H, W] are, -1..1 from edge to edge: across [1, 1, W] and down [1, H, 1]."""
    height, width = x.shape[-2:]
    u = (torch.arange(width, device=x.device) + 0.5) * (2 / width) - 1
    v = (torch.arange(height, device=x.device) + 0.5) * (2 / height) - 1
    return u[None, None], v[None, :, None]


def _sample(x: Tensor, u: Tensor, v: Tensor, sampling: str) -> Tensor:
    """The pictures at the places u across and v down, each [N, H, W]; black outside."""
    return F.grid_sample(x, torch.stack([u, v], -1), mode=sampling, align_corners=False)


def _homography(source: Tensor, target: Tensor) -> Tensor:
    """The projective maps that take four points to four points: [N, 4, 2] twice, to [N, 3, 3]."""
    x, y = source.double().unbind(-1)
    u, v = target.double().unbind(-1)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    for_u = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1)
    for_v = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1)
    solved = torch.linalg.solve(torch.cat([for_u, for_v], 1), torch.cat([u, v], 1))
    return torch.cat([solved, torch.ones_like(solved[:, :1])], 1).reshape(-1, 3, 3).float()


@dataclass(frozen=True, kw_only=True)
class Blur(Operation):
    """Gaussian blur with a kernel of `kernel` x `kernel` pixels; the border is reflected."""

    name = "blur"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0.01, 50)}

    sigma: Range = (0.1, 2.0)
    kernel: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.kernel, int) or self.kernel < 3 or self.kernel % 2 == 0:
            raise InputError(f"blur: kernel is {self.kernel}; it must be an odd whole number, 3 or larger")

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        reach = self.kernel // 2
        if min(x.shape[-2:]) <= reach:
            raise InputError(f"blur: a kernel of {self.kernel} is too large for pictures of {tuple(x.shape[-2:])}")
        offsets = torch.arange(-reach, reach + 1, device=x.device)
        sigma = random.between(*self.sigma)
        weights = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
        weights = weights / weights.sum(1, keepdim=True)
        for dim in (-1, -2):
            padding = (reach, reach, 0, 0) if dim == -1 else (0, 0, reach, reach)
            padded = F.pad(x, padding, mode="reflect")
            size = x.shape[dim]
            shifted = [padded.narrow(dim, k, size) * weights[:, k, None, None, None] for k in range(self.kernel)]
            x = sum(shifted[1:], shifted[0])
        return x


@dataclass(frozen=True, kw_only=True)
class Invert(Operation):
    """White becomes black and black white."""

    name = "invert"
    probability: float = 0.5

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        return 1 - x


@dataclass(frozen=True, kw_only=True)
class Blend(Operation):
    """weight * picture + (1 - weight) * background, one background of the recipe for each picture."""

    name = "blend"
    limits: ClassVar[dict[str, Range]] = {"weight": (0, 1)}

    weight: Range = (0.5, 0.5)
    backgrounds: Tensor | None = field(default=None, compare=False, repr=False)
    """float32 [K, C, H, W] in 0..1; set by the recipe."""

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        if self.backgrounds is None:
            raise InputError("blend: the recipe has no backgrounds; give pictures to take them from")
        if self.backgrounds.shape[-2:] != x.shape[-2:]:
            sizes = f"{tuple(self.backgrounds.shape[-2:])}, the pictures {tuple(x.shape[-2:])}"
            raise InputError(f"blend: the backgrounds are of size {sizes}")
        if self.backgrounds.shape[1] not in (1, x.shape[1]):
            raise InputError("blend: the backgrounds are in colour, the pictures are grey")
        which = (random.uniform() * len(self.backgrounds)).long()
        weight = random.between(*self.weight)[:, None, None, None]
        return weight * x + (1 - weight) * self.backgrounds.to(x.device)[which]


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Operation):
    """Add normal noise with a standard deviation from `sigma` (1 is the whole range of grey)."""

    name = "gaussian-noise"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0, 10)}

    sigma: Range = (0.05, 0.3)

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        sigma = random.between(*self.sigma)[:, None, None, None]
        return (x + sigma * random.normal(*x.shape[1:])).clamp(0, 1)


@dataclass(frozen=True, kw_only=True)
class SaltAndPepper(Operation):
    """Set a share of the pixels to black or white, each half the time."""

    name = "salt-and-pepper"
    limits: ClassVar[dict[str, Range]] = {"share": (0, 1)}

    share: Range = (0.02, 0.2)

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        share = random.between(*self.share)[:, None, None, None]
        draw = random.uniform(1, *x.shape[2:])
        salted = torch.where(draw < share / 2, torch.ones_like(x), x)
        return torch.where(draw > 1 - share / 2, torch.zeros_like(x), salted)


@dataclass(frozen=True, kw_only=True)
class Speckle(Operation):
    """Multiply with 1 + normal noise."""

    name = "speckle"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0, 10)}

    sigma: Range = (0.1, 0.5)

    def apply(self, x: Tensor, random: PictureRandom) -> Tensor:
        sigma = random.between(*self.sigma)[:, None, None, None]
        return (x * (1 + sigma * random.normal(*x.shape[1:]))).clamp(0, 1)
