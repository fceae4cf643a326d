"""Points to make maps of, points of maps, and the field about them."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial.distance import cdist

from unalter.tsne.kernels import Kernel

_ROWS = 100
"""Of a block of distances: it stays in the processor's cache."""


def blobs(each: int = 60, kinds: int = 5, d: int = 12, apart: float = 6, seed: int = 0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(kinds), each)
    return random.normal(size=(len(labels), d)) + apart * random.normal(size=(kinds, d))[labels], labels


def reference(y: np.ndarray, kernel: Kernel) -> np.ndarray:
    """phi of the others and its gradient, [n, 4], in float64."""
    return _reference(y.tobytes(), len(y), kernel.dof, kernel.power).copy()


@cache
def _reference(content: bytes, n: int, dof: float, power: float) -> np.ndarray:
    """Several tests ask for the same."""
    y = np.frombuffer(content, np.float32).reshape(n, 3).astype(np.float64)
    parts = []
    for own in np.array_split(np.arange(n), -(-n // _ROWS)):
        base = 1 + cdist(y[own], y, "sqeuclidean") / dof
        kernel = base**-power
        kernel[np.arange(len(own)), own] = 0
        slope = -2 * power / dof * kernel / base
        parts.append(np.column_stack([kernel.sum(1), slope.sum(1, keepdims=True) * y[own] - slope @ y]))
    return np.concatenate(parts)


def cloud(name: str, n: int = 2_500) -> np.ndarray:
    random = np.random.default_rng(0)
    y = {
        "tiny": random.normal(size=(n, 3)) * 1e-4,
        "small": random.normal(size=(n, 3)) * [2e-2, 1e-2, 1e-2],
        "early": random.normal(size=(n, 3)) * [2, 1, 0.7],
        "even": random.uniform(-20, 20, (n, 3)),
        "sparse": random.uniform(-150, 150, (n, 3)),
        "clusters": random.normal(size=(n, 3)) + random.uniform(-25, 25, (10, 3))[random.integers(0, 10, n)],
        "outlier": np.concatenate([random.normal(size=(n - 1, 3)) * 8, [[4_000, -3_000, 10]]]),
        "plane": random.uniform(-60, 60, (n, 3)) * [0, 1, 1],
        "line": random.uniform(-60, 60, (n, 3)) * [0, 0, 1],
        "dense plane": random.normal(size=(n, 3)) * [0, 9, 6],
    }[name]
    return y.astype(np.float32)


CLOUDS = ["tiny", "small", "early", "even", "sparse", "clusters", "outlier", "plane", "dense plane", "line"]
