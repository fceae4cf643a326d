"""What pulls the points of a map together."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from unalter.tsne.kernels import Kernel
from unalter.tsne.loops import ONE, Threads, compiled

_BUFFER = 256
"""Neighbours that are fetched at once."""


def attraction(p: sp.csr_matrix, y: np.ndarray, weight: Kernel, threads: Threads) -> np.ndarray:
    """sum_j p_ij (y_j - y_i) w(|y_i - y_j|) with a weight of power 1 or 1.5, for the points that p [m, n] has rows of:
    float32 [m, 3].
    """
    count = len(p.indptr) - 1
    result = np.empty((count, 3), np.float32)
    per_dof, root = np.float32(1 / weight.dof), weight.power == 1.5
    threads.over(count, _attraction, p.indptr, p.indices, p.data, y, per_dof, root, result)
    return result


@compiled
def _attraction(first, neighbour, p, y, per_dof, root, result, low, high):
    zero = np.float32(0)
    near = np.empty((3, _BUFFER), np.float32)  # fetched first, a long loop then is fast
    for i in range(low, high):
        y0, y1, y2 = y[i, 0], y[i, 1], y[i, 2]
        f0, f1, f2 = zero, zero, zero
        for start in range(first[i], first[i + 1], _BUFFER):
            count = min(first[i + 1] - start, _BUFFER)
            for k in range(count):
                j = neighbour[start + k]
                near[0, k], near[1, k], near[2, k] = y[j, 0], y[j, 1], y[j, 2]
            for k in range(count):
                d0, d1, d2 = near[0, k] - y0, near[1, k] - y1, near[2, k] - y2
                base = ONE / (ONE + per_dof * (d0 * d0 + d1 * d1 + d2 * d2))
                weight = p[start + k] * base * (np.sqrt(base) if root else ONE)
                f0 += weight * d0
                f1 += weight * d1
                f2 += weight * d2
        result[i, 0], result[i, 1], result[i, 2] = f0, f1, f2
