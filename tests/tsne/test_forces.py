"""Forces on a map, against sums over all pairs in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from unalter.tsne.cells import count_pairs, sort_into_cells
from unalter.tsne.forces import _SPACING, Repulsion, attraction, exact_field
from unalter.tsne.grid import Grid
from unalter.tsne.loops import Threads, threads
from unalter.tsne.student import kernel, smooth_kernel, taylor


@pytest.fixture(scope="module")
def pool():
    with threads(2) as pool:
        yield pool


def reference(y: np.ndarray, dof: int) -> np.ndarray:
    """phi and its gradient, [n, 4], in float64."""
    apart = y[:, None].astype(np.float64) - y
    base = 1 + np.square(apart).sum(2) / dof
    slope = -(dof + 1) / dof * base ** (-(dof + 3) / 2)
    return np.column_stack([(base ** (-(dof + 1) / 2)).sum(1), (slope[:, :, None] * apart).sum(1)])


def cloud(name: str, n: int = 2_500) -> np.ndarray:
    random = np.random.default_rng(0)
    y = {
        "tiny": random.normal(size=(n, 3)) * 1e-4,
        "early": random.normal(size=(n, 3)) * [2, 1, 0.7],
        "even": random.uniform(-20, 20, (n, 3)),
        "sparse": random.uniform(-150, 150, (n, 3)),
        "clusters": random.normal(size=(n, 3)) + random.uniform(-40, 40, (10, 3))[random.integers(0, 10, n)],
        "outlier": np.concatenate([random.normal(size=(n - 1, 3)) * 8, [[4_000, -3_000, 10]]]),
        "plane": random.uniform(-60, 60, (n, 3)) * [0, 1, 1],
        "line": random.uniform(-60, 60, (n, 3)) * [0, 0, 1],
        "dense plane": random.normal(size=(n, 3)) * [0, 9, 6],
    }[name]
    return y.astype(np.float32)


CLOUDS = ["tiny", "early", "even", "sparse", "clusters", "outlier", "plane", "dense plane", "line"]


@pytest.mark.parametrize("dof", [1, 2])
def test_smooth_kernel_is_the_kernel_outside_and_smooth_inside(dof):
    squares = np.linspace(0, 30, 3_001)
    exact = kernel(squares, dof)
    np.testing.assert_allclose(exact, 1 / (1 + squares) if dof == 1 else (1 + squares / 2) ** -1.5)
    for reach in (0.0, 1.5, 3.0):
        smooth = smooth_kernel(squares, reach, dof)
        outside = squares >= reach**2
        np.testing.assert_array_equal(smooth[outside], exact[outside])
        assert np.abs(np.diff(smooth, 3)).max() <= np.abs(np.diff(exact, 3)).max()
        assert np.diff(smooth).max() < 0


@pytest.mark.parametrize("dof", [1, 2])
def test_taylor_coefficients_are_derivatives(dof):
    at, step = 4.0, 0.02
    values = kernel(at - step * np.arange(-3, 4), dof)
    expected = [values[3], *(np.polyfit(step * np.arange(-3, 4), values, 5)[-2:-5:-1])]
    np.testing.assert_allclose(taylor(2.0, dof), expected, rtol=1e-4)


@pytest.mark.parametrize("dof", [1, 2])
@pytest.mark.parametrize("name", CLOUDS)
def test_sums_over_all_pairs(name, dof, pool):
    y = cloud(name, 600)
    expected = reference(y, dof)
    np.testing.assert_allclose(
        exact_field(y, dof, pool), expected, rtol=2e-3, atol=2e-5 * np.abs(expected[:, 1:]).max()
    )


@pytest.mark.parametrize("dof", [1, 2])
@pytest.mark.parametrize("name", CLOUDS)
def test_the_grid_with_its_short_range_is_within_one_percent(name, dof, pool):
    y = cloud(name)
    expected = reference(y, dof)
    field = Repulsion(dof, pool, few=0).field(y)
    scale = np.linalg.norm(expected[:, 1:])
    if name != "tiny":  # there they cancel to nothing
        assert np.linalg.norm(field[:, 1:] - expected[:, 1:]) < 0.01 * scale
    z, expected_z = (values[:, 0].sum(dtype=np.float64) - len(y) for values in (field, expected))
    assert z == pytest.approx(expected_z, rel=1e-3)


@pytest.mark.parametrize("dof", [1, 2])
def test_the_grid_follows_points_that_spread(dof, pool):
    repulsion, y = Repulsion(dof, pool, few=0), cloud("early")
    for _ in range(12):
        forces, z = repulsion(y)
        expected = reference(y, dof)
        expected_z = expected[:, 0].sum() - len(y)
        assert z == pytest.approx(expected_z, rel=1e-3)
        wanted = -dof / (dof + 1) * expected[:, 1:] / expected_z
        assert np.linalg.norm(forces - wanted) < 0.01 * np.linalg.norm(wanted)
        y = y * np.float32(1.7)


def test_a_point_on_a_node_has_an_exact_field_on_the_other_nodes(pool):
    grid = Grid(lambda squares: smooth_kernel(squares, 0, 1), _SPACING, np.array([3.2, 3.2, 3.2]))
    y = np.float32(_SPACING) * np.array([[0, 0, 0], [8, 8, 8]], np.float32)
    np.testing.assert_allclose(grid.field(y, pool)[:, 0], reference(y, 1)[:, 0], rtol=1e-4)


def test_the_number_of_threads_changes_only_rounding():
    y = cloud("clusters")
    with threads(1) as one, threads(3) as three:
        fields = [Repulsion(2, pool, few=0).field(y) for pool in (one, three, three)]
    np.testing.assert_allclose(fields[0], fields[1], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(fields[1], fields[2])


def test_cells_hold_every_point_once_and_count_their_pairs():
    y = cloud("clusters", 300)
    cells = sort_into_cells(y, 5.0)
    np.testing.assert_array_equal(np.sort(cells.order), np.arange(300))
    np.testing.assert_array_equal(cells.y.T, y[cells.order])
    place = np.minimum(((y - y.min(0)) / np.float32(5)).astype(int), np.array(cells.shape) - 1)
    near = (np.abs(place[:, None] - place).max(2) <= 1).sum()
    assert count_pairs(y, 5.0) == near


@pytest.mark.parametrize("dof", [1, 2])
def test_attraction_is_the_sum_over_neighbours(dof):
    y = cloud("early", 700)  # some rows have more neighbours than fetched at once
    p = sp.random(700, 700, 0.4, random_state=2, dtype=np.float32).tocsr()
    apart = y[None].astype(np.float64) - y[:, None]
    weights = p.toarray() / (1 + np.square(apart).sum(2) / dof)
    expected = (weights[:, :, None] * apart).sum(1)
    np.testing.assert_allclose(attraction(p, y, dof, Threads(1)), expected, rtol=1e-3, atol=1e-4)
