"""How far a map is from the data: the Kullback-Leibler divergence of its similarities from the joint probabilities."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from unalter.tsne.kernels import Kernel
from unalter.tsne.loops import Threads, compiled
from unalter.tsne.repulsion import Repulsion, exact_field

EXACT = 120_000
"""Up to so many points Z is summed over all pairs."""


def divergence(p: sp.csr_matrix, y: np.ndarray, kernel: Kernel, threads: Threads) -> float:
    """KL(P || Q) = sum p log(p / q), q_ij = K(|y_i - y_j|) / Z (see `unalter.tsne.kernels`), in nats.

    Up to 120,000 points Z is summed over all pairs; beyond it comes off a grid, to one part in a thousand (tested),
    so the divergence is right to 0.001.

    Args:
        p: joint probabilities [n, n].
        y: float32 [n, 3].
        kernel: `PLANE` or `SPACE`.
    """
    field = exact_field(y, kernel, threads) if len(y) <= EXACT else Repulsion(kernel, threads).field(y)
    z = field[:, 0].sum(dtype=np.float64) - len(y)
    return attraction_divergence(p, y, kernel, threads) + float(np.log(z))


def attraction_divergence(p: sp.csr_matrix, y: np.ndarray, kernel: Kernel, threads: Threads) -> float:
    """The divergence without log Z: sum p (log p - log K)."""
    sums = np.empty(len(y))
    threads.over(len(y), _edges, p.indptr, p.indices, p.data, y, kernel.dof, kernel.power, sums)
    return float(sums.sum())


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
