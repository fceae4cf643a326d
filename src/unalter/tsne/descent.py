"""The descent that moves the points of a map to where its divergence from the data is least."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from unalter.tsne.attraction import attraction
from unalter.tsne.divergence import attraction_divergence, divergence
from unalter.tsne.kernels import NEAR, Kernel
from unalter.tsne.loops import ONE, Threads, compiled
from unalter.tsne.repulsion import Repulsion

Callback = Callable[[int, float, np.ndarray], object]
"""Called with iteration, KL divergence and a copy of the embedding; true stops the descent."""

LEAST_GAIN = np.float32(0.01)
LONGEST_STEP = np.float32(5)
"""A few widths of the kernel: few points are easily thrown far apart."""
_TINY = np.float32(1e-30)
_SAME_Z = 10
"""Iterations for which Z is taken to stay as it is, where nothing else is needed of its field."""


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

    def divergence(self, y: Any, z: Any = None) -> float:
        """KL(P || Q), with a Z that is known, or with Z summed over all pairs."""
        ...

    def step(self, y: Any, velocity: Any, gains: Any, force: Any, rate: float, momentum: float) -> None:
        """Move the points, with momentum and a gain for each coordinate; change y, velocity and gains in place."""
        ...


class LoopForces:
    """Forces by compiled loops on the processor's cores.

    Args:
        p: joint probabilities [n, n].
        kernel: `PLANE` or `SPACE`.
        threads: that the work is shared among.
    """

    def __init__(self, p: sp.csr_matrix, kernel: Kernel, threads: Threads) -> None:
        self._p, self._kernel, self._threads = p, kernel, threads
        self._repulsion, self._near = Repulsion(kernel, threads), Repulsion(NEAR, threads)

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

    def divergence(self, y: np.ndarray, z: float | None = None) -> float:
        if z is None:
            return divergence(self._p, y, self._kernel, self._threads)
        return attraction_divergence(self._p, y, self._kernel, self._threads) + float(np.log(z))

    def step(
        self, y: np.ndarray, velocity: np.ndarray, gains: np.ndarray, force: np.ndarray, rate: float, momentum: float
    ) -> None:
        _step(y, velocity, gains, force, np.float32(rate), np.float32(momentum))
        y -= y.mean(0)


class Descent:
    """Gradient descent with momentum and a gain for each coordinate (Jacobs 1988; van der Maaten and Hinton 2008).

    Look at it, stop it, go on: `y` are the points, `run` moves them.

    Args:
        forces: that move the points.
        y: float32 [n, 3]; a first column of zeros makes a map in the plane.
        callback: called every `callback_every` iterations.
    """

    def __init__(
        self, forces: Forces, y: np.ndarray, callback: Callback | None = None, callback_every: int = 50
    ) -> None:
        self.iterations = 0
        self.stopped = False
        self._forces, self._y = forces, forces.place(y)
        self._velocity, self._gains = forces.place(np.zeros_like(y)), forces.place(np.ones_like(y))
        self._callback, self._every = callback, callback_every

    @property
    def y(self) -> np.ndarray:
        """The points, float32 [n, 3]."""
        return self._forces.fetch(self._y)

    def divergence(self) -> float:
        """KL(P || Q) of the points as they are."""
        return self._forces.divergence(self._y)

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
            told = (self.iterations + 1) % self._every == 0
            if not near or told or k % _SAME_Z == 0:
                force, z = self._forces.repulsion(self._y)
            if near:
                force = self._forces.near(self._y, z)
            else:
                force += exaggeration * self._forces.attraction(self._y)
            self.iterations += 1
            if told and self._callback is not None:
                self.stopped = bool(self._callback(self.iterations, self._forces.divergence(self._y, z), self.y))
            self._forces.step(self._y, self._velocity, self._gains, force, learning_rate, momentum)


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
