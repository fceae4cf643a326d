"""Neighbours and joint probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from unalter.tsne import neighbours
from unalter.tsne.affinities import joint_probabilities, neighbour_count
from unalter.tsne.divergence import attraction_divergence, divergence
from unalter.tsne.kernels import PLANE, SPACE
from unalter.tsne.loops import Threads
from unalter.tsne.repulsion import Repulsion

ONE_THREAD = Threads(1)


def joint(x: np.ndarray, perplexity: float) -> sp.csr_matrix:
    count = neighbour_count(len(x), perplexity)
    return joint_probabilities(*neighbours.nearest(x, count, ONE_THREAD), perplexity, ONE_THREAD)


def points(n: int, d: int = 10) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize(("n", "count"), [(2, 1), (50, 49), (2_500, 40)])
def test_neighbours_are_those_of_a_library(n, count):
    x = points(n) + 100  # far from the origin: nothing is lost to cancellation
    distances, expected = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(x.astype(np.float64)).kneighbors()
    rows, squares = neighbours.nearest(x, count, Threads(2))
    assert (rows == expected).mean() > 0.999  # float32 may exchange two that are as near
    np.testing.assert_allclose(np.sqrt(squares), distances, rtol=1e-3)


def test_a_point_is_not_its_own_neighbour_even_among_duplicates():
    x = np.repeat(points(30), 7, axis=0)
    rows, squares = neighbours.nearest(x, 6, ONE_THREAD)
    assert (rows != np.arange(len(x))[:, None]).all()
    assert (squares == 0).all()
    assert (rows // 7 == np.arange(len(x))[:, None] // 7).all()


def test_approximate_neighbours_are_nearly_the_exact_ones(monkeypatch):
    x = np.repeat(points(1_500, 6), 2, axis=0)
    exact, _ = neighbours.nearest(x, 15, ONE_THREAD)
    monkeypatch.setattr(neighbours, "_EXACT", 100)
    rows, squares = neighbours.nearest(x, 15, ONE_THREAD, seed=1)
    again, _ = neighbours.nearest(x, 15, ONE_THREAD, seed=1)
    assert (rows != np.arange(len(x))[:, None]).all()
    assert (np.diff(squares) >= 0).all()
    assert np.mean([len(np.intersect1d(a, b)) / 15 for a, b in zip(exact, rows, strict=True)]) > 0.95
    np.testing.assert_array_equal(rows, again)


def test_joint_probabilities_are_symmetric_and_have_the_perplexity_asked_for():
    x, perplexity = points(400), 12.0
    p = joint(x, perplexity)
    assert p.sum() == pytest.approx(1, abs=1e-6)
    assert abs(p - p.T).max() == 0
    assert p.diagonal().max() == 0
    # in float64: Gaussian weights over the same neighbours, their precision found by another method
    from scipy.optimize import brentq

    distances, rows = NearestNeighbors(n_neighbors=37).fit(x.astype(np.float64)).kneighbors()
    conditional = np.zeros((400, 400))
    for i in range(400):
        squares = distances[i] ** 2 - distances[i, 0] ** 2

        def weights(precision: float, squares: np.ndarray = squares) -> np.ndarray:
            weight = np.exp(-squares * precision)
            return weight / weight.sum()

        def excess(precision: float, weights=weights) -> float:
            weight = weights(precision)
            return float(-(weight * np.log(weight + 1e-300)).sum() - np.log(perplexity))

        conditional[i, rows[i]] = weights(float(brentq(excess, 1e-6, 1e3)))
    np.testing.assert_allclose(p.toarray(), (conditional + conditional.T) / 800, rtol=1e-2, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units_do_not_matter(scale):
    x = points(200)
    one, other = (joint(values.astype(np.float32), 10) for values in (x, x * scale))
    assert abs(one - other).max() < 1e-6


def test_points_all_in_one_place():
    p = joint(np.ones((20, 3), np.float32), 3)
    assert np.isfinite(p.data).all()
    assert p.sum() == pytest.approx(1)


@pytest.mark.parametrize("kernel", [PLANE, SPACE])
def test_divergence_is_the_sum_over_all_pairs(monkeypatch, kernel):
    y = (points(900, 3) * 6).astype(np.float32)
    p = joint(points(900), 15)
    apart = np.square(y[:, None].astype(np.float64) - y).sum(2)
    q = (1 + apart / kernel.dof) ** -kernel.power
    np.fill_diagonal(q, 0)
    q /= q.sum()
    dense = p.toarray().astype(np.float64)
    held = dense > 0
    expected = (dense[held] * np.log(dense[held] / q[held])).sum()
    assert divergence(p, y, kernel, ONE_THREAD) == pytest.approx(expected, abs=2e-5)
    monkeypatch.setattr("unalter.tsne.divergence.EXACT", 10)
    monkeypatch.setattr(Repulsion.__init__, "__defaults__", (0,))
    assert divergence(p, y, kernel, ONE_THREAD) == pytest.approx(expected, abs=1e-3)
    empty = sp.csr_matrix((900, 900), dtype=np.float32)
    assert attraction_divergence(empty, y, kernel, ONE_THREAD) == 0
