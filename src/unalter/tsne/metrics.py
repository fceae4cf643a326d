"""Nearest neighbours by any of scikit-learn's distances, of sparse data, and where distances are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors, sort_graph_by_row_values
from sklearn.utils.validation import check_non_negative


def check_distances(x: Any, method: str, init: object) -> None:
    """Refuse what cannot be distances of all pairs, in scikit-learn's words."""
    if isinstance(init, str) and init == "pca":
        raise ValueError('The parameter init="pca" cannot be used with metric="precomputed".')
    if x.shape[0] != x.shape[1]:
        raise ValueError(f"X should be a square distance matrix with metric='precomputed', not of shape {x.shape}")
    check_non_negative(x, "TSNE.fit(). With metric='precomputed', X should contain positive distances.")
    if method == "exact" and not isinstance(x, np.ndarray):
        raise TypeError(
            'TSNE with method="exact" does not accept sparse precomputed distance matrix. Use method="barnes_hut" '
            "or provide the dense distance matrix."
        )


def search(x: Any, metric: Any, parameters: dict[str, Any] | None, jobs: int) -> NearestNeighbors:
    """What finds neighbours among x by a metric."""
    if metric == "precomputed" and not isinstance(x, np.ndarray):
        x = _with_itself(x)
    return NearestNeighbors(metric=metric, metric_params=parameters, n_jobs=jobs).fit(x)


def _with_itself(graph: sp.csr_matrix) -> sp.csr_matrix:
    """A graph in which each point is its own nearest neighbour, as scikit-learn's search takes it to be; sorted."""
    n, edges = len(graph.indptr) - 1, graph.tocoo()
    others, own = edges.row != edges.col, np.arange(n)
    rows, columns = np.append(edges.row[others], own), np.append(edges.col[others], own)
    whole = sp.csr_matrix((np.append(edges.data[others], np.zeros(n)), (rows, columns)), (n, n))
    return sort_graph_by_row_values(whole, warn_when_not_sorted=False)


def neighbours(index: NearestNeighbors, count: int, queries: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Of the points that the index holds, or of others.

    Returns:
        int32 [n, count], nearest first, and squared distances, float32 [n, count], each row in units of its largest.

    Raises:
        ValueError: the metric gives what is no distance.
    """
    distances, rows = index.kneighbors(queries, count)
    if not (distances >= 0).all():
        raise ValueError("All distances should be positive, the metric given is not correct")
    largest = distances.max(1, keepdims=True)
    squares = np.square(distances / np.where(largest > 0, largest, 1))
    return rows.astype(np.int32), squares.astype(np.float32)
