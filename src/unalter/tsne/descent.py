"""The descent that moves the points of a map to where its divergence from the data is least."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from unalter.tsne.attraction import attraction
from unalter.tsne.divergence import divergence, normaliser
from unalter.tsne.kernels import NEAR, Kernel
from unalter.tsne.loops import ONE, Threads, compiled
from unalter.tsne.progress import EVERY, Progress
from unalter.tsne.repulsion import FEW, Repulsion

Callback = Callable[[int, float, np.ndarray], object]
"""Called with iteration, KL divergence and a copy of the embedding; true stops the descent."""

_HELD, _FALLING = 20, 80
"""Iterations with the whole early exaggeration, and iterations in which it falls to 1, by the same factor each: a map
unfolds better than when it is dropped at once, and in fewer iterations."""
LEAST_GAIN = np.float32(0.01)
LONGEST_STEP = np.float32(5)
"""A few widths of the kernel: few points are easily thrown far apart."""
_TINY = np.float32(1e-30)
_HUB = 2.0
"""So many times a point's usual share of all probability. One that has more is pulled so hard that it would overshoot
at the usual learning rate, for ever, and its neighbours with it: its rate is smaller by as much."""
_SAME_Z = 10
"""Iterations for which Z is taken to stay as it is, where nothing else is needed of its field."""


def exaggerations(most: float) -> list[float]:
    """What attraction is multiplied with in the first iterations."""
    falling = [most ** (1 - (k + 1) / (_FALLING + 1)) for k in range(_FALLING)]
    return [*[most] * _HELD, *falling] if most > 1 else []


class Forces(Protocol):
    """What the points [n, 3] of a map are moved by, and where they lie meanwhile: in arrays of its own kind."""

    def place(self, y: np.ndarray) -> Any:
        """The points, float32, as the other methods want them."""
        ...

    def fetch(self, y: Any) -> np.ndarray:
        """A copy of the points that anybody can read."""
        ...

    def repulsion(self, y: Any) -> tuple[Any, Any]:
        """The repulsive forces, and Z, a number of its own kind."""
        ...

    def attraction(self, y: Any) -> Any:
        """The attractive forces."""
        ...

    def near(self, y: Any, z: Any) -> Any:
        """The sum of forces that both are multiplied with K in place of 1 / (1 + d^2 / dof), for a given Z."""
        ...

    def normaliser(self, y: Any) -> Any:
        """Z, summed over all pairs where that can be."""
        ...

    def divergence(self, y: Any, z: Any) -> float:
        """KL(P || Q), with a Z that is known."""
        ...

    def norm(self, force: Any) -> float:
        """Of forces on all points."""
        ...

    def step(self, y: Any, velocity: Any, gains: Any, force: Any, rate: float, momentum: float) -> None:
        """Move the points, with momentum and a gain for each coordinate; change y, velocity and gains in place."""
        ...


def calming(p: sp.csr_matrix) -> np.ndarray | None:
    """What the learning rate of each point is multiplied with, float32 [n, 1]; None: nothing, for all."""
    shares = np.asarray(p.sum(1))
    shares *= len(shares)
    return (_HUB / np.maximum(shares, _HUB)).astype(np.float32) if shares.max() > _HUB else None


class LoopForces:
    """Forces by compiled loops on the processor's cores.

    Args:
        p: joint probabilities [n, n].
        kernel: `PLANE` or `SPACE`.
        threads: that the work is shared among.
        few: up to so many points repulsion is summed over all pairs.
    """

    def __init__(self, p: sp.csr_matrix, kernel: Kernel, threads: Threads, few: int = FEW) -> None:
        self._p, self._kernel, self._threads = p, kernel, threads
        self._calming = calming(p)
        self._repulsion, self._near = Repulsion(kernel, threads, few), Repulsion(NEAR, threads, few)

    def place(self, y: np.ndarray) -> np.ndarray:
        return np.array(y, np.float32, order="C")

    def fetch(self, y: np.ndarray) -> np.ndarray:
        return y.copy()

    def repulsion(self, y: np.ndarray) -> tuple[np.ndarray, float]:
        return self._repulsion(y)

    def attraction(self, y: np.ndarray) -> np.ndarray:
        return attraction(self._p, y, Kernel(self._kernel.dof, 1.0), self._threads)

    def near(self, y: np.ndarray, z: float) -> np.ndarray:
        apart, _ = self._near(y, z)
        return apart + attraction(self._p, y, self._kernel, self._threads)

    def normaliser(self, y: np.ndarray) -> float:
        return normaliser(y, self._kernel, self._threads)

    def divergence(self, y: np.ndarray, z: float) -> float:
        return divergence(self._p, y, self._kernel, z, self._threads)

    def norm(self, force: np.ndarray) -> float:
        return float(np.linalg.norm(force))

    def step(
        self, y: np.ndarray, velocity: np.ndarray, gains: np.ndarray, force: np.ndarray, rate: float, momentum: float
    ) -> None:
        force = force if self._calming is None else force * self._calming
        step(y, velocity, gains, force, rate, momentum)
        y -= y.mean(0)


class Descent:
    """Gradient descent with momentum and a gain for each coordinate (Jacobs 1988; van der Maaten and Hinton 2008).

    Look at it, stop it, go on: `y` are the points, `run` moves them.

    Args:
        forces: that move the points.
        y: float32 [n, 3]; a first column of zeros makes a map in the plane.
        callback: called every `callback_every` iterations.
        progress: that says when it is enough; None: never.
    """

    def __init__(
        self,
        forces: Forces,
        y: np.ndarray,
        callback: Callback | None = None,
        callback_every: int = 50,
        progress: Progress | None = None,
    ) -> None:
        self.iterations = 0
        self.stopped = False
        self._forces, self._y = forces, forces.place(y)
        self._velocity, self._gains = forces.place(np.zeros_like(y)), forces.place(np.ones_like(y))
        self._callback, self._every, self._progress = callback, callback_every, progress

    @property
    def y(self) -> np.ndarray:
        """The points, float32 [n, 3]."""
        return self._forces.fetch(self._y)

    def normaliser(self) -> float:
        """Z of the points as they are."""
        return float(self._forces.normaliser(self._y))

    def divergence(self, z: float) -> float:
        """KL(P || Q) of the points as they are, and their Z."""
        return self._forces.divergence(self._y, z)

    def run(
        self, iterations: int, learning_rate: float, momentum: float, exaggeration: float = 1.0, near: bool = False
    ) -> None:
        """Move the points so many times, unless the callback stops it.

        Args:
            learning_rate: of the force, the gradient without its factor 2 (dof + 1) / dof.
            momentum: the share of the last step that is taken again.
            exaggeration: what attraction is multiplied with.
            near: both forces are multiplied with K in place of 1 / (1 + d^2 / dof), so near points count for more.
        """
        z = 0.0
        for k in range(iterations):
            if self.stopped:
                return
            self.iterations += 1
            told = self._callback is not None and self.iterations % self._every == 0
            looked_at = self._progress is not None and self.iterations % EVERY == 0
            if not near or told or looked_at or k % _SAME_Z == 0:
                force, z = self._forces.repulsion(self._y)
            if near:
                force = self._forces.near(self._y, z)
            else:
                force += exaggeration * self._forces.attraction(self._y)
            if told and self._callback is not None:
                self.stopped = bool(self._callback(self.iterations, self._forces.divergence(self._y, z), self.y))
            if looked_at and self._progress is not None:
                wanted = self._progress.wants_divergence(iterations)
                error = self._forces.divergence(self._y, z) if wanted else None
                may_end = exaggeration == 1 and not near
                self.stopped |= self._progress.ends(self.iterations, error, self._forces.norm(force), may_end)
            self._forces.step(self._y, self._velocity, self._gains, force, learning_rate, momentum)


def step(
    y: np.ndarray, velocity: np.ndarray, gains: np.ndarray, force: np.ndarray, rate: float, momentum: float
) -> None:
    """Move points float32 [n, 3] along a force, with momentum and a gain for each coordinate."""
    _step(y, velocity, gains, force, np.float32(rate), np.float32(momentum))


@compiled
def _step(y, velocity, gains, force, rate, momentum):
    more, less = np.float32(0.2), np.float32(0.8)
    for i in range(y.shape[0]):
        square = np.float32(0)
        for axis in range(3):
            v, gain = velocity[i, axis], gains[i, axis]
            gain = gain + more if force[i, axis] * v > 0 else max(gain * less, LEAST_GAIN)
            v = momentum * v + rate * gain * force[i, axis]
            velocity[i, axis], gains[i, axis] = v, gain
            square += v * v
        shorter = min(ONE, LONGEST_STEP / np.sqrt(square + _TINY))
        for axis in range(3):
            velocity[i, axis] *= shorter
            y[i, axis] += velocity[i, axis]
