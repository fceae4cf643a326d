"""What drives the points of a map apart.

With a kernel K (see `unalter.tsne.kernels`) and the field of the others, phi(y_i) = sum_j K(|y_i - y_j|) over j != i,
the normaliser of the map's similarities is Z = sum_i phi(y_i), and the repulsive force is -dof / (2 power)
grad phi / Z, after Delchevalerie et al. (2021), who have it for one degree of freedom. So one scalar field is all that
is needed: summed over all pairs where they are few, else by particle mesh, its short range summed over near pairs
(P3M, Hockney and Eastwood 1988). A point's own K(0) = 1 never comes into sums over pairs: where few points lie far
apart, nothing would be left of the others beside it.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from unalter.tsne.cells import add_remainder, count_pairs, sort_into_cells
from unalter.tsne.grid import Grid
from unalter.tsne.kernels import Kernel, value_and_slope
from unalter.tsne.loops import Threads, compiled

FEW = 6_000
"""Up to so many points all pairs are summed: as fast as a grid, and exact."""
_SPACING = 0.4
"""Of a grid without short range. The kernel's own width is 1, whatever the data."""
_LEAST_NODES = 12
_REACHES = (0.0, *(1.5 * 2 ** (k / 2) for k in range(62)))
"""How far the short range may reach, none to begin with; a map may be as wide as a start can be (see `start`),"""
NODES_PER_REACH = 2.75
"""with so many nodes of the grid along it: the same relative error for all of them."""
_NODE_COST, _PAIR_COST = 45.0, 0.2
"""Nanoseconds."""
TINY = 0.15
"""A map of this extent has its field from a polynomial: on a grid, float32 would make noise of its differences."""


class Repulsion:
    """The repulsive forces on points that move; relative error below 1% (see tests), below 0.1% in Z.

    Args:
        kernel: of the map's similarities.
        threads: that the work is shared among.
        few: up to so many points all pairs are summed.
    """

    def __init__(self, kernel: Kernel, threads: Threads, few: int = FEW) -> None:
        self._kernel, self._threads, self._few = kernel, threads, few
        self._grid: Grid | None = None
        self._choice = 0

    def __call__(self, y: np.ndarray, z: float | None = None) -> tuple[np.ndarray, float]:
        """The forces on points float32 [n, 3], float32 [n, 3], and Z, which is this kernel's where none is given."""
        field = self.field(y)
        z = float(field[:, 0].sum(dtype=np.float64)) if z is None else z
        return field[:, 1:] * np.float32(self._kernel.force_scale / z), z

    def field(self, y: np.ndarray) -> np.ndarray:
        """phi and its gradient at points float32 [n, 3]: float32 [n, 4]."""
        if len(y) <= self._few:
            return exact_field(y, self._kernel, self._threads)
        extent = np.ptp(y, axis=0).astype(np.float64)
        if extent.max() < TINY:
            return tiny_field(y, self._kernel)
        if self._grid is None or not self._grid.fits(extent):
            self._choice = _cheapest(y, extent, self._choice)
            reach = _REACHES[self._choice]
            self._grid = Grid(partial(self._kernel.smooth, reach=reach), spacing(reach, extent), extent)
        reach = _REACHES[self._choice]
        cells = sort_into_cells(y, reach or 2 * _SPACING)
        result = self._grid.field(cells.y.T.copy(), self._threads)
        if reach:
            add_remainder(cells, reach, self._kernel, result, self._threads)
        result[:, 0] -= np.float32(self._kernel.smooth(np.zeros(1), reach)[0])  # the point's own
        field = np.empty_like(result)
        field[cells.order] = result
        return field


def spacing(reach: float, extent: np.ndarray) -> float:
    """Of the grid; a few nodes at the least where all points lie within the kernel's width."""
    return reach / NODES_PER_REACH if reach else min(_SPACING, max(extent.max() / _LEAST_NODES, 1e-9))


def _cheapest(y: np.ndarray, extent: np.ndarray, choice: int) -> int:
    """Which of the reaches costs the least, looked for downhill from one choice."""
    costs: dict[int, float] = {}
    while True:
        for at in range(max(choice - 1, 0), min(choice + 2, len(_REACHES))):
            costs[at] = costs[at] if at in costs else _cost(y, extent, _REACHES[at])
        best = min(costs, key=lambda at: costs[at])
        if best == choice:
            return choice
        choice = best


def _cost(y: np.ndarray, extent: np.ndarray, reach: float) -> float:
    """Nanoseconds that a field takes, about; what does not depend on the reach left out."""
    by_nodes = float(np.prod(extent / spacing(reach, extent) + 5)) * _NODE_COST
    if not reach or by_nodes > len(y) ** 2 * _PAIR_COST:  # no need to count: all pairs would cost less
        return by_nodes
    return by_nodes + count_pairs(y, reach) * _PAIR_COST


def tiny_field(y: np.ndarray, kernel: Kernel) -> np.ndarray:
    """phi of the others and its gradient at points [n, 3] much nearer than the kernel is wide: float32 [n, 4].

    There K(r) = 1 - a r^2 + b r^4, the rest below r^6, and the sums over all pairs are polynomials in each point's
    coordinates, whose coefficients are sums over the points.
    """
    y = y.astype(np.float64)
    y -= y.mean(0)
    a = kernel.power / kernel.dof
    b = kernel.power * (kernel.power + 1) / (2 * kernel.dof**2)
    squares = np.square(y).sum(1)
    total, third = squares.sum(), squares @ y
    spread = y @ (y.T @ y)
    by_square = len(y) * squares + total  # sum_j |y_i - y_j|^2, and to the fourth
    by_fourth = (by_square + total) * squares + 4 * ((spread - third) * y).sum(1) + np.square(squares).sum()
    slope = (2 * b * by_square - a * len(y))[:, None] * y + 4 * b * (spread - third / 2)
    return np.column_stack([len(y) - 1 - a * by_square + b * by_fourth, 2 * slope]).astype(np.float32)


def exact_field(y: np.ndarray, kernel: Kernel, threads: Threads, sources: np.ndarray | None = None) -> np.ndarray:
    """phi and its gradient at points float32 [n, 3], summed over all pairs: float32 [n, 4].

    Args:
        sources: float32 [m, 3], whose field it is; None: for each point it is that of the others.
    """
    result = np.empty((len(y), 4), np.float32)
    own = 0 if sources is None else len(sources)
    around = np.ascontiguousarray((y if sources is None else sources).T)
    threads.over(len(y), _all_pairs, y, around, own, kernel.constants, result)
    return result


@compiled
def _all_pairs(y, sources, own, kernel, result, low, high):
    """Without source `own` + i for point i, where there is one."""
    p, q, r = sources[0], sources[1], sources[2]
    c0, c1, c2, c3, c4 = kernel[0], kernel[1], kernel[2], kernel[3], kernel[4]
    zero = np.float32(0)
    for i in range(low, high):
        y0, y1, y2 = y[i, 0], y[i, 1], y[i, 2]
        total, g0, g1, g2 = zero, zero, zero, zero
        for side in range(2):
            first = min(own + i + 1, len(p)) if side else 0
            last = len(p) if side else min(own + i, len(p))
            for j in range(first, last):
                d0, d1, d2 = y0 - p[j], y1 - q[j], y2 - r[j]
                value, slope = value_and_slope(d0 * d0 + d1 * d1 + d2 * d2, c0, c1, c2, c3, c4)
                total += value
                g0 += slope * d0
                g1 += slope * d1
                g2 += slope * d2
        result[i, 0], result[i, 1], result[i, 2], result[i, 3] = total, -g0, -g1, -g2
