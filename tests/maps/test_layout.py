"""Maps that can be compared, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from stand_in import DEVICE, StandIn

from unalter.maps.layout import (
    PointMap,
    label_accuracy,
    map_codes,
    neighbour_recall,
    place_codes,
    placed_accuracy,
)
from unalter.maps.store import StoredMaps, load_maps, save_maps


def codes(seed: int = 0, moved: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Five kinds of codes; with `moved` each code strays a little from where it was."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(5), 50)
    centres = 4 * np.random.default_rng(9).normal(size=(5, 8))
    values = random.normal(size=(250, 8)) + centres[labels]
    return (values + moved * np.random.default_rng(5).normal(size=values.shape)).astype(np.float32), labels


@pytest.fixture(scope="module")
def first() -> PointMap:
    return map_codes(*codes())


def test_a_map_states_its_quality(first):
    _, labels = codes()
    assert first.points.shape == (250, 3)
    assert first.accuracy > 0.97
    assert first.recall > 0.3
    assert 0 < first.kl < 1.5
    assert (
        first.note
        == f"KL {first.kl:.3f}, label 5-NN accuracy {first.accuracy:.3f}, neighbour recall {first.recall:.3f}"
    )
    centres = np.stack([first.points[labels == k].mean(0) for k in range(5)])
    spread = np.linalg.norm(centres - centres.mean(0), axis=0)
    assert spread[0] >= spread[1] >= spread[2]  # seen from the front, classes lie apart


def test_the_next_map_lies_as_the_one_before(first):
    values, labels = codes(moved=0.2)
    apart = {}
    for name, before in (("warm", first), ("cold", None)):
        after = map_codes(values, labels, seed=3, before=before)
        apart[name] = np.linalg.norm(
            after.points / after.points.std() - first.points / first.points.std(), axis=1
        ).mean()
        assert after.accuracy > 0.97
        if before is not None:
            assert 0.7 < after.extent / first.extent < 1.4  # few points are not thrown about
            warm_kl = after.kl
        else:
            assert warm_kl < 1.02 * after.kl
    assert apart["warm"] < 0.7 * apart["cold"]


def test_new_codes_are_placed_where_their_own_kind_is(first):
    known, labels = codes()
    new, _ = codes(seed=3)
    placed = place_codes(np.concatenate([new, known[:3]]), known, first)
    np.testing.assert_allclose(placed[-3:], first.points[:3])  # who is in the map already has a place
    assert placed_accuracy(placed[:-3], labels, first.points, labels) > first.accuracy - 0.01


def test_a_turned_and_mirrored_map_is_turned_back(first):
    from unalter.maps.layout import onto

    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    for mirror in (1, -1):
        moved = first.points @ (turn * [1, 1, mirror])
        np.testing.assert_allclose(moved @ onto(moved, first.points), first.points, atol=1e-3)


def test_recall_and_accuracy_in_closed_form():
    expected, found = np.array([[1, 2], [0, 2], [0, 1]]), np.array([[2, 1], [0, 3], [3, 4]])
    assert neighbour_recall(expected, found) == pytest.approx((2 + 1 + 0) / 6)
    labels = np.array([7, 7, 3])
    assert label_accuracy(np.array([[1], [0], [0]]), labels) == pytest.approx(2 / 3)
    assert np.isnan(label_accuracy(np.array([[1], [0], [0]]), np.zeros(3)))


def test_a_device_makes_all_of_the_map(first, monkeypatch):
    monkeypatch.delattr("unalter.tsne.neighbours._exact")  # the search on the processor
    with StandIn():
        there = map_codes(*codes(), device=DEVICE)
    assert there.kl == pytest.approx(first.kl, rel=0.03)
    assert there.recall == pytest.approx(first.recall, abs=0.03)


def test_maps_without_labels_say_nothing_of_them():
    values, labels = codes()
    assert "label" not in map_codes(values[:60], 0 * labels[:60]).note


def test_stored_maps_come_back(first, tmp_path):
    _, labels = codes()
    path = tmp_path / "epoch_010.npz"
    save_maps(path, StoredMaps(np.arange(250), labels, {"means": first, "sampled": first}))
    stored = load_maps(path)
    assert list(stored.maps) == ["means", "sampled"]
    assert stored.maps["sampled"].note == first.note
    np.testing.assert_array_equal(stored.maps["means"].points, first.points)
    np.testing.assert_array_equal(stored.maps["means"].neighbours, first.neighbours)
    with np.load(path) as values:  # simple names for who reads the file without us
        np.testing.assert_array_equal(values["sampled"], first.points)
        np.testing.assert_array_equal(values["label"], labels)
