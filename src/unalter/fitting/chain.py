"""A chain of alterations in one order, as numbers that can be changed: what a fit moves about in."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from unalter.alter.alteration import Alteration, Parameter
from unalter.alter.catalogue import KINDS
from unalter.alter.geometric import Fill, Resampled

Chain = tuple[Alteration, ...]
"""At most one alteration of each kind, in the order of `ORDER`."""

ORDER: tuple[type[Alteration], ...] = tuple(kind for kind in KINDS if kind.starts())
"""The kinds that a fit looks for, from the thing to the sensor."""

_PROBABILITY = Parameter("probability", 0.0, 1.0, 0.06, (0.01, 0.05, 0.1))


def with_step(chain: Chain, step: Alteration) -> Chain:
    """The chain with a step at its place, in exchange for one of its kind."""
    steps = {type(old): old for old in chain} | {type(step): step}
    return tuple(steps[kind] for kind in ORDER if kind in steps)


def without(chain: Chain, kind: type[Alteration]) -> Chain:
    """The chain without the steps of a kind."""
    return tuple(step for step in chain if type(step) is not kind)


@dataclass(frozen=True)
class ParameterRef:
    """A parameter at its place in a chain, its value on the scale on which it is changed."""

    kind: type[Alteration]
    parameter: Parameter

    @property
    def step(self) -> float:
        return self.parameter.step

    @property
    def bounds(self) -> tuple[float, float]:
        return self._scaled(self.parameter.low), self._scaled(self.parameter.high)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.parameter.logarithmic else value

    def get(self, chain: Chain) -> float:
        return self._scaled(self.parameter.get(next(step for step in chain if type(step) is self.kind)))

    def set(self, chain: Chain, value: float) -> Chain:
        value = math.exp(value) if self.parameter.logarithmic else value
        return tuple(self.parameter.set(step, value) if type(step) is self.kind else step for step in chain)

    def slope_between(self, chain: Chain) -> tuple[Chain, Chain | None, float] | None:
        """Two chains whose mean features differ by the slope in this parameter times a factor; None: the given one.

        Exact, and with all of the pictures taking part: a mean over pictures is linear in a probability, and for
        numbers drawn between low and high its slope in an end is (mean at that end - mean) / (high - low).
        None where the parameter is neither, or its range is too narrow.
        """
        step = next(step for step in chain if type(step) is self.kind)
        if self.parameter.field == "probability":
            always, never = (with_step(chain, replace(step, probability=p)) for p in (1.0, 0.0))
            return always, never, 1.0
        if self.parameter.place is None:
            return None
        low, high = getattr(step, self.parameter.field)
        end = self.parameter.get(step)
        if high - low < 0.1 * self.parameter.step * (end if self.parameter.logarithmic else 1):
            return None
        there = with_step(chain, replace(step, **{self.parameter.field: (end, end)}))
        factor = (high - low) * (1 if self.parameter.place == 1 else -1)
        return there, None, factor / (end if self.parameter.logarithmic else 1)

    def always(self, chain: Chain) -> bool:
        """Whether this is the probability of something that happens always."""
        return self.parameter.field == "probability" and self.get(chain) >= 1

    def rounded(self, chain: Chain, grid: float) -> Chain:
        """The chain with this number rounded to a multiple of `grid`, on its own scale."""
        value = self.parameter.get(next(step for step in chain if type(step) is self.kind))
        value = round(round(value / grid) * grid, 6)
        return tuple(self.parameter.set(step, value) if type(step) is self.kind else step for step in chain)


def parameter_refs(chain: Chain) -> list[ParameterRef]:
    """All that can be changed of a chain, in its order."""
    return [ParameterRef(type(step), parameter) for step in chain for parameter in (_PROBABILITY, *step.fitted)]


def with_values(chain: Chain, values: np.ndarray, which: list[ParameterRef]) -> Chain:
    """The chain with its parameters at these values."""
    for ref, value in zip(which, values, strict=True):
        chain = ref.set(chain, float(value))
    return chain


def has(chain: Chain, kind: type[Alteration]) -> bool:
    """Whether a kind is in the chain."""
    return any(type(step) is kind for step in chain)


def begun(kind: type[Alteration], fill: Fill) -> list[Alteration]:
    """What a kind is begun with; what comes in from outside is as `fill` says."""
    return [filled(step, fill) for step in kind.starts()]


def filled(step: Alteration, fill: Fill) -> Alteration:
    """The step with another fill, where it is one that has any."""
    return replace(step, fill=fill) if isinstance(step, Resampled) else step


def variants(chain: Chain, size: tuple[int, int], fills: Collection[Fill]) -> Iterator[Chain]:
    """The chains that differ in one choice of words, or in one of these fills, for pictures of size (H, W)."""
    for step in chain:
        for other in step.variants(size):
            yield with_step(chain, other)
        if isinstance(step, Resampled):
            yield from (with_step(chain, filled(step, fill)) for fill in fills if fill != step.fill)
