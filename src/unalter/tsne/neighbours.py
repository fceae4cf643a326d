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

_one_at_a_time = Lock()
"""Of numba's own threads: some of its kinds end the process when two use them at once."""


def nearest(
    x: np.ndarray, count: int, threads: Threads, seed: int = 0, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other points of each point, nearest first.

    On the processor up to 200,000 points exactly; beyond by nearest neighbour descent (Dong et al. 2011), which finds
    about 99 of 100. On a device always exactly.

    Args:
        x: float32 [n, d].
        count: neighbours of each, at most n - 1.
        seed: of the approximate search.
        device: torch's; "cpu" stands for compiled loops.

    Returns:
        int32 [n, count], never the point itself, and squared Euclidean distances float32 [n, count].
    """
    centred = np.ascontiguousarray(x - x.mean(0), np.float32)
    if device != "cpu":
        return _exact_on(device, centred, count)
    candidates = _exact(centred, count, threads) if len(x) <= _EXACT else _approximate(centred, count, threads, seed)
    squares = np.empty(candidates.shape, np.float32)
    threads.over(len(x), _measure, centred, candidates, squares)
    order = squares.argsort(1, kind="stable")
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(squares, order, 1)


def _exact(x: np.ndarray, count: int, threads: Threads) -> np.ndarray:
    points = torch.from_numpy(x)
    half = points.square().sum(1) / 2
    kept = np.empty((len(x), count), np.int32)

    def search(low: int, high: int) -> None:
        """For blocks low..high of rows."""
        block = torch.empty(_ROWS, min(_COLUMNS, len(x)))
        for start in range(low * _ROWS, min(high * _ROWS, len(x)), _ROWS):
            part = points[start : start + _ROWS]
            rows, largest = kept[start : start + _ROWS], np.full((len(part), count), _FAR, np.float32)
            for first in range(0, len(x), _COLUMNS):
                others = slice(first, first + _COLUMNS)
                # half the squared distance, less what is the same for the whole row
                width = len(half[others])
                torch.addmm(half[others], part, points[others].T, alpha=-1, out=block[: len(part), :width])
                _keep(block.numpy(), width, start, first, rows, largest, 0, len(part))

    with torch_threads(1):  # threads of both kinds would wait for one another
        threads.over(-(-len(x) // _ROWS), search, parts=4)
    return kept


def _exact_on(device: str, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    points = torch.from_numpy(x).to(device)
    half = points.square().sum(1) / 2
    rows, squares = [], []
    step = max(1, _PAIRS // max(len(x), count * x.shape[1]))
    for start in range(0, len(x), step):
        part = points[start : start + step]
        distance = torch.addmm(half, part, points.T, alpha=-1)
        distance.diagonal(start).fill_(torch.inf)  # the point itself
        near = distance.topk(count, 1, largest=False).indices
        exact = (part[:, None] - points[near]).square().sum(2)
        exact, order = exact.sort(dim=1, stable=True)
        rows.append(near.gather(1, order).int())
        squares.append(exact)
    return torch.cat(rows).cpu().numpy(), torch.cat(squares).cpu().numpy()


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
    return found[~own].reshape(len(x), count).astype(np.int32)


@compiled
def _keep(distances, width, start, first, rows, values, low, high):
    """Replace what is farther than something new; values are heaps, the largest on top."""
    for i in range(low, high):
        line, own = distances[i], start + i - first
        kept, value = rows[i], values[i]
        for chunk in range(0, width, _CHUNK):
            end = min(chunk + _CHUNK, width)
            least = _FAR
            for j in range(chunk, end):
                least = min(least, line[j])
            if least >= value[0]:
                continue
            for j in range(chunk, end):
                if line[j] < value[0] and j != own:
                    _replace_largest(value, kept, line[j], first + j)


@compiled
def _replace_largest(value, kept, new, row):
    at, size = 0, len(value)
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and value[child + 1] > value[child]:
            child += 1
        if value[child] <= new:
            break
        value[at], kept[at] = value[child], kept[child]
        at = child
    value[at], kept[at] = new, row


@compiled
def _measure(x, candidates, squares, low, high):
    """The squared distances themselves, without the cancellation of large numbers."""
    for i in range(low, high):
        for k in range(candidates.shape[1]):
            total, j = np.float32(0), candidates[i, k]
            for d in range(x.shape[1]):
                difference = x[i, d] - x[j, d]
                total += difference * difference
            squares[i, k] = total
