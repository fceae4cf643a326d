"""The numbers of a chain of alterations, turned so that its pictures become more like the real ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from scipy.optimize import lsq_linear

from unalter.alter.alteration import Alteration
from unalter.fitting.chain import Chain, ParameterRef, parameter_refs, with_step, with_values
from unalter.fitting.features import Metric
from unalter.fitting.objective import Objective


def improved(
    bench: Objective,
    chain: Chain,
    metric: Metric,
    rounds: int,
    kinds: Collection[type[Alteration]] | None = None,
    fixed: type[Alteration] | None = None,
) -> Chain:
    """Turn the handles of a chain so that its pictures become more like the real ones.

    Gauss-Newton steps, damped as by Marquardt (1963), within the handles' bounds.

    Args:
        kinds: whose handles are turned, None for all.
        fixed: the kind whose probability stays.
    """
    turn = [handle for handle in parameter_refs(chain) if kinds is None or handle.kind in kinds]
    turn = [handle for handle in turn if handle.kind is not fixed or handle.parameter.field != "probability"]
    steps = np.array([handle.step for handle in turn])
    here, damping = bench.residuals(chain, metric), 0.02
    for _ in range(rounds):
        values = np.array([handle.get(chain) for handle in turn])
        slopes = slopes_of(bench, chain, metric, turn, here)
        low, high = _reach(turn, values, steps)
        gained = 0.0
        for _ in range(4):
            rows = np.vstack([slopes, np.diag(np.sqrt(damping * np.square(slopes).sum(0)) + 1e-6)])
            target = np.concatenate([-here, np.zeros(len(turn))])
            move = lsq_linear(rows, target, (low - 1e-9, high + 1e-9)).x
            trial = with_values(chain, values + move * steps, turn)
            there = bench.residuals(trial, metric)
            gained = here @ here - there @ there
            if gained > 0:
                chain, here, damping = trial, there, max(damping / 5, 1e-3)
                break
            damping *= 6
        else:  # one slope that holds nowhere near spoils them all together: one after the other
            before = here @ here
            for at, handle in enumerate(turn):
                slope = slopes[:, at]
                by = np.clip(-(slope @ here) / (slope @ slope + 1e-9), low[at], high[at]) * steps[at]
                trial = handle.set(chain, handle.get(chain) + by)
                there = bench.residuals(trial, metric)
                if there @ there < here @ here:
                    chain, here = trial, there
            gained = before - here @ here
        if gained < 0.004 * (here @ here):
            break
    return chain


def debiased(benches: tuple[Objective, Objective], chain: Chain, metric: Metric) -> Chain:
    """Turn the handles of a chain that is nearly right, without bias.

    `improved` sees its own random numbers twice, in the residuals and in their slopes, so it favours mixtures that
    scatter less: probabilities are drawn towards a half. Here the slopes of one bench weigh the residuals of another
    one, whose numbers are independent (split-sample instruments, Angrist and Krueger 1995). What happens always goes
    on to happen always.
    """
    turn = [handle for handle in parameter_refs(chain) if not handle.always(chain)]
    residuals = [bench.residuals(chain, metric) for bench in benches]
    slopes = [slopes_of(bench, chain, metric, turn, here) for bench, here in zip(benches, residuals, strict=True)]
    mixed = slopes[0].T @ slopes[1]
    curvature, pull = mixed + mixed.T, slopes[0].T @ residuals[1] + slopes[1].T @ residuals[0]
    values, steps = (np.array([of(handle) for handle in turn]) for of in (lambda h: h.get(chain), lambda h: h.step))
    low, high = _reach(turn, values, steps)
    scale = np.sqrt(np.abs(np.diag(curvature)) + 1e-9)
    sizes, directions = np.linalg.eigh(curvature / np.outer(scale, scale))
    # what the pictures hardly tell stays; the square root makes it a problem of least squares, with bounds
    roots = np.sqrt(np.maximum(sizes, 0) + 0.02)
    rows = (directions * roots).T * scale
    move = lsq_linear(rows, -(directions / roots).T @ (pull / scale), (low - 1e-9, high + 1e-9)).x
    return with_values(chain, values + move * steps, turn)


def with_added(
    bench: Objective,
    chain: Chain,
    metric: Metric,
    step: Alteration,
    turn: list[ParameterRef],
    here: np.ndarray,
    slopes: np.ndarray,
) -> tuple[float, Chain]:
    """A chain with one step more, happening as often as is best when the others' handles move along.

    Returns:
        The squared distance that slopes promise, and the chain.
    """
    always = with_step(chain, replace(step, probability=1.0))
    columns = np.column_stack([bench.residuals(always, metric) - here, slopes])
    values, steps = (np.array([of(handle) for handle in turn]) for of in (lambda h: h.get(chain), lambda h: h.step))
    low, high = _reach(turn, values, steps)
    # the triangle of the tall system: solved as fast as it is small
    ridge = np.diag(np.sqrt(0.02 * np.square(np.column_stack([0 * here, slopes])).sum(0)))
    tall = np.vstack([np.column_stack([columns, -here]), np.column_stack([ridge, np.zeros(len(ridge))])])
    triangle: np.ndarray = np.linalg.qr(tall, "r")  # pyright: ignore[reportAssignmentType]
    move = lsq_linear(triangle[:, :-1], triangle[:, -1], (np.append(0, low) - 1e-9, np.append(1, high) + 1e-9)).x
    left = here + columns @ move
    often = replace(step, probability=float(np.clip(move[0], 0, 1)))
    return float(left @ left), with_step(with_values(chain, values + move[1:] * steps, turn), often)


def _reach(turn: list[ParameterRef], values: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far handles can be turned, in units of their steps; a few of them at once, since slopes hold nearby."""
    bounds = np.array([handle.bounds for handle in turn]).reshape(-1, 2)
    return np.maximum((bounds[:, 0] - values) / steps, -4), np.minimum((bounds[:, 1] - values) / steps, 4)


def slopes_of(bench: Objective, chain: Chain, metric: Metric, turn: list[ParameterRef], here: np.ndarray) -> np.ndarray:
    """How residuals change with each handle turned by one of its steps: [D, len(turn)]."""
    columns = []
    for handle in turn:
        between = handle.slope_between(chain)
        if between is None:
            value = handle.get(chain)
            # a range is too narrow here: its ends are taken apart, for one would push the other along
            outward = -handle.step if handle.parameter.place == 0 else handle.step
            inside = handle.bounds[0] <= value + outward <= handle.bounds[1]
            step = outward if inside else -outward
            change, by = bench.residuals(handle.set(chain, value + step), metric) - here, step
        else:
            one, other, by = between
            change = bench.residuals(one, metric) - (here if other is None else bench.residuals(other, metric))
        columns.append(change * (handle.step / by))
    return np.stack(columns, 1) if columns else np.zeros((len(here), 0))
