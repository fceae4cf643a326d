"""New points in a map that is there already: it stays as it is, and so does everybody else's place."""

from __future__ import annotations

import numpy as np

from unalter.tsne.affinities import conditional_probabilities
from unalter.tsne.attraction import attraction
from unalter.tsne.descent import step
from unalter.tsne.kernels import Kernel
from unalter.tsne.loops import Threads
from unalter.tsne.repulsion import exact_field

_ITERATIONS = 50
_RATE, _MOMENTUM = 0.5, 0.8
"""Attraction alone would be at rest after a step of 1."""
_NEAREST = 10
"""Neighbours between which a point starts."""
_SAME = 1e-11
"""The squared distance to the nearest, over that to the farthest neighbour: rounding, in some metrics."""


def place(
    y: np.ndarray, z: float, neighbours: np.ndarray, squares: np.ndarray, perplexity: float, kernel: Kernel,
    threads: Threads,
) -> np.ndarray:  # fmt: skip
    """Where new points are at rest among those of a map, each as if it were the only one.

    Each moves down the gradient that it would have as one more point of the map: attraction by its own neighbours,
    repulsion by all points of the map (after Policar et al. 2023, who place points so on a plane). One that is the
    same as a point of the data takes the place of that.

    Args:
        y: float32 [n, 3], the map.
        z: its normaliser.
        neighbours: int32 [m, k] of the new points in the data, nearest first.
        squares: float32 [m, k], their squared distances.
        perplexity: that the map was made with.
        kernel: of the map's similarities.

    Returns:
        float32 [m, 3].
    """
    count = len(neighbours)
    both = np.concatenate([np.median(y[neighbours[:, :_NEAREST]], axis=1), y]).astype(np.float32)
    new = both[:count]  # a view: it moves in both
    p, _ = conditional_probabilities(neighbours + np.int32(count), squares, perplexity, len(both), threads)
    weight, repulsion = Kernel(kernel.dof, 1.0), np.float32(kernel.force_scale * len(y) / z)
    velocity, gains = np.zeros_like(new), np.ones_like(new)
    for _ in range(_ITERATIONS):
        force = attraction(p, both, weight, threads)
        force += exact_field(new, kernel, threads, sources=y)[:, 1:] * repulsion
        step(new, velocity, gains, force, _RATE, _MOMENTUM)
    same = squares[:, 0] <= _SAME
    new[same] = y[neighbours[same, 0]]
    return new.copy()
