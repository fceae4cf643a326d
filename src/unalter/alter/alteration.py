"""What all alterations share; each kind is a frozen set of parameters in a file of its own in `kinds`.

`alteration(x, random)` takes float32 [N, C, H, W] in 0..1 and one stream of `Draws` for each of the N pictures, and
returns the same shape and range. The same key gives the same picture in any batch.

All that the rest of the package wants to know of a kind, its class declares: what its parameters can be, where it
comes in the order of alterations, and how a fit looks for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, Self, TypeGuard

import numpy as np
import torch
from torch import Tensor

from unalter.alter.draws import Draws
from unalter.support.errors import InputError

Range = tuple[float, float]
Group = Literal["shape", "light", "detail"]


class ParameterError(InputError):
    """A parameter that cannot be; `parameter` is its name, so that a recipe can tell its line."""

    def __init__(self, alteration: str, parameter: str, value: object, possible: str) -> None:
        shown = list(value) if isinstance(value, tuple) else value
        super().__init__(f"{alteration}: {parameter} is {shown!r}; it must be {possible}")
        self.parameter = parameter


@dataclass(frozen=True)
class Parameter:
    """One number of a kind of alteration, as a fit changes it."""

    field: str
    low: float
    high: float
    """What still leaves something to see."""
    step: float
    """A change that shows in pictures and still acts about linearly; of the logarithm where it is `logarithmic`."""
    rounded: tuple[float, ...]
    """What a person would round it to, the finest first."""
    place: int | None = None
    """Which end of a range; None where the number stands alone."""
    logarithmic: bool = False
    """Changed by factors."""

    def get(self, alteration: Alteration) -> float:
        value = getattr(alteration, self.field)
        return float(value if self.place is None else value[self.place])

    def set(self, alteration: Alteration, value: float) -> Alteration:
        """The same alteration with this number; the other end of its range moves along where it must."""
        value = min(max(value, self.low), self.high)
        if self.place is None:
            return replace(alteration, **{self.field: value})
        low, high = getattr(alteration, self.field)
        ends = (value, max(value, high)) if self.place == 0 else (min(low, value), value)
        return replace(alteration, **{self.field: ends})


def both_ends(
    field: str, low: float, high: float, step: float, *rounded: float, logarithmic: bool = False
) -> tuple[Parameter, Parameter]:
    """The two numbers of a range."""
    first, second = (Parameter(field, low, high, step, rounded, place, logarithmic) for place in (0, 1))
    return first, second


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """What every alteration shares: it happens to a picture with `probability`.

    Raises:
        ParameterError: a parameter outside what is possible.
    """

    name: ClassVar[str]
    """As recipes write it."""
    limits: ClassVar[dict[str, Range]] = {}
    """What the numbers among its parameters must lie between."""
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    """What the words among them can be."""
    stage: ClassVar[int] = 100
    """Its place from the thing to the sensor: 10 to 19 how it stands, 20 what covers it, 30 light, 40 lens, 50 noise,
    60 storage."""
    group: ClassVar[Group] = "detail"
    """Kinds of one group can be mistaken for one another."""
    fitted: ClassVar[tuple[Parameter, ...]] = ()
    """The numbers that a fit changes, besides `probability`."""
    uncommon: ClassVar[bool] = False
    """Whether a fit looks for it only where a chain of the other kinds does not do."""
    stream: ClassVar[int]
    """Which random numbers a fit gives it: a number of its own, so that no other kind changes them."""

    probability: float = 1.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls) and "stream" not in vars(cls):
            cls.stream = zlib.crc32(cls.name.encode())

    def __post_init__(self) -> None:
        for name, limits in {"probability": (0, 1), **self.limits}.items():
            value = plain(getattr(self, name))
            object.__setattr__(self, name, value)
            default = type(self).__dataclass_fields__[name].default
            _check_numbers(self.name, name, value, isinstance(default, tuple), limits)
        for name, possible in self.choices.items():
            if getattr(self, name) not in possible:
                raise ParameterError(self.name, name, getattr(self, name), " or ".join(possible))

    def __call__(self, x: Tensor, random: Draws) -> Tensor:
        """Alter each picture with the alteration's probability."""
        return self.apply_with_homography(x, random)[0]

    def apply_with_homography(self, x: Tensor, random: Draws) -> tuple[Tensor, Tensor | None]:
        """The altered pictures and how they moved: `Geometric.homography`, or None where nothing can move."""
        raise NotImplementedError

    @classmethod
    def parameters(cls) -> list[str]:
        """The names of what a recipe writes of it; backgrounds are pictures, not compared and not written."""
        return [spec.name for spec in fields(cls) if spec.compare]

    def written(self) -> dict[str, Any]:
        """Its parameters by name, as a recipe writes them."""
        values = {name: getattr(self, name) for name in self.parameters()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        """What a fit begins with, from weak to strong and of every kind of distribution that it could not turn into
        one another, as one-sided and not; none where a fit does not look for it.
        """
        return ()

    def variants(self, size: tuple[int, int]) -> Iterator[Self]:
        """The same with another word, for pictures of size (H, W)."""
        for name, possible in self.choices.items():
            for word in possible:
                if word != getattr(self, name):
                    yield replace(self, **{name: word})

    def plainer(self) -> Self:
        """The one of its variants that is preferred where it does as well."""
        return self


def plain(value: object) -> object:
    """A list as a tuple and numpy's numbers as Python's: as a recipe that was saved and read has them."""
    if isinstance(value, (list, tuple)):
        return tuple(plain(part) for part in value)
    return value.item() if isinstance(value, np.generic) else value


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_numbers(alteration: str, name: str, value: object, is_range: bool, limits: Range) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    valid = isinstance(value, tuple) == is_range and all(is_number(v) and limits[0] <= v <= limits[1] for v in numbers)
    if not valid or (is_range and not (len(numbers) == 2 and numbers[0] <= numbers[1])):
        kind = "two rising numbers [low, high]" if is_range else "a number"
        raise ParameterError(alteration, name, value, f"{kind} between {limits[0]:g} and {limits[1]:g}")


@dataclass(frozen=True, kw_only=True)
class Photometric(Alteration):
    """What changes the values of pixels and moves nothing."""

    def apply_with_homography(self, x: Tensor, random: Draws) -> tuple[Tensor, None]:
        chosen = random.chance(self.probability)
        return self._where(chosen, self.apply(x, random), x), None

    def _where(self, chosen: Tensor, altered: Tensor, x: Tensor) -> Tensor:
        return altered if self.probability >= 1 else torch.where(chosen.reshape(-1, 1, 1, 1), altered, x)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        """Alter every picture."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Noise(Photometric):
    """What draws a number for every pixel."""

    def average(self, x: Tensor, random: Draws) -> Tensor:
        """What it makes of pictures on average over the numbers of the pixels; its other draws are as ever."""
        chosen = random.chance(self.probability)
        return self._where(chosen, self.expected(x, random), x)

    def expected(self, x: Tensor, random: Draws) -> Tensor:
        """The mean of `apply`."""
        raise NotImplementedError
