"""Neighbours and joint probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from unalter.tsne import neighbours
from unalter.tsne.affinities import joint_probabilities, neighbour_count
from unalter.tsne.divergence import divergence, normaliser
from unalter.tsne.kernels import PLANE, SPACE
from unalter.tsne.loops import Threads
from unalter.tsne.repulsion import Repulsion

ONE_THREAD = Threads(1)


def joint(x: np.ndarray, perplexity: float) -> sp.csr_matrix:
    count = neighbour_count(len(x), perplexity)
    return joint_probabilities(*neighbours.nearest(x, count, ONE_THREAD), perplexity, ONE_THREAD)[0]


def points(n: int, d: int = 10) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize(("n", "count"), [(2, 1), (50, 49), (2_500, 40)])
def test_neighbours_are_those_of_a_library(n, count):
    x = points(n) + 100  # far from the origin: nothing is lost to cancellation
    distances, expected = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(x.astype(np.float64)).kneighbors()
    rows, squares = neighbours.nearest(x, count, Threads(2))
    assert (rows == expected).mean() > 0.999  # float32 may exchange two that are as near
    np.testing.assert_allclose(np.sqrt(squares), distances / distances[:, -1:], rtol=1e-3)


def far_apart(n: int = 400) -> dict[str, np.ndarray]:
    """Data whose near distances are lost among products of float32 numbers."""
    x = np.random.default_rng(4).normal(size=(n, 6))
    half, one, tenth = np.arange(n)[:, None] < n / 2, np.arange(6) == 0, np.arange(n)[:, None] % 10 == 0
    outlier = np.arange(n)[:, None] == 7
    return {
        "two clusters": x + 1e6 * half,
        "two clusters, in one column": x + 1e7 * half * one,
        "two clusters, float32": (x + 1e3 * half).astype(np.float32),
        "a sentinel": np.where(tenth & one, -1e5, x),
        "an outlier": np.where(outlier, 1e8, x),
        "a far outlier": np.where(outlier, 1e20, x),
        "an offset": x + 1e8,
        "tiny": np.ldexp(x, -1_000),
        "denormal": np.ldexp(x, -1_040),
        "huge": np.ldexp(x, 1_000),
    }


@pytest.mark.parametrize("case", far_apart())
def test_neighbours_are_right_at_any_scale(case):
    x = far_apart()[case]
    plain = np.ldexp(x, {"tiny": 1_000, "denormal": 1_040, "huge": -1_000}.get(case, 0))
    apart = np.square(plain[:, None].astype(np.float64) - plain).sum(2)
    np.fill_diagonal(apart, np.inf)
    expected = apart.argsort(1)[:, :20]
    rows, squares = neighbours.nearest(x, 20, ONE_THREAD)
    assert (rows[8:] == expected[8:]).mean() > 0.998
    measured = np.take_along_axis(apart, rows, 1)
    np.testing.assert_allclose(squares, measured / measured[:, -1:], rtol=1e-4)
    queried, _ = neighbours.nearest(x, 20, ONE_THREAD, queries=x[100:])
    assert (queried[:, 0] == np.arange(100, len(x))).all()  # a row that is there is its own nearest
    assert (queried[:, 1:] == expected[100:, :19]).mean() > 0.998


def test_of_many_equal_points_neighbours_are_drawn():
    rows, _ = neighbours.nearest(np.zeros((600, 3)), 15, ONE_THREAD)
    assert (np.sort(rows)[:, 1:] != np.sort(rows)[:, :-1]).all()
    assert np.bincount(rows.ravel(), minlength=600).max() < 50  # of 15 in the mean: none is everybody's


def test_an_approximate_graph_that_lacks_neighbours_is_completed(monkeypatch):
    x, count = points(300), 6

    class Lacking:
        def __init__(self, data, n_neighbors, **_):
            found, _ = neighbours.nearest(data, n_neighbors - 1, ONE_THREAD)
            monkeypatch.setattr(neighbours, "_EXACT", 100)
            graph = np.column_stack([np.arange(300), found])
            graph[::3, 2:] = -1
            self.neighbor_graph = graph, None

    expected, _ = neighbours.nearest(x, count, ONE_THREAD)
    monkeypatch.setattr("pynndescent.NNDescent", Lacking)

    def approximate(*arguments):
        monkeypatch.setattr(neighbours, "_EXACT", 1_000)
        return search(*arguments)

    search = neighbours._approximate
    monkeypatch.setattr(neighbours, "_EXACT", 100)
    monkeypatch.setattr(neighbours, "_approximate", approximate)
    rows, _ = neighbours.nearest(x, count, Threads(99))  # more than numba has
    np.testing.assert_array_equal(rows, expected)


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


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1e8, 1e300])
def test_units_do_not_matter(scale):
    x = points(200).astype(np.float64)
    one, other = (joint(values, 10) for values in (x, x * scale))
    assert abs(one - other).max() < 1e-6


@pytest.mark.parametrize("perplexity", [1e-3, 1.0, 150.0, 399.0])
def test_any_perplexity_gives_numbers(perplexity):
    whole = np.random.default_rng(0).integers(0, 3, (400, 4))
    p = joint(whole.astype(np.float64), perplexity)
    assert np.isfinite(p.data).all()
    assert p.sum() == pytest.approx(1, abs=1e-5)


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
    z = normaliser(y, kernel, ONE_THREAD)
    assert divergence(p, y, kernel, z, ONE_THREAD) == pytest.approx(expected, abs=2e-5)
    monkeypatch.setattr("unalter.tsne.divergence.EXACT", 10)
    monkeypatch.setattr(Repulsion.__init__, "__defaults__", (0,))
    assert normaliser(y, kernel, ONE_THREAD) == pytest.approx(z, rel=1e-3)
    empty = sp.csr_matrix((900, 900), dtype=np.float32)
    assert divergence(empty, y, kernel, z, ONE_THREAD) == 0


@pytest.mark.parametrize("kernel", [PLANE, SPACE])
def test_few_points_far_apart_have_a_normaliser(kernel):
    y = np.array([[0, 0, 0], [0, 0, 3e4], [0, 2e4, 0]], np.float32)
    apart = np.square(y[:, None].astype(np.float64) - y).sum(2)
    expected = ((1 + apart / kernel.dof) ** -kernel.power).sum() - 3
    assert normaliser(y, kernel, ONE_THREAD) == pytest.approx(expected, rel=1e-4)
