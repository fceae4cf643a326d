"""How near points are to one another in the data: the joint probabilities that a map is to show."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from unalter.tsne.loops import Threads, compiled

_STEPS = 100
_TOLERANCE = 1e-5
"""Of the entropy, in nats."""


def neighbour_count(n: int, perplexity: float) -> int:
    """How many neighbours a point among n has with a perplexity: beyond them affinities are as good as none."""
    return min(n - 1, int(3 * perplexity + 1))


def joint_probabilities(
    neighbours: np.ndarray, squares: np.ndarray, perplexity: float, threads: Threads
) -> tuple[sp.csr_matrix, float]:
    """p_ij = (p_j|i + p_i|j) / 2n over the nearest neighbours (van der Maaten 2014).

    Args:
        neighbours: int32 [n, k] of each point, nearest first.
        squares: float32 [n, k], their squared distances, of each point in units of its own.
        perplexity: the effective number of neighbours; below n.

    Returns:
        float32 [n, n], symmetric, nothing on the diagonal, the sum 1; and the mean standard deviation of the Gaussians,
        in those units.
    """
    p, widths = conditional_probabilities(neighbours, squares, perplexity, len(neighbours), threads)
    joint = (p + p.T).tocsr()
    joint.data *= np.float32(1 / joint.data.sum(dtype=np.float64))
    return joint, float(widths.mean())


def conditional_probabilities(
    neighbours: np.ndarray, squares: np.ndarray, perplexity: float, among: int, threads: Threads
) -> tuple[sp.csr_matrix, np.ndarray]:
    """p_j|i over the nearest neighbours [m, k] of points: float32 [m, among], the sum of each row 1.

    And the standard deviation of each point's Gaussian, [m], in the units of its squares.
    """
    n, count = neighbours.shape
    conditional, widths = np.empty((n, count), np.float32), np.empty(n)
    threads.over(n, _conditional, squares, np.log(perplexity), conditional, widths)
    return sp.csr_matrix((conditional.ravel(), neighbours.ravel(), np.arange(n + 1) * count), (n, among)), widths


@compiled
def _conditional(squares, entropy, result, widths, low, high):
    """Gaussian weights whose entropy is as asked for, by bisection over their precision."""
    count = squares.shape[1]
    for i in range(low, high):
        least = np.float64(squares[i, 0])
        mean = 0.0
        for k in range(count):
            mean += squares[i, k] - least
        precision = count / mean if mean > 0 else 1.0
        below, above = 0.0, 0.0  # 0: not known yet; compiled loops take numbers to be finite
        total = 1.0
        for _ in range(_STEPS):
            total, weighted = 0.0, 0.0
            for k in range(count):
                difference = squares[i, k] - least
                weight = np.exp(-difference * precision)
                total += weight
                weighted += weight * difference
            excess = np.log(total) + precision * weighted / total - entropy
            if abs(excess) < _TOLERANCE:
                break
            if excess > 0:
                below = precision
                precision = 2 * precision if above == 0 else (below + above) / 2
            else:
                above = precision
                precision = (below + above) / 2
        widths[i] = np.sqrt(0.5 / precision)
        for k in range(count):
            result[i, k] = np.exp(-(squares[i, k] - least) * precision) / total
