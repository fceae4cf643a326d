"""The descent that moves the points of a map to where its divergence from the data is least."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from unalter.tsne.divergence import attraction_divergence
from unalter.tsne.forces import Repulsion, attraction
from unalter.tsne.loops import ONE, Threads, compiled

Callback = Callable[[int, float, np.ndarray], object]
"""Called with iteration, KL divergence and a copy of the embedding; true stops the descent."""

_LEAST_GAIN = np.float32(0.01)
_LONGEST_STEP = np.float32(5)
"""A few widths of the kernel: few points are easily thrown far apart."""
_TINY = np.float32(1e-30)


class Descent:
    """Gradient descent with momentum and a gain for each coordinate (Jacobs 1988; van der Maaten and Hinton 2008).

    Look at it, stop it, go on: `y` are the points, `run` moves them.

    Args:
        p: joint probabilities [n, n].
        y: float32 [n, 3]; a first column of zeros makes a map in the plane.
        dof: degrees of freedom of the kernel, 1 or 2.
        threads: that the work is shared among.
        callback: called every `callback_every` iterations.
    """

    def __init__(
        self, p: sp.csr_matrix, y: np.ndarray, dof: int, threads: Threads, callback: Callback | None = None,
        callback_every: int = 50,
    ) -> None:  # fmt: skip
        self.y = np.array(y, np.float32, order="C")
        self.iterations = 0
        self.stopped = False
        self._p, self._dof, self._threads = p, dof, threads
        self._repulsion = Repulsion(dof, threads)
        self._velocity, self._gains = np.zeros_like(self.y), np.ones_like(self.y)
        self._callback, self._every = callback, callback_every

    def run(self, iterations: int, learning_rate: float, momentum: float, exaggeration: float = 1.0) -> None:
        """Move the points so many times, unless the callback stops it.

        Args:
            learning_rate: of the force, the gradient without its factor 2 (dof + 1) / dof.
            momentum: the share of the last step that is taken again.
            exaggeration: what attraction is multiplied with.
        """
        for _ in range(iterations):
            if self.stopped:
                return
            apart, z = self._repulsion(self.y)
            together = attraction(self._p, self.y, self._dof, self._threads)
            self.iterations += 1
            if self._callback is not None and self.iterations % self._every == 0:
                divergence = attraction_divergence(self._p, self.y, self._dof, self._threads) + float(np.log(z))
                self.stopped = bool(self._callback(self.iterations, divergence, self.y.copy()))
            numbers = (np.float32(value) for value in (exaggeration, learning_rate, momentum))
            _step(self.y, self._velocity, self._gains, together, apart, *numbers)
            self.y -= self.y.mean(0)


@compiled
def _step(y, velocity, gains, together, apart, exaggeration, rate, momentum):
    more, less = np.float32(0.2), np.float32(0.8)
    for i in range(y.shape[0]):
        square = np.float32(0)
        for axis in range(3):
            force = exaggeration * together[i, axis] + apart[i, axis]
            v, gain = velocity[i, axis], gains[i, axis]
            gain = gain + more if force * v > 0 else max(gain * less, _LEAST_GAIN)
            v = momentum * v + rate * gain * force
            velocity[i, axis], gains[i, axis] = v, gain
            square += v * v
        shorter = min(ONE, _LONGEST_STEP / np.sqrt(square + _TINY))
        for axis in range(3):
            velocity[i, axis] *= shorter
            y[i, axis] += velocity[i, axis]
