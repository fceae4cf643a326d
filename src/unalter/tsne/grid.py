"""A smooth field over many points, by way of a regular grid: particle mesh.

Points are spread on the nodes of a grid with cubic B-splines, the grid is convolved with the kernel by fast Fourier
transforms, and the field and its gradient are read off with the same splines (Hockney and Eastwood 1988). The
transform of the splines is divided out, so the field of a point on a node is exact on the nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from unalter.tsne.loops import Threads, compiled

_SLACK = 1.1
"""A grid is made larger than it need be, and kept until it is too large by twice as much: points spread slowly."""
_MARGIN = 5
"""Nodes that cubic splines take beyond the points, and one for rounding."""


class Grid:
    """A grid about points [n, 3], for one kernel and spacing.

    Args:
        kernel: of the squared distance, float64 array to float64 array.
        spacing: distance of the nodes.
        extent: [3] of the points; an axis without extent gets one node.
    """

    def __init__(self, kernel: Callable[[Any], Any], spacing: float, extent: np.ndarray) -> None:
        self.spacing = spacing
        self.shape = tuple(_nodes(length / spacing * _SLACK) for length in extent)
        self._transform = self._transformed(kernel)

    def _transformed(self, kernel: Callable[[Any], Any]) -> Tensor:
        return _transform(kernel, self.spacing, self.shape)

    def fits(self, extent: np.ndarray) -> bool:
        """Whether points of this extent have room, and not too much."""
        for length, nodes in zip(extent / self.spacing, self.shape, strict=True):
            if (length == 0) != (nodes == 1) or (
                nodes > 1 and not length + _MARGIN <= nodes <= _nodes(_SLACK**3 * length)
            ):
                return False
        return True

    def field(self, y: np.ndarray, threads: Threads) -> np.ndarray:
        """The sum of the kernel over all points, the point itself too, and its gradient.

        Args:
            y: float32 [n, 3]; near one another in memory is near in space, or it takes longer.

        Returns:
            float32 [n, 4]: value and gradient.
        """
        low, high = y.min(0), y.max(0)
        middle = (np.array(self.shape) - 1) / 2 * self.spacing
        origin = ((low + high) / 2 - middle).astype(np.float32)
        scale = np.float32(1 / self.spacing)
        grids = np.zeros((threads.count, *self.shape), np.float32)
        bounds = np.linspace(0, len(y), threads.count + 1).astype(np.int64)
        threads.over(threads.count, _spread_parts, y, origin, scale, grids, bounds)
        values = self._convolved(torch.from_numpy(grids).sum(0))
        result = np.empty((len(y), 4), np.float32)
        threads.over(len(y), _gather, y, origin, scale, values.numpy(), result)
        return result

    def _convolved(self, grid: Tensor) -> Tensor:
        """The grid convolved with the kernel; axis by axis, so that the zeros around it are not transformed twice."""
        waves = torch.fft.rfft(grid, 2 * self.shape[2], dim=2)
        wide = [axis for axis in (1, 0) if self.shape[axis] > 1]
        for axis in wide:
            waves = torch.fft.fft(waves, 2 * self.shape[axis], dim=axis)
        waves *= self._transform
        for axis in reversed(wide):
            waves = torch.fft.ifft(waves, dim=axis).narrow(axis, 0, self.shape[axis])
        return torch.fft.irfft(waves, 2 * self.shape[2], dim=2)[..., : self.shape[2]].contiguous()


def _nodes(length: float) -> int:
    return 1 if length == 0 else int(scipy.fft.next_fast_len(int(np.ceil(length)) + _MARGIN, real=True) or 0)


def _transform(kernel: Callable[[np.ndarray], np.ndarray], spacing: float, shape: tuple[int, ...]) -> Tensor:
    """The kernel's discrete transform on the grid padded to twice its size, the splines divided out: float32.

    The kernel is even, so a cosine transform of an eighth of the padded grid tells all of it.
    """
    squares, splines, mirrored = [], [], []
    for nodes in shape:
        half = np.arange(1 if nodes == 1 else nodes + 1)
        squares.append((half * spacing) ** 2)
        splines.append(((2 + np.cos(np.pi * half / nodes)) / 3) ** 2 if nodes > 1 else np.ones(1))
        mirrored.append(np.concatenate([half, half[-2:0:-1]]))
    waves = kernel(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    for axis, nodes in enumerate(shape):
        if nodes > 1:
            waves = scipy.fft.dct(waves, 1, axis=axis, workers=torch.get_num_threads(), overwrite_x=True)
    waves /= splines[0][:, None, None] * splines[1][:, None] * splines[2]
    return torch.from_numpy(waves.astype(np.float32)[np.ix_(mirrored[0], mirrored[1])])


@compiled
def _weights(y, i, origin, scale, shape, at, w, dw):
    """First node, spline weights and their derivatives, along the three axes, of point i."""
    third, sixth, half = np.float32(1 / 3), np.float32(1 / 6), np.float32(0.5)
    one, two = np.float32(1), np.float32(2)
    for axis in range(3):
        u = (y[i, axis] - origin[axis]) * scale
        node = int(np.floor(u))
        t = u - np.float32(node)
        s = one - t
        at[axis] = node - 1
        w[axis, 0], w[axis, 3] = s * s * s * sixth, t * t * t * sixth
        w[axis, 1], w[axis, 2] = two * third - t * t * (one - t * half), two * third - s * s * (one - s * half)
        dw[axis, 0], dw[axis, 3] = -s * s * half, t * t * half
        dw[axis, 1], dw[axis, 2] = -t * (two - half * t - t), s * (two - half * s - s)
        if shape[axis] == 1:
            at[axis] = 0
            w[axis, 0], dw[axis, 0] = one, np.float32(0)


@compiled
def _spread_parts(y, origin, scale, grids, bounds, low, high):
    """Spread the points of parts low..high, each on a grid of its own."""
    at, w, dw = np.empty(3, np.int64), np.empty((3, 4), np.float32), np.empty((3, 4), np.float32)
    shape = grids.shape[1:]
    n0, n1, n2 = min(shape[0], 4), min(shape[1], 4), min(shape[2], 4)
    for part in range(low, high):
        for i in range(bounds[part], bounds[part + 1]):
            _weights(y, i, origin, scale, shape, at, w, dw)
            for a in range(n0):
                for b in range(n1):
                    row, weight = grids[part, at[0] + a, at[1] + b], w[0, a] * w[1, b]
                    for c in range(n2):
                        row[at[2] + c] += weight * w[2, c]


@compiled
def _gather(y, origin, scale, values, result, low, high):
    """Read value and gradient at points low..high off the grid."""
    at, w, dw = np.empty(3, np.int64), np.empty((3, 4), np.float32), np.empty((3, 4), np.float32)
    n0, n1, n2 = min(values.shape[0], 4), min(values.shape[1], 4), min(values.shape[2], 4)
    for i in range(low, high):
        _weights(y, i, origin, scale, values.shape, at, w, dw)
        total, g0, g1, g2 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for a in range(n0):
            for b in range(n1):
                row = values[at[0] + a, at[1] + b]
                v, dv = np.float32(0), np.float32(0)
                for c in range(n2):
                    v += row[at[2] + c] * w[2, c]
                    dv += row[at[2] + c] * dw[2, c]
                total += w[0, a] * w[1, b] * v
                g0 += dw[0, a] * w[1, b] * v
                g1 += w[0, a] * dw[1, b] * v
                g2 += w[0, a] * w[1, b] * dv
        result[i, 0], result[i, 1], result[i, 2], result[i, 3] = total, g0 * scale, g1 * scale, g2 * scale
