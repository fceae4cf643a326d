"""Forces on a map, against sums over all pairs in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from clouds import CLOUDS, cloud, reference

from unalter.tsne.attraction import attraction
from unalter.tsne.cells import count_pairs, sort_into_cells
from unalter.tsne.grid import Grid
from unalter.tsne.kernels import NEAR, PLANE, SPACE, Kernel
from unalter.tsne.loops import Threads, threads
from unalter.tsne.repulsion import _SPACING, Repulsion, exact_field


@pytest.fixture(scope="module")
def pool():
    with threads(2) as pool:
        yield pool


@pytest.mark.parametrize("kernel", [PLANE, SPACE, NEAR])
def test_smooth_kernel_is_the_kernel_outside_and_smooth_inside(kernel):
    squares = np.linspace(0, 30, 3_001)
    exact = kernel(squares)
    expected = {PLANE: 1 / (1 + squares), SPACE: (1 + squares / 2) ** -1.5, NEAR: (1 + squares / 2) ** -2.0}[kernel]
    np.testing.assert_allclose(exact, expected)
    for reach in (0.0, 1.5, 3.0):
        smooth = kernel.smooth(squares, reach)
        outside = squares >= reach**2
        np.testing.assert_array_equal(smooth[outside], exact[outside])
        assert np.abs(np.diff(smooth, 3)).max() <= np.abs(np.diff(exact, 3)).max()
        assert np.diff(smooth).max() < 0


@pytest.mark.parametrize("kernel", [PLANE, SPACE, NEAR])
def test_taylor_coefficients_are_derivatives(kernel):
    at, step = 4.0, 0.02
    values = kernel(at - step * np.arange(-3, 4))
    expected = [values[3], *(np.polyfit(step * np.arange(-3, 4), values, 5)[-2:-5:-1])]
    np.testing.assert_allclose(kernel.taylor(2.0), expected, rtol=1e-4)


@pytest.mark.parametrize("kernel", [PLANE, SPACE, NEAR])
@pytest.mark.parametrize("name", CLOUDS)
def test_sums_over_all_pairs(name, kernel, pool):
    y = cloud(name, 600)
    expected = reference(y, kernel)
    np.testing.assert_allclose(
        exact_field(y, kernel, pool), expected, rtol=2e-3, atol=2e-5 * np.abs(expected[:, 1:]).max()
    )


@pytest.mark.parametrize("kernel", [PLANE, SPACE, NEAR])
@pytest.mark.parametrize("name", CLOUDS)
def test_the_grid_with_its_short_range_is_within_one_percent(name, kernel, pool):
    y = cloud(name)
    expected = reference(y, kernel)
    field = Repulsion(kernel, pool, few=0).field(y)
    scale = np.linalg.norm(expected[:, 1:])
    assert np.linalg.norm(field[:, 1:] - expected[:, 1:]) < 0.01 * scale
    z, expected_z = (values[:, 0].sum(dtype=np.float64) for values in (field, expected))
    assert z == pytest.approx(expected_z, rel=1e-3 if kernel != NEAR else 3e-3)  # nobody asks for the latter


@pytest.mark.parametrize("kernel", [PLANE, SPACE, NEAR])
def test_the_grid_follows_points_that_spread(kernel, pool):
    repulsion, y = Repulsion(kernel, pool, few=0), cloud("early")
    for _ in range(12):
        forces, z = repulsion(y)
        expected = reference(y, kernel)
        expected_z = expected[:, 0].sum()
        assert z == pytest.approx(expected_z, rel=1e-3 if kernel != NEAR else 3e-3)  # nobody asks for the latter
        wanted = -kernel.dof / (2 * kernel.power) * expected[:, 1:] / expected_z
        assert np.linalg.norm(forces - wanted) < 0.01 * np.linalg.norm(wanted)
        y = y * np.float32(1.7)


@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-4, 1e-3, 1e-2, 0.03, 1e3, 1e5, 1e9])
def test_a_map_may_be_of_any_size(spread, pool):
    y = (np.random.default_rng(0).normal(size=(700, 3)) * spread).astype(np.float32)
    expected = reference(y, SPACE)[:, 1:]
    found = Repulsion(SPACE, pool, few=0).field(y)[:, 1:]
    assert np.linalg.norm(found - expected) <= 0.01 * np.linalg.norm(expected)


def test_the_field_of_others_at_new_points(pool):
    y, new = cloud("early", 300), cloud("even", 40)
    expected = reference(np.concatenate([new, y]), SPACE)[:40] - reference(new, SPACE)
    np.testing.assert_allclose(exact_field(new, SPACE, pool, sources=y), expected, rtol=1e-3, atol=1e-3)


def test_a_point_on_a_node_has_an_exact_field_on_the_other_nodes(pool):
    grid = Grid(lambda squares: PLANE.smooth(squares, 0), _SPACING, np.array([3.2, 3.2, 3.2]))
    y = np.float32(_SPACING) * np.array([[0, 0, 0], [8, 8, 8]], np.float32)
    np.testing.assert_allclose(grid.field(y, pool)[:, 0] - 1, reference(y, PLANE)[:, 0], rtol=1e-4)


def test_the_number_of_threads_changes_only_rounding():
    y = cloud("clusters")
    with threads(1) as one, threads(3) as three:
        fields = [Repulsion(SPACE, pool, few=0).field(y) for pool in (one, three, three)]
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


@pytest.mark.parametrize("weight", [PLANE, Kernel(2, 1.0), SPACE])
def test_attraction_is_the_sum_over_neighbours(weight):
    y = cloud("early", 700)  # some rows have more neighbours than fetched at once
    p = sp.random(700, 700, 0.4, random_state=2, dtype=np.float32).tocsr()
    apart = y[None].astype(np.float64) - y[:, None]
    weights = p.toarray() / (1 + np.square(apart).sum(2) / weight.dof) ** weight.power
    expected = (weights[:, :, None] * apart).sum(1)
    np.testing.assert_allclose(attraction(p, y, weight, Threads(1)), expected, rtol=1e-3, atol=1e-4)
