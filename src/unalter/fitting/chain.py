"""A chain of alterations in one order, as numbers that can be turned: what a fit moves about in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from unalter.alter.alteration import (
    Alteration,
    Blur,
    Contrast,
    GaussianNoise,
    Invert,
    Occlusion,
    SaltAndPepper,
    ShotNoise,
    Speckle,
)
from unalter.alter.geometry import Flip, Perspective, Resampled, Rotate, Scale, Translate

Chain = tuple[Alteration, ...]
"""At most one alteration of each kind, in the order of `ORDER`."""

ORDER: tuple[type[Alteration], ...] = (
    Rotate, Flip, Scale, Perspective, Translate, Occlusion, Contrast, Invert,
    Blur, ShotNoise, GaussianNoise, Speckle, SaltAndPepper,
)  # fmt: skip
"""From the thing to the sensor: how it stands, what covers it, light, lens, noise."""


@dataclass(frozen=True)
class Parameter:
    """One number of one alteration."""

    field: str
    low: float
    high: float
    step: float
    """A change that shows in pictures and still acts about linearly."""
    rounded: tuple[float, ...]
    """What a person would round it to, the finest first."""
    place: int | None = None
    """Which end of a range; None where the number stands alone."""

    def get(self, operation: Alteration) -> float:
        value = getattr(operation, self.field)
        return float(value if self.place is None else value[self.place])

    def set(self, operation: Alteration, value: float) -> Alteration:
        """The same alteration with this number; the other end of its range moves along where it must."""
        value = min(max(value, self.low), self.high)
        if self.place is None:
            return replace(operation, **{self.field: value})
        low, high = getattr(operation, self.field)
        ends = (value, max(value, high)) if self.place == 0 else (min(low, value), value)
        return replace(operation, **{self.field: ends})


def _range(field: str, low: float, high: float, step: float, *rounded: float) -> tuple[Parameter, Parameter]:
    return Parameter(field, low, high, step, rounded, 0), Parameter(field, low, high, step, rounded, 1)


_PROBABILITY = Parameter("probability", 0.0, 1.0, 0.06, (0.01, 0.05, 0.1))

# The bounds are what still leaves something to see. The steps change about as many pixels each.
_KNOBS: dict[type[Alteration], tuple[Parameter, ...]] = {
    Rotate: _range("degrees", -180, 180, 8, 1, 5, 10),
    Flip: (),
    Scale: _range("factor", 0.3, 2.5, 0.04, 0.01, 0.05, 0.1),
    Perspective: (Parameter("distortion", 0.02, 1, 0.06, (0.01, 0.05, 0.1)),),
    Translate: (*_range("across", -0.6, 0.6, 0.03, 0.01, 0.05), *_range("down", -0.6, 0.6, 0.03, 0.01, 0.05)),
    Occlusion: (*_range("area", 0.005, 0.7, 0.03, 0.01, 0.05), *_range("level", 0, 1, 0.1, 0.01, 0.05, 0.1)),
    Contrast: (*_range("gain", 0.05, 4, 0.08, 0.01, 0.05, 0.1), *_range("offset", -0.9, 0.9, 0.05, 0.01, 0.05, 0.1)),
    Invert: (),
    Blur: _range("sigma", 0.1, 5, 0.12, 0.01, 0.05, 0.1, 0.5),
    ShotNoise: _range("photons", 1, 2_000, 0.2, 1, 5, 10),
    GaussianNoise: _range("sigma", 0, 1.5, 0.02, 0.01, 0.05),
    Speckle: _range("sigma", 0, 2, 0.05, 0.01, 0.05, 0.1),
    SaltAndPepper: _range("share", 0, 0.9, 0.02, 0.01, 0.05),
}

# With every kind of distribution that a search could not turn into one another: weak and strong, one-sided and not.
_STARTS: dict[type[Alteration], tuple[Alteration, ...]] = {
    Rotate: (
        Rotate(degrees=(-20, 20)),
        Rotate(degrees=(-90, 90)),
        Rotate(degrees=(-180, 180)),
        Rotate(degrees=(10, 40)),
        Rotate(degrees=(-40, -10)),
    ),
    Flip: (Flip(), Flip(axis="vertical")),
    Scale: (
        Scale(factor=(0.85, 1)),
        Scale(factor=(0.5, 0.9)),
        Scale(factor=(1, 1.3)),
        Scale(factor=(0.8, 1.2)),
    ),
    Perspective: (
        Perspective(distortion=0.3),
        Perspective(distortion=0.6),
    ),
    Translate: (
        Translate(across=(-0.05, 0.05), down=(-0.05, 0.05)),
        Translate(across=(-0.15, 0.15), down=(-0.15, 0.15)),
        Translate(across=(0, 0.1), down=(0, 0)),
        Translate(across=(-0.1, 0), down=(0, 0)),
        Translate(across=(0, 0), down=(0, 0.1)),
        Translate(across=(0, 0), down=(-0.1, 0)),
    ),
    Occlusion: (
        Occlusion(area=(0.02, 0.2), level=(0, 1)),
        Occlusion(area=(0.05, 0.2), level=(1, 1)),
        Occlusion(area=(0.05, 0.2), level=(0, 0)),
    ),
    Contrast: (
        Contrast(gain=(0.5, 1), offset=(0, 0)),
        Contrast(gain=(1, 1.6), offset=(0, 0)),
        Contrast(gain=(1, 1), offset=(-0.2, 0.2)),
        Contrast(gain=(0.5, 1.5), offset=(-0.2, 0.2)),
        Contrast(gain=(1, 1), offset=(0, 0.2)),
        Contrast(gain=(1, 1), offset=(-0.2, 0)),
    ),
    Invert: (Invert(probability=1),),
    Blur: (
        Blur(sigma=(0.5, 1)),
        Blur(sigma=(1, 2)),
        Blur(sigma=(1, 2), kernel=5),
    ),
    ShotNoise: (
        ShotNoise(photons=(100, 300)),
        ShotNoise(photons=(20, 80)),
        ShotNoise(photons=(5, 20)),
    ),
    GaussianNoise: (
        GaussianNoise(sigma=(0.02, 0.06)),
        GaussianNoise(sigma=(0.05, 0.15)),
        GaussianNoise(sigma=(0.15, 0.3)),
    ),
    Speckle: (
        Speckle(sigma=(0.05, 0.15)),
        Speckle(sigma=(0.1, 0.4)),
        Speckle(sigma=(0.3, 0.8)),
    ),
    SaltAndPepper: (
        SaltAndPepper(share=(0.01, 0.04)),
        SaltAndPepper(share=(0.05, 0.15)),
        SaltAndPepper(share=(0.15, 0.4)),
    ),
}

_LOGARITHMIC = {"photons", "factor"}
"""What is turned by factors."""
_KERNELS = (3, 5, 7, 9)
"""A larger kernel, of the largest sigma that is looked for, hardly differs from the last one."""


def starts(kind: type[Alteration]) -> tuple[Alteration, ...]:
    """Alterations of one kind, from weak to strong, that a search may begin with."""
    return _STARTS[kind]


def with_step(chain: Chain, step: Alteration) -> Chain:
    """The chain with a step at its place, in exchange for one of its kind."""
    steps = {type(old): old for old in chain} | {type(step): step}
    return tuple(steps[kind] for kind in ORDER if kind in steps)


def without(chain: Chain, kind: type[Alteration]) -> Chain:
    """The chain without the steps of a kind."""
    return tuple(step for step in chain if type(step) is not kind)


@dataclass(frozen=True)
class ParameterRef:
    """A knob at its place in a chain, its value on the scale on which it is turned."""

    kind: type[Alteration]
    knob: Parameter

    @property
    def step(self) -> float:
        return self.knob.step

    @property
    def bounds(self) -> tuple[float, float]:
        return self._to(self.knob.low), self._to(self.knob.high)

    def _to(self, value: float) -> float:
        return math.log(value) if self.knob.field in _LOGARITHMIC else value

    def get(self, chain: Chain) -> float:
        return self._to(self.knob.get(next(step for step in chain if type(step) is self.kind)))

    def set(self, chain: Chain, value: float) -> Chain:
        value = math.exp(value) if self.knob.field in _LOGARITHMIC else value
        return tuple(self.knob.set(step, value) if type(step) is self.kind else step for step in chain)

    def slope_between(self, chain: Chain) -> tuple[Chain, Chain | None, float] | None:
        """Two chains whose mean features differ by the slope in this handle times a factor; None for the given chain.

        Exact, and with all of the pictures taking part: a mean over pictures is linear in a probability, and for
        numbers drawn between low and high its slope in an end is (mean at that end - mean) / (high - low).
        None where the handle is neither, or its range is too narrow.
        """
        operation = next(step for step in chain if type(step) is self.kind)
        if self.knob.field == "probability":
            always, never = (with_step(chain, replace(operation, probability=p)) for p in (1.0, 0.0))
            return always, never, 1.0
        if self.knob.place is None:
            return None
        low, high = getattr(operation, self.knob.field)
        end = self.knob.get(operation)
        if high - low < 0.1 * self.knob.step * (end if self._logarithmic else 1):
            return None
        there = with_step(chain, replace(operation, **{self.knob.field: (end, end)}))
        factor = (high - low) * (1 if self.knob.place == 1 else -1)
        return there, None, factor / (end if self._logarithmic else 1)

    @property
    def _logarithmic(self) -> bool:
        return self.knob.field in _LOGARITHMIC

    def always(self, chain: Chain) -> bool:
        """Whether this is the probability of something that happens always."""
        return self.knob.field == "probability" and self.get(chain) >= 1

    def rounded(self, chain: Chain, grid: float) -> Chain:
        """The chain with this number rounded to a multiple of `grid`, on its own scale."""
        value = self.knob.get(next(step for step in chain if type(step) is self.kind))
        value = round(round(value / grid) * grid, 6)
        return tuple(self.knob.set(step, value) if type(step) is self.kind else step for step in chain)


def parameter_refs(chain: Chain) -> list[ParameterRef]:
    """All that can be turned of a chain, in its order."""
    return [ParameterRef(type(step), knob) for step in chain for knob in (_PROBABILITY, *_KNOBS[type(step)])]


def with_values(chain: Chain, values: np.ndarray, which: list[ParameterRef]) -> Chain:
    """The chain with its handles at these values."""
    for handle, value in zip(which, values, strict=True):
        chain = handle.set(chain, float(value))
    return chain


def variants(chain: Chain, size: tuple[int, int]) -> Iterator[Chain]:
    """The chains that differ in one choice of words: how a warp samples, how large a blur's kernel is."""
    for step in chain:
        if isinstance(step, Resampled):
            yield with_step(chain, replace(step, sampling="nearest" if step.sampling == "bilinear" else "bilinear"))
        if isinstance(step, Flip):
            yield with_step(chain, replace(step, axis="vertical" if step.axis == "horizontal" else "horizontal"))
        if isinstance(step, Blur):
            at = _KERNELS.index(step.kernel)
            for kernel in _KERNELS[max(at - 1, 0) : at + 2]:
                if kernel != step.kernel and kernel // 2 < min(size):
                    yield with_step(chain, replace(step, kernel=kernel))
