"""The nearest neighbours of every point: exactly where that is quick, else by nearest neighbour descent."""

from __future__ import annotations

from threading import Lock

import numba
import numpy as np
import torch

from unalter.support.parallel import torch_threads
from unalter.tsne.caches import mended_caches
from unalter.tsne.loops import Threads, compiled

_EXACT = 200_000
"""Up to so many points all distances are worked out: products of matrices are fast, what is kept of them is little."""
_ROWS, _COLUMNS = 256, 2_048
"""Of a block of distances: it stays in the processor's cache."""
_FAR = np.finfo(np.float32).max
"""Compiled loops take numbers to be finite."""
_PAIRS = 2**24
"""Distances that a device holds at once."""
_CHUNK = 32
"""Distances that are compared with the largest one kept at once."""
_CANCELLED = 2e-5
"""A squared distance so much smaller than that to the middle of the data is right to 1% where it comes from products in
float32, a smaller one less so; there neighbours are searched for again."""
_VANISHED = 1e-30
"""As is one of a point that is so near the middle."""
_MOST = 1_000
"""The exponent of the largest power of two that numbers are multiplied with: a little more would be infinity."""
_SEEN = 2_000
"""Points that say where the middle of the data is, and how many are converted at once."""

_one_at_a_time = Lock()
"""Of numba's own threads: some of its kinds end the process when two use them at once."""


def nearest(
    x: np.ndarray,
    count: int,
    threads: Threads,
    seed: int = 0,
    device: str = "cpu",
    queries: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other points of each point, nearest first; of points that are as near, any.

    On the processor up to 200,000 points exactly, at any scale: candidates come from products of float32, and where
    those are too coarse from differences in float64. Beyond by nearest neighbour descent (Dong et al. 2011), which
    finds about 99 of 100. On a device always exactly.

    Args:
        x: float32 or float64 [n, d], finite.
        count: neighbours of each, at most n - 1, of queries n.
        seed: of the approximate search.
        device: torch's; "cpu" stands for compiled loops.
        queries: [m, d], whose neighbours in x are looked for, exactly and on the processor; None: those of x itself.

    Returns:
        int32 [n or m, count], never the point itself, and squared Euclidean distances, float32 [n or m, count]: each
        row in units of its largest, so that none is too small or too large for float32.
    """
    x = np.ascontiguousarray(x)
    near, unit, middle = _small(x)
    if queries is None:
        of, small, own = x, near, np.arange(len(x))
    else:
        of, own = np.ascontiguousarray(queries, x.dtype), np.arange(len(x), len(x) + len(queries))
        small = _converted(of, unit, middle)
    if device != "cpu" and queries is None:
        kept = _exact_on(device, near, count)
    elif len(x) <= _EXACT or queries is not None:
        kept = _exact(small, near, own, count, threads)
    else:
        kept = _approximate(near, count, threads, seed)
    squares = np.empty(kept.shape, np.float32)
    farthest = np.empty(len(of))
    threads.over(len(of), _measure, of, x, unit, kept, squares, farthest)
    lengths = np.square(small).sum(1, dtype=np.float64)
    coarse = (farthest > 0) & ((farthest < _CANCELLED * lengths) | (lengths < _VANISHED))
    again = np.flatnonzero(coarse) if len(x) <= _EXACT else np.empty(0, np.int64)
    if len(again):
        threads.over(len(again), _search_again, of, x, unit, own, again, farthest, kept, squares, parts=4)
        threads.over(len(of), _measure, of, x, unit, kept, squares, farthest)
    order = squares.argsort(1, kind="stable")
    return np.take_along_axis(kept, order, 1), np.take_along_axis(squares, order, 1)


def comparable(x: np.ndarray) -> np.ndarray:
    """x as float32 about the middle of the data, the largest number near 1, whatever the units."""
    return _small(x)[0]


def _small(x: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """See `comparable`; also what numbers are multiplied with before, and what is taken off then."""
    largest = max(abs(float(x.max())), abs(float(x.min())))
    if not np.isfinite(largest):  # scikit-learn may have been told not to look
        raise ValueError("X contains NaN or infinity")
    unit = _unit(largest)
    seen = x[:: -(-len(x) // _SEEN)].astype(np.float64) * unit
    middle = np.median(
        seen, axis=0
    )  # a mean would be drawn away by an outlier, and rounding is about the distance to it
    result = _converted(x, unit, middle)
    more = min(_unit(float(np.abs(result).max())), 2.0**_MOST / unit)
    result *= np.float32(more)
    return result, unit * more, middle * more


def _unit(largest: float) -> float:
    """A power of two, so that nothing is lost, after which numbers are near 1."""
    return 2.0 ** -max(int(np.frexp(largest)[1]), -_MOST) if largest > 0 else 1.0


def _converted(x: np.ndarray, unit: float, middle: np.ndarray) -> np.ndarray:
    result = np.empty(x.shape, np.float32)
    for start in range(0, len(x), _SEEN):  # in parts: float64 of all of it might not fit
        result[start : start + _SEEN] = x[start : start + _SEEN] * unit - middle
    return result


def _exact(of: np.ndarray, x: np.ndarray, own: np.ndarray, count: int, threads: Threads) -> np.ndarray:
    """Of points [m, d] among x [n, d], for each without row own [m] of x, where there is one."""
    queries, points = torch.from_numpy(of), torch.from_numpy(x)
    half = points.square().sum(1) / 2
    kept = np.empty((len(of), count), np.int32)

    def search(low: int, high: int) -> None:
        """For blocks low..high of rows."""
        block = torch.empty(_ROWS, min(_COLUMNS, len(x)))
        for start in range(low * _ROWS, min(high * _ROWS, len(of)), _ROWS):
            part = queries[start : start + _ROWS]
            rows, largest = kept[start : start + _ROWS], np.full((len(part), count), _FAR, np.float32)
            for first in range(0, len(x), _COLUMNS):
                others = slice(first, first + _COLUMNS)
                # half the squared distance, less what is the same for the whole row
                width = len(half[others])
                torch.addmm(half[others], part, points[others].T, alpha=-1, out=block[: len(part), :width])
                _keep(block.numpy(), width, first, own[start : start + _ROWS], rows, largest, 0, len(part))

    with torch_threads(1):  # threads of both kinds would wait for one another
        threads.over(-(-len(of) // _ROWS), search, parts=4)
    return kept


def _exact_on(device: str, x: np.ndarray, count: int) -> np.ndarray:
    points = torch.from_numpy(x).to(device)
    half = points.square().sum(1) / 2
    step, rows = max(1, _PAIRS // len(x)), []
    for start in range(0, len(x), step):
        distance = torch.addmm(half, points[start : start + step], points.T, alpha=-1)
        distance.diagonal(start).fill_(torch.inf)  # the point itself
        rows.append(distance.topk(count, 1, largest=False).indices.int())
    return torch.cat(rows).cpu().numpy()


_one_at_a_time = Lock()
"""Some of numba's own threads end the process when two fits meet in them."""


def _approximate(x: np.ndarray, count: int, threads: Threads, seed: int) -> np.ndarray:
    with _one_at_a_time:
        with mended_caches():
            from pynndescent import NNDescent  # slow to import
        before = numba.get_num_threads()
        jobs = min(threads.count, before)  # what the caller allows
        try:
            index = NNDescent(
                x, n_neighbors=count + 1, random_state=seed, n_jobs=jobs, low_memory=True, max_candidates=60
            )
        finally:
            numba.set_num_threads(before)
    found = np.asarray(index.neighbor_graph[0])  # pyright: ignore[reportOptionalSubscript]
    own = found == np.arange(len(x))[:, None]
    own[:, -1] |= ~own.any(1)  # where the point is not its own neighbour, the farthest goes
    found = found[~own].reshape(len(x), count).astype(np.int32)
    lacking = np.flatnonzero((found < 0).any(1))
    if len(lacking):  # it found fewer of some, and says -1
        found[lacking] = _exact(x[lacking], x, lacking, count, threads)
    return found


@compiled
def _keep(distances, width, first, own, rows, values, low, high):
    """Replace what is farther than something new; values are heaps, the largest on top.

    Of those that are as far as the farthest one kept a random choice stays: were it the first ones, all of many equal
    points would be the neighbours of the same few.
    """
    for i in range(low, high):
        line, point = distances[i], own[i]
        kept, value = rows[i], values[i]
        for chunk in range(0, width, _CHUNK):
            end = min(chunk + _CHUNK, width)
            least = _FAR
            for j in range(chunk, end):
                least = min(least, line[j])
            if least > value[0]:
                continue
            for j in range(chunk, end):
                if first + j != point and _before(point, line[j], first + j, value[0], kept[0]):
                    _replace_largest(point, value, kept, line[j], first + j)


@compiled
def _replace_largest(point, value, kept, new, row):
    at, size = 0, len(value)
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _before(point, value[child], kept[child], value[child + 1], kept[child + 1]):
            child += 1
        if not _before(point, new, row, value[child], kept[child]):
            break
        value[at], kept[at] = value[child], kept[child]
        at = child
    value[at], kept[at] = new, row


@compiled
def _before(point, value, row, other_value, other_row):
    """Whether a row is nearer to a point than another one is, or as near and drawn before it."""
    return value < other_value or (value == other_value and _draw(point, row) < _draw(point, other_row))


@compiled
def _draw(point, row):
    """A random number that belongs to two points (the end of splitmix64)."""
    z = np.uint64(point) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(row) * np.uint64(0xD1B54A32D192ED03)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def _square(of, i, x, j, unit):
    """The squared distance itself, without the cancellation of large numbers."""
    total = 0.0
    for d in range(x.shape[1]):
        difference = of[i, d] * unit - x[j, d] * unit
        total += difference * difference
    return total


@compiled
def _measure(of, x, unit, kept, squares, farthest, low, high):
    """The squared distances in units of the farthest, and that one."""
    each = np.empty(kept.shape[1])
    for i in range(low, high):
        most = 0.0
        for k in range(len(each)):
            each[k] = _square(of, i, x, kept[i, k], unit)
            most = max(most, each[k])
        farthest[i] = most
        for k in range(len(each)):
            squares[i, k] = each[k] / most if most > 0 else 0.0


@compiled
def _search_again(of, x, unit, own, again, farthest, kept, squares, low, high):
    """For points again[low..high], in units of the farthest that was kept: what is nearer lies below 1."""
    line = np.empty((1, len(x)), np.float32)
    for at in range(low, high):
        i = again[at]
        for j in range(len(x)):
            line[0, j] = min(_square(of, i, x, j, unit) / farthest[i], 4.0)
        for k in range(kept.shape[1]):
            squares[i, k] = _FAR
        _keep(line, len(x), 0, own[i : i + 1], kept[i : i + 1], squares[i : i + 1], 0, 1)
