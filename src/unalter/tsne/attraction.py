"""What pulls the points of a map together."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from unalter.tsne.kernels import DOF, NEAR
from unalter.tsne.loops import ONE, Threads, compiled
from unalter.tsne.repulsion import _BUFFER


def attraction(p: sp.csr_matrix, y: np.ndarray, which: int, threads: Threads) -> np.ndarray:
    """sum_j p_ij (y_j - y_i) w: float32 [n, 3]. w is 1 / (1 + |y_i - y_j|^2 / dof); for `NEAR` the power 1.5 of it."""
    result = np.empty_like(y)
    threads.over(len(y), _pull, p.indptr, p.indices, p.data, y, np.float32(1 / DOF[which]), which == NEAR, result)
    return result


@compiled
def _pull(first, neighbour, p, y, share, root, result, low, high):
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
                near_by = ONE / (ONE + share * (d0 * d0 + d1 * d1 + d2 * d2))
                weight = p[start + k] * near_by * (np.sqrt(near_by) if root else ONE)
                f0 += weight * d0
                f1 += weight * d1
                f2 += weight * d2
        result[i, 0], result[i, 1], result[i, 2] = f0, f1, f2
