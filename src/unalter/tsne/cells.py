"""Sums over near points, by sorting them into cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unalter.tsne.kernels import Kernel, value_and_slope
from unalter.tsne.loops import ONE, Threads, compiled

_MOST_CELLS = 4_000_000
"""Cells grow where there would be more: points far apart would make a grid that no memory holds."""


@dataclass(frozen=True)
class Cells:
    """Points in the order of their cells, which are cubes about as wide as the sums reach."""

    order: np.ndarray
    """int64 [n]: which points"""
    y: np.ndarray
    """float32 [3, n]: their coordinates"""
    start: np.ndarray
    """int64 [cells + 1]: where each cell begins"""
    shape: tuple[int, int, int]


def sort_into_cells(y: np.ndarray, side: float) -> Cells:
    """Sort points float32 [n, 3] into cells of at least this side."""
    shape, side = _cell_shape(y, side)
    order, start = np.empty(len(y), np.int64), np.zeros(int(np.prod(shape)) + 1, np.int64)
    sorted_y = np.empty((3, len(y)), np.float32)
    _sort(y, y.min(0), np.float32(1 / side), np.array(shape), order, start, sorted_y)
    return Cells(order, sorted_y, start, shape)


def count_pairs(y: np.ndarray, side: float) -> float:
    """Pairs of points in the same cell or in cells next to one another, each counted twice."""
    cells = sort_into_cells(y, side)
    count = np.diff(cells.start).reshape(cells.shape).astype(np.float64)
    around = count
    for axis in range(3):
        padded = np.pad(around, [(int(axis == other), int(axis == other)) for other in range(3)])
        first, middle, last = (np.take(padded, np.arange(cells.shape[axis]) + by, axis) for by in range(3))
        around = first + middle + last
    return float((count * around).sum())


def _cell_shape(y: np.ndarray, side: float) -> tuple[tuple[int, int, int], float]:
    """How many cells of at least this side hold points [n, 3], and their side."""
    extent = np.ptp(y, axis=0).astype(np.float64)
    while True:
        shape = np.floor(extent / side) + 1
        if shape.prod() <= _MOST_CELLS:
            return (int(shape[0]), int(shape[1]), int(shape[2])), side
        side *= 1.25


def add_remainder(cells: Cells, reach: float, kernel: Kernel, result: np.ndarray, threads: Threads) -> None:
    """Add what `Kernel.smooth` leaves out of the kernels of the others: value and gradient, to [n, 4] in the order of
    the cells.

    Args:
        reach: at most the side of the cells.
    """
    square, coefficients = np.float32(reach**2), kernel.taylor(reach).astype(np.float32)
    shape = np.array(cells.shape)
    arguments = cells.y, cells.start, shape, square, coefficients, kernel.constants, result
    threads.over(len(cells.start) - 1, _add_remainder, *arguments, parts=8)


@compiled
def _sort(y, low, scale, shape, order, start, sorted_y):
    """Counting sort."""
    n = len(y)
    cell = np.empty(n, np.int64)
    for i in range(n):
        place = 0
        for axis in range(3):
            along = int((y[i, axis] - low[axis]) * scale)
            place = place * shape[axis] + min(along, shape[axis] - 1)
        cell[i] = place
        start[place + 1] += 1
    for place in range(len(start) - 1):
        start[place + 1] += start[place]
    following = start[:-1].copy()
    for i in range(n):
        at = following[cell[i]]
        following[cell[i]] += 1
        order[at] = i
        for axis in range(3):
            sorted_y[axis, at] = y[i, axis]


@compiled
def _add_remainder(y, start, shape, square, coefficients, kernel, result, low, high):
    """For the points of cells low..high. The points around a cell are copied together first: one long loop is fast."""
    n1, n2 = shape[1], shape[2]
    near = np.empty((3, 1024), np.float32)
    for cell in range(low, high):
        if start[cell] == start[cell + 1]:
            continue
        c0, c1, c2 = cell // (n1 * n2), cell // n2 % n1, cell % n2
        count, own = 0, 0
        for d0 in range(max(c0 - 1, 0), min(c0 + 1, shape[0] - 1) + 1):
            for d1 in range(max(c1 - 1, 0), min(c1 + 1, n1 - 1) + 1):
                row = (d0 * n1 + d1) * n2
                a, b = start[row + max(c2 - 1, 0)], start[row + min(c2 + 1, n2 - 1) + 1]
                if count + b - a > near.shape[1]:
                    longer = np.empty((3, 2 * (count + b - a)), np.float32)
                    _copy(near, 0, count, longer, 0)
                    near = longer
                _copy(y, a, b, near, count)
                if d0 == c0 and d1 == c1:
                    own = count + start[cell] - a
                count += b - a
        _sum_remainder(near, count, own, y, square, coefficients, kernel, result, start[cell], start[cell + 1])


@compiled
def _copy(source, low, high, target, at):
    """Columns low..high of [3, n]; an assignment of slices would take seconds to compile."""
    for axis in range(3):
        for k in range(high - low):
            target[axis, at + k] = source[axis, low + k]


@compiled
def _sum_remainder(near, count, own, y, square, coefficients, kernel, result, low, high):
    """The points themselves are among those near, from `own` on."""
    p, q, r = near[0], near[1], near[2]  # of whole rows, so that they are known to be contiguous: 25 times as fast
    k0, k1, k2, k3 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    c0, c1, c2, c3, c4 = kernel[0], kernel[1], kernel[2], kernel[3], kernel[4]
    zero, two, three = np.float32(0), np.float32(2), np.float32(3)
    for i in range(low, high):
        y0, y1, y2 = y[0, i], y[1, i], y[2, i]
        total, g0, g1, g2 = zero, zero, zero, zero
        for side in range(2):
            first, last = (own + i - low + 1, count) if side else (0, own + i - low)
            for j in range(first, last):
                d0, d1, d2 = y0 - p[j], y1 - q[j], y2 - r[j]
                apart = d0 * d0 + d1 * d1 + d2 * d2
                value, slope = value_and_slope(apart, c0, c1, c2, c3, c4)
                t = square - apart
                inside = ONE if t > 0 else zero
                total += inside * (value - (k0 + t * (k1 + t * (k2 + t * k3))))
                slope = inside * (slope - two * (k1 + t * (two * k2 + t * (three * k3))))
                g0 += slope * d0
                g1 += slope * d1
                g2 += slope * d2
        result[i, 0] += total
        result[i, 1] -= g0
        result[i, 2] -= g1
        result[i, 3] -= g2
