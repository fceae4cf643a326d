"""Names that are shifted by one are noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from unalter.alter import Branch, Flip, Invert, KeyedDraws, Recipe, Rotate, fold_in
from unalter.data.dataset import Dataset, ImageSet
from unalter.data.digits import load_digits
from unalter.images.convert import to_float, to_uint8
from unalter.pairing.groups import Group
from unalter.pairing.names import pair_by_name
from unalter.pairing.options import PairingOptions
from unalter.pairing.shifts import clean_neighbours, shift_by_labels, shift_by_likeness, shift_seen
from unalter.pairing.verify import verify_names

DIGITS, LABELS = load_digits("train")
COUNT = 120
EVERYONE = np.arange(COUNT)
NOISE = np.random.default_rng(0).normal(0, 40, (COUNT, 1, 28, 28))
ALTERED = np.clip(DIGITS[:COUNT, None] + NOISE, 0, 255).astype(np.uint8)


def picture_set(images: np.ndarray, index: np.ndarray, labels: np.ndarray, kind: str) -> ImageSet:
    return ImageSet(images, index, labels, [f"{kind}_{i}_{y}.png" for i, y in zip(index, labels, strict=True)])


def shifted(rows: slice, by: int, altered: np.ndarray = ALTERED) -> Dataset:
    """Digits whose altered pictures, some of them, bear the name of the one `by` places on."""
    origin = EVERYONE.copy()
    origin[rows] = (origin[rows] - by) % COUNT
    none = np.zeros(COUNT, int)
    clean = picture_set(DIGITS[:COUNT, None], EVERYONE, none, "clean")
    return Dataset(clean, picture_set(altered[origin], EVERYONE, none, "aug"))


class ByLikeness:
    """Explains a picture by how near it is; in place of a search."""

    def __init__(self, clean: np.ndarray) -> None:
        self._clean = clean

    def imitate(self, rows: np.ndarray) -> np.ndarray:
        return ALTERED[rows]

    def explain(self, altered: np.ndarray, clean: np.ndarray, on_progress=lambda n: None, enough=0.0) -> np.ndarray:
        return np.square(altered / 255 - self._clean[clean] / 255).mean((1, 2, 3))


def verified(dataset: Dataset):
    search, group = ByLikeness(dataset.clean.images), Group(EVERYONE, dataset.altered.images, [()])
    options = PairingOptions(imitated_true=100, least_imitated_true=100)
    return verify_names(pair_by_name(dataset), dataset, group, [search], 0, options, lambda *_: None)  # pyright: ignore


SHIFTS = [
    (slice(None), 1, "before"),
    (slice(None), -1, "after"),
    (slice(50, 63), 1, "before"),
    (slice(10, 23), -1, "after"),
]


@pytest.mark.parametrize(("rows", "by", "where"), SHIFTS)
def test_a_shift_of_all_names_or_of_a_tenth_is_noticed(rows, by, where):
    dataset = shifted(rows, by)
    words = f"one place {where} the one of their name: is the list of names shifted by one"
    assert words in str(shift_seen(dataset, verified(dataset)))
    assert words in str(shift_by_likeness(dataset, pair_by_name(dataset)))


def test_a_shift_is_noticed_without_a_recipe_though_pictures_are_turned_all_around_and_inverted():
    random = KeyedDraws(fold_in(0, torch.arange(COUNT)))
    recipe = Recipe("turned", [Branch(1, [Rotate(), Flip(probability=0.5), Invert()])])
    turned = to_uint8(recipe(to_float(DIGITS[:COUNT, None]), random).numpy())
    for rows, where in ((slice(None), "before"), (slice(30, 45), "before"), (slice(0), None)):
        dataset = shifted(rows, 1, turned)
        said = shift_by_likeness(dataset, pair_by_name(dataset))
        assert said is None if where is None else f"one place {where}" in str(said)


def test_right_names_and_names_that_mean_nothing_are_not_called_shifted():
    for dataset in (shifted(slice(0), 1), shifted(slice(None), 30), shifted(slice(0, 12), 30)):
        assert shift_seen(dataset, verified(dataset)) is None
        assert shift_by_likeness(dataset, pair_by_name(dataset)) is None


def test_what_was_found_by_appearance_tells_a_shift_too():
    dataset = shifted(slice(None), 1)
    named = pair_by_name(dataset)
    found = replace(named, doubtful=named.clean, clean=EVERYONE - 1, likeliest=EVERYONE - 1)
    assert "before" in str(shift_seen(dataset, found))


@pytest.mark.parametrize(("by", "where"), [(-1, "before"), (1, "after")])
def test_labels_that_fit_the_neighbours_only_are_noticed(by, where):
    labels = LABELS[:COUNT]
    clean = picture_set(DIGITS[:COUNT, None], EVERYONE, labels, "clean")
    own = Dataset(clean, picture_set(ALTERED, EVERYONE, labels, "aug"))
    assert shift_by_labels(own) is None
    altered = picture_set(ALTERED, EVERYONE - by, labels, "aug")
    said = str(shift_by_labels(Dataset(clean, altered)))
    assert f"by their labels 100% of the altered pictures belong to the clean picture one place {where}" in said


def test_neighbours_go_by_the_numbers_in_names():
    index = np.array([10, 9, 2])
    clean = picture_set(DIGITS[:3, None], index, np.zeros(3, int), "clean")
    dataset = Dataset(clean, clean)
    assert clean_neighbours(dataset, np.arange(3), 1).tolist() == [-1, 0, 1]
    assert clean_neighbours(dataset, np.arange(3), -1).tolist() == [1, 2, -1]
