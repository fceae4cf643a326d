"""How far a map is from the data: the Kullback-Leibler divergence of its similarities from the joint probabilities."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from unalter.tsne.kernels import Kernel
from unalter.tsne.loops import Threads, compiled
from unalter.tsne.repulsion import Repulsion, exact_field

EXACT = 120_000
"""Up to so many points Z is summed over all pairs."""


def normaliser(y: np.ndarray, kernel: Kernel, threads: Threads) -> float:
    """Z = sum_{i != j} K(|y_i - y_j|) over points float32 [n, 3].

    Up to 120,000 points it is summed over all pairs; beyond it comes off a grid, to one part in a thousand (tested), so
    that a divergence is right to 0.001.
    """
    field = exact_field(y, kernel, threads) if len(y) <= EXACT else Repulsion(kernel, threads).field(y)
    return float(field[:, 0].sum(dtype=np.float64))


def divergence(p: sp.csr_matrix, y: np.ndarray, kernel: Kernel, z: float, threads: Threads) -> float:
    """KL(P || Q) = sum p log(p / q), q_ij = K(|y_i - y_j|) / Z (see `unalter.tsne.kernels`), in nats.

    Args:
        p: joint probabilities [n, n].
        y: float32 [n, 3].
        kernel: `PLANE` or `SPACE`.
        z: see `normaliser`.
    """
    sums = np.empty(len(y))
    threads.over(len(y), _edges, p.indptr, p.indices, p.data, y, kernel.dof, kernel.power, sums)
    return float(sums.sum() + p.data.sum(dtype=np.float64) * np.log(z))


@compiled
def _edges(first, neighbour, p, y, dof, power, sums, low, high):
    for i in range(low, high):
        total = 0.0
        for k in range(first[i], first[i + 1]):
            apart = np.float32(0)
            for axis in range(3):
                difference = y[i, axis] - y[neighbour[k], axis]
                apart += difference * difference
            if p[k] > 0:
                total += p[k] * (np.log(p[k]) + power * np.log1p(np.float64(apart) / dof))
        sums[i] = total
