"""The parameters of a chain of alterations, changed so that its pictures become more like the real ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import lsq_linear

from unalter.alter.alteration import Alteration
from unalter.fitting.chain import Chain, ParameterRef, parameter_refs, with_step, with_values
from unalter.fitting.features import Metric
from unalter.fitting.objective import Objective


def gauss_newton(
    objective: Objective,
    chain: Chain,
    metric: Metric,
    rounds: int,
    kinds: Collection[type[Alteration]] | None = None,
    fixed: type[Alteration] | None = None,
) -> Chain:
    """Change the parameters of a chain so that its pictures become more like the real ones.

    Gauss-Newton steps, damped as by Marquardt (1963), within the parameters' bounds.

    Args:
        kinds: whose parameters are changed, None for all.
        fixed: the kind whose probability stays.
    """
    refs = [ref for ref in parameter_refs(chain) if kinds is None or ref.kind in kinds]
    refs = [ref for ref in refs if ref.kind is not fixed or ref.parameter.field != "probability"]
    if not refs:
        return chain
    (here,), damping = objective.residuals([chain], metric), 0.02
    for _ in range(rounds):
        slopes = parameter_slopes(objective, chain, metric, refs, here)
        values, steps, low, high = _box(chain, refs)
        gained = 0.0
        for _ in range(4):
            rows = np.vstack([slopes, np.diag(np.sqrt(damping * np.square(slopes).sum(0)) + 1e-6)])
            target = np.concatenate([-here, np.zeros(len(refs))])
            move = lsq_linear(rows, target, (low - 1e-9, high + 1e-9)).x
            trial = with_values(chain, values + move * steps, refs)
            (there,) = objective.residuals([trial], metric)
            gained = here @ here - there @ there
            if gained > 0:
                chain, here, damping = trial, there, max(damping / 5, 1e-3)
                break
            damping *= 6
        else:  # one slope that holds nowhere near spoils them all together: one after the other
            before = here @ here
            for at, ref in enumerate(refs):
                slope = slopes[:, at]
                by = np.clip(-(slope @ here) / (slope @ slope + 1e-9), low[at], high[at]) * steps[at]
                trial = ref.set(chain, ref.get(chain) + by)
                (there,) = objective.residuals([trial], metric)
                if there @ there < here @ here:
                    chain, here = trial, there
            gained = before - here @ here
        if gained < 0.004 * (here @ here):
            break
    return chain


def split_sample_step(objectives: tuple[Objective, Objective], chain: Chain, metric: Metric) -> Chain:
    """Change the parameters of a chain that is nearly right, without bias.

    `gauss_newton` sees its own random numbers twice, in the residuals and in their slopes, so it favours mixtures that
    scatter less: probabilities are drawn towards a half. Here the slopes of one objective weigh the residuals of
    another one, whose numbers are independent (split-sample instruments, Angrist and Krueger 1995). What happens
    always goes on to happen always.
    """
    refs = [ref for ref in parameter_refs(chain) if not ref.always(chain)]
    if not refs:
        return chain
    residuals = [objective.residuals([chain], metric)[0] for objective in objectives]
    slopes = [
        parameter_slopes(objective, chain, metric, refs, here)
        for objective, here in zip(objectives, residuals, strict=True)
    ]
    mixed = slopes[0].T @ slopes[1]
    curvature, pull = mixed + mixed.T, slopes[0].T @ residuals[1] + slopes[1].T @ residuals[0]
    values, steps, low, high = _box(chain, refs)
    scale = np.sqrt(np.abs(np.diag(curvature)) + 1e-9)
    sizes, directions = np.linalg.eigh(curvature / np.outer(scale, scale))
    # what the pictures hardly tell stays; the square root makes it a problem of least squares, with bounds
    roots = np.sqrt(np.maximum(sizes, 0) + 0.02)
    rows = (directions * roots).T * scale
    move = lsq_linear(rows, -(directions / roots).T @ (pull / scale), (low - 1e-9, high + 1e-9)).x
    return with_values(chain, values + move * steps, refs)


@dataclass(frozen=True)
class Linearised:
    """A chain with its residuals [D] and their slopes [D, H] in its H parameters."""

    objective: Objective
    metric: Metric
    chain: Chain
    refs: list[ParameterRef]
    here: np.ndarray
    slopes: np.ndarray

    @classmethod
    def at(cls, chain: Chain, objective: Objective, metric: Metric) -> Linearised:
        """Measure it."""
        refs = parameter_refs(chain)
        (here,) = objective.residuals([chain], metric)
        return cls(objective, metric, chain, refs, here, parameter_slopes(objective, chain, metric, refs, here))

    def extended(self, steps: Sequence[Alteration]) -> list[tuple[float, Chain]]:
        """The chain with each of some steps more, happening as often as is best when its parameters move along.

        Returns:
            For each the squared distance that the slopes promise, and the chain.
        """
        always = [with_step(self.chain, replace(step, probability=1.0)) for step in steps]
        changes = self.objective.residuals(always, self.metric) - self.here
        return [self._extended(step, change) for step, change in zip(steps, changes, strict=True)]

    def _extended(self, step: Alteration, change: np.ndarray) -> tuple[float, Chain]:
        columns = np.column_stack([change, self.slopes])
        values, steps, low, high = _box(self.chain, self.refs)
        # the triangle of the tall system: solved as fast as it is small
        ridge = np.diag(np.sqrt(0.02 * np.square(np.column_stack([0 * self.here, self.slopes])).sum(0)))
        tall = np.vstack([np.column_stack([columns, -self.here]), np.column_stack([ridge, np.zeros(len(ridge))])])
        triangle: np.ndarray = np.linalg.qr(tall, "r")  # pyright: ignore[reportAssignmentType]
        bounds = np.append(0, low) - 1e-9, np.append(1, high) + 1e-9
        move = lsq_linear(triangle[:, :-1], triangle[:, -1], bounds).x
        left = self.here + columns @ move
        often = replace(step, probability=float(np.clip(move[0], 0, 1)))
        return float(left @ left), with_step(with_values(self.chain, values + move[1:] * steps, self.refs), often)


def _box(chain: Chain, refs: list[ParameterRef]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Parameters' values and steps, and how many steps they can go down and up; few, for slopes hold nearby."""
    values, steps = np.array([ref.get(chain) for ref in refs]), np.array([ref.step for ref in refs])
    bounds = np.array([ref.bounds for ref in refs]).reshape(-1, 2)
    low, high = np.maximum((bounds[:, 0] - values) / steps, -4), np.minimum((bounds[:, 1] - values) / steps, 4)
    return values, steps, low, high


def parameter_slopes(
    objective: Objective, chain: Chain, metric: Metric, refs: list[ParameterRef], here: np.ndarray
) -> np.ndarray:
    """How residuals change with each parameter changed by one of its steps: [D, len(refs)]."""
    if not refs:
        return np.zeros((len(here), 0))
    pairs = [_difference(ref, chain) for ref in refs]
    chains = [chain for one, other, _ in pairs for chain in (one, other)]
    residuals = objective.residuals(chains, metric)
    changes = residuals[::2] - residuals[1::2]
    return (changes * np.array([ref.step / by for ref, (_, _, by) in zip(refs, pairs, strict=True)])[:, None]).T


def rounded(objective: Objective, chain: Chain, metric: Metric) -> Chain:
    """The chain with numbers that a person would write, each within about one standard error."""
    refs = parameter_refs(chain)
    values = np.array([ref.get(chain) for ref in refs])
    slopes = parameter_slopes(objective, chain, metric, refs, objective.residuals([chain], metric)[0])
    moved = np.zeros(len(slopes))  # by all that was rounded so far: two roundings may cancel
    for at, ref in enumerate(refs):
        for grid in reversed(ref.parameter.rounded):
            trial = ref.rounded(chain, grid)
            there = moved + slopes[:, at] * (ref.get(trial) - values[at]) / ref.step
            if there @ there < moved @ moved + 1 or grid == ref.parameter.rounded[0]:
                chain, moved = trial, there
                break
    return chain


def _difference(ref: ParameterRef, chain: Chain) -> tuple[Chain, Chain, float]:
    """Two chains whose residuals differ by the slope in a parameter times a factor."""
    between = ref.slope_between(chain)
    if between is not None:
        one, other, by = between
        return one, chain if other is None else other, by
    value = ref.get(chain)
    # a range is too narrow here: its ends are taken apart, for one would push the other along
    outward = -ref.step if ref.parameter.place == 0 else ref.step
    step = outward if ref.bounds[0] <= value + outward <= ref.bounds[1] else -outward
    return ref.set(chain, value + step), chain, step
