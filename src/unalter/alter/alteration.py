"""The alterations, each a frozen set of parameters that is called with a batch; those that move things: `geometry`.

`operation(x, random)` takes float32 [N, C, H, W] in 0..1 and one `KeyedDraws` of N streams, and returns the
same shape and range. The same key gives the same picture in any batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import ClassVar, TypeGuard

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.draws import KeyedDraws
from unalter.support.errors import InputError

Range = tuple[float, float]


class ParameterError(InputError):
    """A parameter that cannot be; `parameter` is its name, so that a recipe can tell its line."""

    def __init__(self, operation: str, parameter: str, value: object, possible: str) -> None:
        shown = list(value) if isinstance(value, tuple) else value
        super().__init__(f"{operation}: {parameter} is {shown!r}; it must be {possible}")
        self.parameter = parameter


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """What every alteration shares: it happens to a picture with `probability`.

    Raises:
        ParameterError: a parameter outside what is possible.
    """

    name: ClassVar[str]
    """As recipes write it."""
    limits: ClassVar[dict[str, Range]] = {}
    """What the numbers among the parameters of a kind of alteration must lie between."""
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    """What the words among them can be."""

    probability: float = 1.0

    def __post_init__(self) -> None:
        for name, limits in {"probability": (0, 1), **self.limits}.items():
            value = _plain(getattr(self, name))
            object.__setattr__(self, name, value)
            default = type(self).__dataclass_fields__[name].default
            _check_numbers(self.name, name, value, isinstance(default, tuple), limits)
        for name, possible in self.choices.items():
            if getattr(self, name) not in possible:
                raise ParameterError(self.name, name, getattr(self, name), " or ".join(possible))

    def __call__(self, x: Tensor, random: KeyedDraws) -> Tensor:
        """Alter each picture with the operation's probability."""
        return self.apply_with_homography(x, random)[0]

    def apply_with_homography(self, x: Tensor, random: KeyedDraws) -> tuple[Tensor, Tensor | None]:
        """The altered pictures and how they moved: `Geometric.homography`, or None where nothing can move."""
        raise NotImplementedError

    @classmethod
    def parameters(cls) -> list[str]:
        """The names of what a recipe writes of it; backgrounds are pictures, not compared and not written."""
        return [spec.name for spec in fields(cls) if spec.compare]


def _plain(value: object) -> object:
    """A list as a tuple and numpy's numbers as Python's: as a recipe that was saved and read has them."""
    if isinstance(value, (list, tuple)):
        return tuple(_plain(part) for part in value)
    return value.item() if isinstance(value, np.generic) else value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_numbers(operation: str, name: str, value: object, is_range: bool, limits: Range) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    valid = isinstance(value, tuple) == is_range and all(_is_number(v) and limits[0] <= v <= limits[1] for v in numbers)
    if not valid or (is_range and not (len(numbers) == 2 and numbers[0] <= numbers[1])):
        kind = "two rising numbers [low, high]" if is_range else "a number"
        raise ParameterError(operation, name, value, f"{kind} between {limits[0]:g} and {limits[1]:g}")


@dataclass(frozen=True, kw_only=True)
class Photometric(Alteration):
    """What changes the values of pixels and moves nothing."""

    def apply_with_homography(self, x: Tensor, random: KeyedDraws) -> tuple[Tensor, None]:
        chosen = random.chance(self.probability)
        return self._where(chosen, self.apply(x, random), x), None

    def _where(self, chosen: Tensor, altered: Tensor, x: Tensor) -> Tensor:
        return altered if self.probability >= 1 else torch.where(chosen[:, None, None, None], altered, x)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        """Alter every picture."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Blur(Photometric):
    """Gaussian blur with a kernel of `kernel` x `kernel` pixels; the border is reflected."""

    name = "blur"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0.01, 50)}

    sigma: Range = (0.1, 2.0)
    kernel: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.kernel, int) or self.kernel < 3 or self.kernel % 2 == 0:
            raise ParameterError(self.name, "kernel", self.kernel, "an odd whole number, 3 or larger")

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
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
class Invert(Photometric):
    """White becomes black and black white."""

    name = "invert"
    probability: float = 0.5

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        return 1 - x


@dataclass(frozen=True, kw_only=True)
class Contrast(Photometric):
    """gain * (picture - 0.5) + 0.5 + offset, cut off at black and white: contrast and brightness."""

    name = "contrast"
    limits: ClassVar[dict[str, Range]] = {"gain": (0, 100), "offset": (-1, 1)}

    gain: Range = (0.5, 1.5)
    offset: Range = (-0.2, 0.2)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        gain, offset = (random.between(*limits)[:, None, None, None] for limits in (self.gain, self.offset))
        return (gain * (x - 0.5) + (0.5 + offset)).clamp(0, 1)


@dataclass(frozen=True, kw_only=True)
class Blend(Photometric):
    """weight * picture + (1 - weight) * background, one background of the recipe for each picture."""

    name = "blend"
    limits: ClassVar[dict[str, Range]] = {"weight": (0, 1)}

    weight: Range = (0.5, 0.5)
    backgrounds: Tensor | None = field(default=None, compare=False, repr=False)
    """float32 [K, C, H, W] in 0..1; set by the recipe."""

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
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
        weight = random.between(*self.weight)[:, None, None, None]
        return weight * x + (1 - weight) * self.backgrounds.to(x.device)[which]


@dataclass(frozen=True, kw_only=True)
class Noise(Photometric):
    """What draws a number for every pixel."""

    def average(self, x: Tensor, random: KeyedDraws) -> Tensor:
        """What it makes of pictures on average over the numbers of the pixels; its other draws are as ever."""
        chosen = random.chance(self.probability)
        return self._where(chosen, self.expected(x, random), x)

    def expected(self, x: Tensor, random: KeyedDraws) -> Tensor:
        """The mean of `apply`."""
        raise NotImplementedError


def _mean_of_clamped(mean: Tensor, deviation: Tensor) -> Tensor:
    """The mean of normal variables that are clamped to 0..1, their means in 0..1; to a thousandth of the deviation."""
    low, high = _overshoot(mean / deviation.clamp_min(1e-4)), _overshoot((1 - mean) / deviation.clamp_min(1e-4))
    return torch.addcmul(mean, deviation, low.sub_(high))


def _overshoot(t: Tensor) -> Tensor:
    """The mean of max(x - t, 0) for a standard normal x and t of 0 or more, about: exact at 0, as is its slope."""
    power = (t * -0.31).sub_(math.sqrt(math.pi / 2)).mul_(t)
    return power.exp_().mul_(1 / math.sqrt(2 * math.pi))


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Noise):
    """Add normal noise with a standard deviation from `sigma` (1 is the whole range of grey)."""

    name = "gaussian-noise"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0, 10)}

    sigma: Range = (0.05, 0.3)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        sigma = random.between(*self.sigma)[:, None, None, None]
        return (x + sigma * random.normal(*x.shape[1:])).clamp(0, 1)

    def expected(self, x: Tensor, random: KeyedDraws) -> Tensor:
        return _mean_of_clamped(x, random.between(*self.sigma)[:, None, None, None])


@dataclass(frozen=True, kw_only=True)
class SaltAndPepper(Noise):
    """Set a share of the pixels to black or white, each half the time."""

    name = "salt-and-pepper"
    limits: ClassVar[dict[str, Range]] = {"share": (0, 1)}

    share: Range = (0.02, 0.2)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        share = random.between(*self.share)[:, None, None, None]
        draw = random.uniform(1, *x.shape[2:])
        salted = torch.where(draw < share / 2, torch.ones_like(x), x)
        return torch.where(draw > 1 - share / 2, torch.zeros_like(x), salted)

    def expected(self, x: Tensor, random: KeyedDraws) -> Tensor:
        share = random.between(*self.share)[:, None, None, None]
        return (1 - share) * x + share / 2


@dataclass(frozen=True, kw_only=True)
class Speckle(Noise):
    """Multiply with 1 + normal noise."""

    name = "speckle"
    limits: ClassVar[dict[str, Range]] = {"sigma": (0, 10)}

    sigma: Range = (0.1, 0.5)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        sigma = random.between(*self.sigma)[:, None, None, None]
        return (x * (1 + sigma * random.normal(*x.shape[1:]))).clamp(0, 1)

    def expected(self, x: Tensor, random: KeyedDraws) -> Tensor:
        return _mean_of_clamped(x, random.between(*self.sigma)[:, None, None, None] * x)


@dataclass(frozen=True, kw_only=True)
class ShotNoise(Noise):
    """Photons counted in every pixel, Poisson distributed: white is `photons` on average, cut off at white."""

    name = "shot-noise"
    limits: ClassVar[dict[str, Range]] = {"photons": (1, 1e6)}

    photons: Range = (20.0, 200.0)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        photons = random.between(*self.photons)[:, None, None, None]
        return (random.poisson(x * photons) / photons).clamp(0, 1)

    def expected(self, x: Tensor, random: KeyedDraws) -> Tensor:
        return _mean_of_clamped(x, (x / random.between(*self.photons)[:, None, None, None]).sqrt())  # nearly normal


@dataclass(frozen=True, kw_only=True)
class Occlusion(Photometric):
    """Cover a rectangle, anywhere within the picture, with one grey (random erasing, Zhong et al. 2020).

    Its sides, as shares of the picture's, have a ratio from 1:3 to 3:1.
    """

    name = "occlusion"
    limits: ClassVar[dict[str, Range]] = {"area": (0, 1), "level": (0, 1)}

    area: Range = (0.02, 0.2)
    """The rectangle's share of the picture."""
    level: Range = (0.0, 1.0)

    def apply(self, x: Tensor, random: KeyedDraws) -> Tensor:
        area, level = random.between(*self.area), random.between(*self.level)
        steepest = (-area.log()).clamp(max=math.log(3))  # beyond 1 / area it would not fit
        ratio = (random.between(-1, 1) * steepest).exp()
        across = _covered(x.shape[3], (area * ratio).sqrt(), random)
        down = _covered(x.shape[2], (area / ratio).sqrt(), random)
        covered = down[:, None, :, None] & across[:, None, None, :]
        return torch.where(covered, level[:, None, None, None], x)


def _covered(side: int, share: Tensor, random: KeyedDraws) -> Tensor:
    """Which pixels of a side have their centre in an interval of that share [N] at a random place: bool [N, side]."""
    start = (random.uniform() * (1 - share))[:, None]
    centres = (torch.arange(side, device=share.device) + 0.5) / side
    return (start <= centres) & (centres < start + share[:, None])
