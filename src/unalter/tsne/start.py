"""Where the points of a map start."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import PCA

_SPREAD = 1e-2
"""Standard deviation of the start along its first axis: so small that clusters are free to arrange themselves, and so
large that the grain on it decides nothing. From 1e-4 the large shape of a map was the seed's, not the data's."""
_GRAIN = 1e-6
"""Standard deviation of the noise on a start by PCA: points in the very same place would never part."""
_WIDEST = 1e9
"""Coordinates of a given start. Squares of larger ones would leave float32 nothing to sum."""
_DENSE = 500
"""Columns up to which the covariance of sparse data is worked out."""


def given(init: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A start that was given, as it is, float64.

    Raises:
        ValueError: it is of another shape, not of real numbers, not finite, or too wide.
    """
    if init.shape != shape:
        raise ValueError(f"init must have the shape {shape}, not {init.shape}")
    if init.dtype.kind not in "iuf":
        raise ValueError(f"init must hold real numbers, not {init.dtype}")
    start = init.astype(np.float64)
    if not np.isfinite(start).all():
        raise ValueError("init must hold finite numbers; it has NaN or infinity")
    if np.abs(start).max() > _WIDEST:
        raise ValueError(f"init must hold numbers up to {_WIDEST:.0e}; divide it by its standard deviation")
    return start


def scattered(shape: tuple[int, int], random: np.random.RandomState) -> np.ndarray:
    """Normally distributed."""
    return random.standard_normal(shape) * _SPREAD


def principal(x: np.ndarray | sp.csr_matrix, dimensions: int, random: np.random.RandomState) -> np.ndarray:
    """The first principal axes of x, [n, d], drawn together; random where it has fewer, or no extent."""
    count, columns = x.shape  # pyright: ignore[reportGeneralTypeIssues]
    shape = count, dimensions
    if min(shape[0], columns) >= dimensions:
        solver = "auto"
        if sp.issparse(x):
            solver = "covariance_eigh" if columns <= _DENSE else "arpack"
        pca = PCA(dimensions, svd_solver=solver, random_state=random).set_output(transform="default")
        with np.errstate(invalid="ignore", divide="ignore"):  # shares of no variance at all
            found = pca.fit_transform(x).astype(np.float64)
        width = found[:, 0].std()
        if width > 0:
            return found / width * _SPREAD + random.standard_normal(shape) * _GRAIN
    return scattered(shape, random)
