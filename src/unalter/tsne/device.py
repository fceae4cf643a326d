"""What a map needs, in torch: for GPUs, where all of it stays until the map is made.

Repulsion is summed over all pairs, block by block, while that is quick; beyond, it comes off a grid as fine as the
kernel asks for, without short range (see `unalter.tsne.grid`): its transforms are what a GPU is good at. Forces are
within 2% then, Z within 0.1% (tested).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from unalter.support.device import widest_float
from unalter.support.late import OnItsWay
from unalter.tsne.descent import LEAST_GAIN, LONGEST_STEP, calming
from unalter.tsne.divergence import EXACT
from unalter.tsne.grid import Grid
from unalter.tsne.kernels import NEAR, Kernel
from unalter.tsne.repulsion import NODES_PER_REACH, TINY, spacing, tiny_field

_FEW = 10_000
"""Up to so many points all pairs are summed: beyond, the grid moves less memory."""
_FINER = 0.75
"""Nodes are so much nearer than a grid with a short range beside it would have them at the most."""
_NODES = 2**27
"""Of a grid, at the most: with what its transform needs some 10 GiB."""
_POINTS = 2**18
"""Points that are spread on the grid, or read off it, at once: each has 64 nodes around."""
_BLOCK = 2**24
"""Pairs, numbers of neighbours' coordinates and the like that are held at once."""


class DeviceForces:
    """The forces on the points of a map, on a torch device; see `unalter.tsne.descent.Forces`.

    Args:
        p: joint probabilities [n, n].
        kernel: `PLANE` or `SPACE`.
        device: for torch.
        few: up to so many points all pairs are summed.
    """

    def __init__(self, p: sp.csr_matrix, kernel: Kernel, device: str, few: int = _FEW) -> None:
        self._kernel, self._device, self._few = kernel, device, few
        first, n = p.indptr.astype(np.int64), len(p.indptr) - 1
        self._lengths = torch.from_numpy(np.diff(first)).to(device)
        each = max(1, int(_BLOCK / 8 / max(p.nnz / n, 1)))
        bounds = [(low, min(low + each, n)) for low in range(0, n, each)]
        self._blocks = [(low, high, int(first[low]), int(first[high])) for low, high in bounds]
        """Points whose edges are held at once, and which edges these are; on the processor, so that no one waits."""
        self._neighbour = torch.from_numpy(p.indices.astype(np.int64)).to(device)
        self._p = torch.from_numpy(np.asarray(p.data, np.float32)).to(device)
        calm = calming(p)
        self._calming = None if calm is None else torch.from_numpy(calm).to(device)
        self._grids: dict[Kernel, DeviceGrid] = {}
        self._extents: dict[Kernel, OnItsWay] = {}

    def place(self, y: np.ndarray) -> Tensor:
        """The points where the forces are worked out."""
        return torch.from_numpy(np.array(y, np.float32)).to(self._device)

    def fetch(self, y: Tensor) -> np.ndarray:
        """A copy of the points that anybody can read."""
        return np.array(y.cpu().numpy())

    def repulsion(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """The repulsive forces on points [n, 3], and Z, which stays on the device too."""
        field = self._field(y, self._kernel, self._few)
        z = field[:, 0].sum(dtype=widest_float(y.device))
        return field[:, 1:] * (self._kernel.force_scale / z), z

    def attraction(self, y: Tensor) -> Tensor:
        """sum_j p_ij (y_j - y_i) / (1 + |y_i - y_j|^2 / dof): [n, 3]."""
        return self._attraction(y, Kernel(self._kernel.dof, 1.0))

    def near(self, y: Tensor, z: Tensor | float) -> Tensor:
        """The sum of forces that both are multiplied with K in place of 1 / (1 + d^2 / dof), for a given Z."""
        field = self._field(y, NEAR, self._few)
        return field[:, 1:] * (NEAR.force_scale / z) + self._attraction(y, self._kernel)

    def _attraction(self, y: Tensor, weight: Kernel) -> Tensor:
        parts = []
        for low, high, a, b in self._blocks:
            away, square = self._edges(y, low, high, a, b)
            force = away * (self._p[a:b] / (1 + square / weight.dof) ** weight.power)[:, None]
            # unsafe: the lengths are right; to see that they are would keep the device waiting
            parts.append(torch.segment_reduce(force, "sum", lengths=self._lengths[low:high], axis=0, unsafe=True))
        return torch.cat(parts)

    def normaliser(self, y: Tensor) -> Tensor:
        """Z, up to 120,000 points summed over all pairs."""
        return self._field(y, self._kernel, EXACT)[:, 0].sum(dtype=widest_float(y.device))

    def divergence(self, y: Tensor, z: Tensor | float) -> float:
        """KL(P || Q), with a Z that is known."""
        total = torch.zeros((), dtype=widest_float(y.device), device=y.device)
        for low, high, a, b in self._blocks:
            _, square = self._edges(y, low, high, a, b)
            p = self._p[a:b].to(total.dtype)
            apart = torch.log1p(square.to(total.dtype) / self._kernel.dof)
            total += (torch.special.xlogy(p, p) + self._kernel.power * p * apart).sum()
        return float(total) + float(np.log(float(z)))

    def norm(self, force: Tensor) -> float:
        """Of forces on all points."""
        return float(force.norm())

    def step(self, y: Tensor, velocity: Tensor, gains: Tensor, force: Tensor, rate: float, momentum: float) -> None:
        """Move the points by a step of gradient descent with momentum and gains."""
        force = force if self._calming is None else force * self._calming
        gains.copy_(torch.where(force * velocity > 0, gains + 0.2, (gains * 0.8).clamp_min(float(LEAST_GAIN))))
        velocity.mul_(momentum).add_(gains * force, alpha=rate)
        velocity.mul_((float(LONGEST_STEP) / velocity.norm(dim=1, keepdim=True).clamp_min(1e-15)).clamp(max=1))
        y.add_(velocity).sub_(y.mean(0))

    def _edges(self, y: Tensor, low: int, high: int, a: int, b: int) -> tuple[Tensor, Tensor]:
        """Of the points low..high, whose edges are a..b: the way to each neighbour, and its square."""
        own = y[low:high].repeat_interleave(self._lengths[low:high], 0, output_size=b - a)
        away = y[self._neighbour[a:b]] - own
        return away, away.square().sum(1)

    def _field(self, y: Tensor, kernel: Kernel, few: int) -> Tensor:
        if len(y) <= few:
            return exact_field(y, kernel)
        # how far the points reach is read an iteration late, so that the device need not be waited for
        now = OnItsWay(y.amax(0) - y.amin(0))
        extent = self._extents.get(kernel, now).read().numpy().astype(np.float64)
        self._extents[kernel] = now
        if extent.max() < TINY:
            return self.place(tiny_field(self.fetch(y), kernel))
        if kernel not in self._grids or not self._grids[kernel].fits(extent):
            self._grids.pop(kernel, None)  # there may not be room for two
            self._grids[kernel] = _grid(kernel, extent, self._device)
        field = self._grids[kernel].field_of(y)
        field[:, 0] -= self._grids[kernel].own
        return field


def _grid(kernel: Kernel, extent: np.ndarray, device: str) -> DeviceGrid:
    """A grid fine enough for a kernel; about a map that is too wide for the memory as fine as there is room for."""
    fine = _FINER * spacing(0.0, extent)
    wide = extent[extent > 0]
    coarse = float((np.prod(wide) / _NODES) ** (1 / max(len(wide), 1)))
    if coarse <= fine:
        return DeviceGrid(kernel, 0.0, fine, extent, device)
    return DeviceGrid(kernel, coarse * NODES_PER_REACH, coarse, extent, device)


class DeviceGrid(Grid):
    """A grid on a torch device, made there."""

    def __init__(self, kernel: Kernel, reach: float, spacing: float, extent: np.ndarray, device: str) -> None:
        self._device = device
        super().__init__(partial(_smooth, kernel, reach), spacing, extent)
        self._middle = ((torch.tensor(self.shape) - 1) / 2 * spacing).to(device, non_blocking=True)
        self.own = float(_smooth(kernel, reach, torch.zeros(())))
        """What a point's own kernel adds to its field."""

    def _transformed(self, kernel: Callable[[Tensor], Tensor]) -> Tensor:
        """See `unalter.tsne.grid`: a cosine transform is the Fourier transform of what is mirrored."""
        kind: Any = {"dtype": widest_float(torch.device(self._device)), "device": self._device}
        squares, splines, mirrored = [], [], []
        for nodes in self.shape:
            half = torch.arange(1 if nodes == 1 else nodes + 1, **kind)
            squares.append((half * self.spacing) ** 2)
            splines.append(((2 + (half * (np.pi / nodes)).cos()) / 3) ** 2 if nodes > 1 else torch.ones(1, **kind))
            steps = torch.arange(len(half), device=self._device)
            mirrored.append(torch.cat([steps, steps[1:-1].flip(0)]))
        waves = kernel(squares[0][:, None, None] + squares[1][:, None] + squares[2])
        for axis, nodes in enumerate(self.shape):
            if nodes > 1:
                waves = torch.fft.rfft(waves.index_select(axis, mirrored[axis]), dim=axis).real
        waves = waves / (splines[0][:, None, None] * splines[1][:, None] * splines[2])
        return waves.float().index_select(0, mirrored[0]).index_select(1, mirrored[1])

    def field_of(self, y: Tensor) -> Tensor:
        """See `Grid.field`: points [n, 3] to value and gradient [n, 4]. Who left the grid counts as on its border."""
        u = (y - (y.amin(0) + y.amax(0)) / 2 + self._middle) / self.spacing
        parts = u.split(_POINTS)
        grid = torch.zeros(int(np.prod(self.shape)), device=y.device)
        for part in parts:
            at, weights, _ = self._around(part)
            grid.index_add_(0, at.flatten(), (weights[0][:, :, None, None] * _product(*weights[1:])).flatten())
        values = self._convolved(grid.reshape(self.shape)).flatten()
        return torch.cat([self._read(values, part) for part in parts])

    def _read(self, values: Tensor, u: Tensor) -> Tensor:
        at, (first, second, third), slopes = self._around(u)
        seen = values[at]
        along = torch.einsum("nabc,nc->nab", seen, third)  # what three of the four have in common is made once
        across = torch.einsum("nabc,nc->nab", seen, slopes[2])
        value = torch.einsum("nab,nb->na", along, second)
        ways = [(value * first), (value * slopes[0]), torch.einsum("nab,nb->na", along, slopes[1]) * first]
        ways.append(torch.einsum("nab,nb->na", across, second) * first)
        return torch.stack(ways, 1).sum(2)

    def _around(self, u: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Of points [n, 3] in nodes: those around, int64 [n, 4, 4, 4], spline weights and slopes along each axis."""
        places, weights, slopes = [], [], []
        for axis, nodes in enumerate(self.shape):
            if nodes == 1:
                places.append(torch.zeros(len(u), 1, dtype=torch.int64, device=u.device))
                weights.append(torch.ones_like(u[:, :1]))
                slopes.append(torch.zeros_like(u[:, :1]))
                continue
            along = u[:, axis].clamp(1, nodes - 3)
            node = along.floor()
            w, dw = _splines(along - node)
            places.append(node.long()[:, None] + torch.arange(-1, 3, device=u.device))
            weights.append(w)
            slopes.append(dw / self.spacing)
        at = (places[0][:, :, None, None] * self.shape[1] + places[1][:, None, :, None]) * self.shape[2]
        return at + places[2][:, None, None], weights, slopes


def _smooth(kernel: Kernel, reach: float, squares: Tensor) -> Tensor:
    """`Kernel.smooth` on a device."""
    value = (1 + squares / kernel.dof) ** -kernel.power
    if not reach:
        return value
    inside, polynomial = reach**2 - squares, torch.zeros_like(squares)
    for coefficient in reversed(kernel.taylor(reach).tolist()):
        polynomial = polynomial * inside + coefficient
    return torch.where(inside > 0, polynomial, value)


def _product(second: Tensor, third: Tensor) -> Tensor:
    return (second[:, :, None] * third[:, None])[:, None]


def exact_field(y: Tensor, kernel: Kernel) -> Tensor:
    """phi of the others and its gradient at points [n, 3], summed over all pairs: [n, 4]."""
    parts, step = [], max(1, _BLOCK // len(y))
    for start in range(0, len(y), step):
        part = y[start : start + step]
        away = part[:, None] - y
        base = 1 / (1 + away.square().sum(2) / kernel.dof)
        base.diagonal(start).zero_()
        value = base**kernel.power
        slope = value * base / kernel.force_scale
        parts.append(torch.cat([value.sum(1, keepdim=True), torch.einsum("ij,ijk->ik", slope, away)], 1))
    return torch.cat(parts)


def _splines(t: Tensor) -> tuple[Tensor, Tensor]:
    """Cubic B-spline weights of the four nodes around, and their derivatives, for t [n] in 0..1: [n, 4] each."""
    s = 1 - t
    weights = [s**3 / 6, 2 / 3 - t * t * (1 - t / 2), 2 / 3 - s * s * (1 - s / 2), t**3 / 6]
    slopes = [-s * s / 2, -t * (2 - 1.5 * t), s * (2 - 1.5 * s), t * t / 2]
    return torch.stack(weights, 1), torch.stack(slopes, 1)
