"""Maps in torch: written for GPUs, tested here on a device that stands in for one (see `stand_in`), and on CUDA where
there is one, against sums over all pairs in float64."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from clouds import CLOUDS, blobs, cloud, reference
from stand_in import DEVICE, StandIn

from unalter.tsne import TSNE
from unalter.tsne.descent import LoopForces
from unalter.tsne.device import DeviceForces, exact_field
from unalter.tsne.kernels import NEAR, PLANE, SPACE
from unalter.tsne.loops import Threads
from unalter.tsne.neighbours import nearest


@pytest.fixture(params=[DEVICE, pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA here")
    with StandIn() if request.param == DEVICE else nullcontext():
        yield request.param


def joint(n: int, seed: int = 2) -> sp.csr_matrix:
    p = sp.random(n, n, 0.02, random_state=seed, dtype=np.float32).tocsr()
    return (p / p.sum()).tocsr()


@pytest.mark.parametrize(("name", "kernel"), zip(CLOUDS, [PLANE, SPACE, NEAR] * 3, strict=False))
def test_sums_over_all_pairs(name, kernel, device):
    y = cloud(name, 600)
    expected = reference(y, kernel)
    found = exact_field(torch.from_numpy(y).to(device), kernel).cpu().numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-5 * np.abs(expected[:, 1:]).max())


@pytest.mark.parametrize(
    ("name", "kernel"), [("early", NEAR), ("even", PLANE), ("clusters", SPACE), ("plane", PLANE), ("line", SPACE)]
)
def test_the_fine_grid_is_within_two_percent(name, kernel, device):
    y = cloud(name)
    expected = reference(y, kernel)
    expected_z = expected[:, 0].sum()
    forces = DeviceForces(joint(len(y)), kernel, device, few=0)
    pushed, z = forces.repulsion(forces.place(y))
    wanted = -kernel.dof / (2 * kernel.power) * expected[:, 1:] / expected_z
    assert float(z) == pytest.approx(expected_z, rel=1e-3 if kernel != NEAR else 3e-3)
    assert np.linalg.norm(forces.fetch(pushed) - wanted) < 0.02 * np.linalg.norm(wanted)


@pytest.mark.parametrize("kernel", [PLANE, SPACE])
def test_attraction_and_divergence_are_those_of_the_loops(kernel, device, monkeypatch):
    monkeypatch.setattr("unalter.tsne.device._BLOCK", 20_000)  # several blocks
    p, y = joint(700), cloud("early", 700)
    loops, forces = LoopForces(p, kernel, Threads(1)), DeviceForces(p, kernel, device)
    np.testing.assert_allclose(
        forces.fetch(forces.attraction(forces.place(y))), loops.attraction(y), rtol=1e-3, atol=1e-7
    )
    if kernel == SPACE:
        np.testing.assert_allclose(
            forces.fetch(forces.near(forces.place(y), 99.0)), loops.near(y, 99.0), rtol=2e-3, atol=1e-5
        )
    assert float(forces.normaliser(forces.place(y))) == pytest.approx(loops.normaliser(y), rel=1e-4)
    assert forces.norm(forces.place(y)) == pytest.approx(loops.norm(y), rel=1e-4)
    assert forces.divergence(forces.place(y), 100.0) == pytest.approx(loops.divergence(y, 100.0), abs=1e-4)


def test_a_step_is_that_of_the_loops(device):
    p, rng = joint(100), np.random.default_rng(0)
    first = [rng.normal(size=(100, 3)).astype(np.float32) for _ in range(4)]
    first[2] = np.abs(first[2])
    moved = []
    for forces in (LoopForces(p, SPACE, Threads(1)), DeviceForces(p, SPACE, device)):
        y, velocity, gains, force = (forces.place(x) for x in first)
        for _ in range(3):
            forces.step(y, velocity, gains, force, 20.0, 0.9)
        moved.append([forces.fetch(x) for x in (y, velocity, gains)])
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_neighbours_are_those_of_the_loops(device, monkeypatch):
    monkeypatch.setattr("unalter.tsne.neighbours._PAIRS", 5_000)
    x = np.random.default_rng(0).normal(size=(300, 7)).astype(np.float32)
    rows, squares = nearest(x, 12, Threads(1), device=device)
    expected, expected_squares = nearest(x, 12, Threads(1))
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(squares, expected_squares, rtol=1e-4)


def test_a_map_is_as_good_as_one_by_loops(device):
    x, _ = blobs()
    loops, other = (TSNE(3, perplexity=20, random_state=0, device=device).fit(x) for device in ("cpu", device))
    assert other.kl_divergence_ == pytest.approx(loops.kl_divergence_, rel=0.03)
    assert other.embedding_.shape == (len(x), 3)


def test_no_iteration_waits_for_the_device_and_points_may_leave_the_grid_meanwhile():
    p, y = joint(300), cloud("early", 300)
    with StandIn() as watched:
        forces = DeviceForces(p, SPACE, DEVICE, few=0)
        there = forces.place(y)
        velocity, gains = forces.place(0 * y), forces.place(0 * y + 1)
        forces.repulsion(there)

        def iteration():
            force, z = forces.repulsion(there)
            forces.step(there, velocity, gains, force + forces.attraction(there) + forces.near(there, z), 1.0, 0.8)

        forces.near(there, 1.0)
        there.mul_(3)
        for _ in range(2):
            watched.without_waiting(iteration)()
        forces.repulsion(there)
        assert np.isfinite(forces.fetch(there)).all()


def test_a_map_too_wide_for_the_memory_has_a_coarser_grid(monkeypatch):
    monkeypatch.setattr("unalter.tsne.device._NODES", 100_000)
    y = cloud("even")
    with StandIn():
        forces = DeviceForces(joint(len(y)), SPACE, DEVICE, few=0)
        pushed, z = forces.repulsion(forces.place(y))
        (grid,) = forces._grids.values()
        assert np.prod(grid.shape) < 3 * 100_000  # with the margin that its splines need
        expected = reference(y, SPACE)
        assert float(z) == pytest.approx(expected[:, 0].sum(), rel=0.05)
        assert np.corrcoef(forces.fetch(pushed).ravel(), -expected[:, 1:].ravel())[0, 1] > 0.9
