from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from unalter.alter import Blend, Branch, KeyedDraws, Recipe, Rotate, fold_in
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.data.dataset import Dataset, ImageSet
from unalter.data.digits import first_of_each_class, load_digits
from unalter.images.convert import to_uint8
from unalter.pairing import find
from unalter.pairing.find import check_altered
from unalter.pairing.options import PairingOptions
from unalter.pairing.pairs import Pairs, write_pairs
from unalter.support.errors import InputError

EACH, STRANGE = 12, 4  # digits of each class, and how many of them are not in the clean folder
IMAGES, LABELS = (part[first_of_each_class(load_digits("test")[1], EACH)] for part in load_digits("test"))
IMAGES = IMAGES[:, None]
N = len(IMAGES)
STRANGERS = np.isin(np.arange(N), first_of_each_class(LABELS, STRANGE))
BACKGROUNDS = torch.from_numpy(pattern_backgrounds(1, 28, 28)[:2]).float() / 255

TURNED = Recipe("turned", (Branch(1.0, (Rotate(degrees=(-20, 20)),)),))
BLENDED = Recipe("blended", (Branch(1.0, (Blend(backgrounds=BACKGROUNDS),)),))
BOTH = Recipe("both", (*(replace(branch, share=0.5) for branch in (*BLENDED.branches, *TURNED.branches)),))


SMALL = PairingOptions(
    imitated_true=100, imitated=150, least_imitated=150, samples=1_000, poses=100, shortlist=16, least_matcher_steps=5,
    most_matcher_steps=5,
)  # fmt: skip
"""Seconds in place of minutes."""


def find_pairs(dataset: Dataset, recipe: Recipe, options: PairingOptions = SMALL, **more) -> Pairs:
    return find.find_pairs(dataset, recipe, options=options, **more)


def pictures(images: np.ndarray, labels: np.ndarray, index: np.ndarray, kind: str) -> ImageSet:
    return ImageSet(images, index, labels, [f"{kind}_{i}_{y}.png" for i, y in zip(index, labels, strict=True)])


def folders_of(recipe: Recipe, index: np.ndarray | None = None) -> Dataset:
    """Every digit altered; the clean folder lacks the strangers. `index`: in the names of altered pictures."""
    x = torch.from_numpy(IMAGES).float() / 255
    altered = to_uint8(recipe(x, KeyedDraws(fold_in(99, torch.arange(N)))).numpy())
    rows = np.flatnonzero(~STRANGERS)
    return Dataset(
        pictures(IMAGES[rows], LABELS[rows], rows, "clean"),
        pictures(altered, LABELS, np.arange(N) if index is None else index, "aug"),
    )


def origin(dataset: Dataset) -> np.ndarray:
    """The clean folder's row of the digit that each altered picture was made from; -1 for strangers."""
    rows = {index: row for row, index in enumerate(dataset.clean.index.tolist())}
    return np.array([rows.get(i, -1) for i in range(N)])


def swapped() -> tuple[np.ndarray, np.ndarray]:
    """Indices of which two of one label are exchanged, and which two."""
    two = np.flatnonzero((LABELS == 3) & ~STRANGERS)[:2]
    index = np.arange(N)
    index[two] = two[::-1]
    return index, two


def shuffled() -> np.ndarray:
    """Indices that are all wrong: each picture has that of another one of its label."""
    index = np.empty(N, np.int64)
    for label in np.unique(LABELS):
        same = np.flatnonzero(label == LABELS)
        index[same] = np.roll(same, 1)
    return index


def assert_consistent(pairs: Pairs, dataset: Dataset) -> None:
    """What holds however pairs were found."""
    there = pairs.clean >= 0
    np.testing.assert_array_equal(pairs.method == "", ~there)
    np.testing.assert_array_equal(dataset.clean.labels[pairs.clean[there]], dataset.altered.labels[there])
    assert ((pairs.score >= 0) & (pairs.score <= 1)).all()
    named = pairs.method == "verified"
    np.testing.assert_array_equal(dataset.clean.index[pairs.clean[named]], dataset.altered.index[named])


@pytest.mark.parametrize("recipe", [TURNED, BLENDED, BOTH], ids=lambda recipe: recipe.name)
def test_names_that_are_right_are_verified_and_strangers_stay_alone(recipe):
    dataset = folders_of(recipe)
    pairs = find_pairs(dataset, recipe, by_appearance=False)
    truth = origin(dataset)
    named = truth >= 0
    verified = pairs.method == "verified"
    assert verified[named].mean() > 0.95  # one true pair in a hundred may look wrong
    np.testing.assert_array_equal(pairs.clean[verified], truth[verified])
    assert (pairs.clean[~named] == -1).all()
    np.testing.assert_array_equal(pairs.doubtful >= 0, named & ~verified)
    assert_consistent(pairs, dataset)


@pytest.mark.parametrize("recipe", [TURNED, BLENDED], ids=lambda recipe: recipe.name)
def test_two_swapped_names_are_doubtful_and_the_file_says_so(recipe, tmp_path):
    index, two = swapped()
    dataset = folders_of(recipe, index)
    pairs = find_pairs(dataset, recipe, by_appearance=False)
    truth = origin(dataset)
    np.testing.assert_array_equal(pairs.doubtful[two], truth[two[::-1]])
    assert (pairs.clean[two] == -1).all()
    assert (pairs.score[two] == 0).all()
    write_pairs(tmp_path / "pairs.csv", dataset, pairs)
    lines = (tmp_path / "pairs.csv").read_text().splitlines()[1:]
    for row, other in zip(two, two[::-1], strict=True):
        assert lines[row].startswith(f"aug_{other}_3.png,none,,0.0000,")
        assert lines[row].endswith(f",does not look like clean_{other}_3.png")


def test_swapped_names_are_put_right_by_appearance():
    index, two = swapped()
    dataset = folders_of(BLENDED, index)
    pairs = find_pairs(dataset, BLENDED, precision=0.9)
    truth = origin(dataset)
    np.testing.assert_array_equal(pairs.clean[two], truth[two])
    assert (pairs.method[two] == "appearance").all()
    assert (pairs.doubtful[two] >= 0).all()
    assert_consistent(pairs, dataset)


@pytest.mark.parametrize("recipe", [TURNED, BLENDED], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("shortlist", [EACH, 7])
def test_without_names_most_partners_are_found_by_appearance_and_strangers_get_none(recipe, shortlist):
    dataset = folders_of(recipe, 1_000 + np.random.default_rng(0).permutation(N))
    told = []
    options = replace(SMALL, shortlist=shortlist)
    pairs = find_pairs(dataset, recipe, options, on_progress=lambda what, done: told.append((what, done)))
    truth = origin(dataset)
    assert (pairs.clean[truth < 0] == -1).all()
    assert (pairs.clean == truth)[truth >= 0].mean() > 0.8
    found = pairs.clean >= 0
    np.testing.assert_array_equal(pairs.clean[found], truth[found])
    assert set(pairs.method[found]) == {"appearance"}
    assert pairs.score[found].min() > pairs.score[~found].max()
    assert np.median(pairs.margin[found]) > 0.9
    assert (pairs.doubtful == -1).all()
    matched = recipe == TURNED and shortlist < EACH - STRANGE
    assert any(what == "training the matcher" for what, _ in told) == matched
    searched = [done for what, done in told if what == "searching"]
    assert searched == sorted(searched) and searched[-1] == pytest.approx(1)
    assert_consistent(pairs, dataset)


@pytest.mark.parametrize("precision", [0.8, 0.95])
def test_the_asked_share_of_the_pairs_found_by_appearance_is_right(precision):
    dataset = folders_of(BLENDED, 1_000 + np.arange(N))
    pairs = find_pairs(dataset, BLENDED, precision=precision)
    found = pairs.clean >= 0
    assert found.sum() >= 80
    assert (pairs.clean == origin(dataset))[found].mean() >= precision - 0.03


@pytest.mark.parametrize("precision", [0.5, 0.99])
def test_a_picture_whose_label_no_clean_one_has_gets_no_partner_at_any_precision(precision):
    dataset = folders_of(BLENDED, 1_000 + np.arange(N))
    unknown = LABELS == 7
    labels = np.where(unknown, 77, LABELS)
    dataset = Dataset(dataset.clean, replace(dataset.altered, labels=labels))
    pairs = find_pairs(dataset, BLENDED, precision=precision)
    for values in (pairs.clean, pairs.likeliest):
        assert (values[unknown] == -1).all()
    assert (pairs.score[unknown] == 0).all()
    assert_consistent(pairs, dataset)


def test_a_seed_finds_the_same_pairs_again():
    dataset = folders_of(BLENDED, 1_000 + np.arange(N))
    first, again = (find_pairs(dataset, BLENDED, seed=5) for _ in range(2))
    for name, values in vars(first).items():
        np.testing.assert_array_equal(values, getattr(again, name), name)


def test_names_hold_that_look_right_and_not_those_that_look_wrong():
    assert find_pairs(folders_of(TURNED), TURNED, by_appearance=False).names_hold
    pairs = find_pairs(folders_of(TURNED, shuffled()), TURNED, by_appearance=False)
    assert not pairs.names_hold
    assert "the names mean nothing here, or the recipe is not how these pictures were altered" in pairs.summary()


def test_pictures_that_are_not_looked_at_keep_the_pair_of_their_name_where_names_hold():
    dataset = folders_of(TURNED)
    only = np.arange(1, N, 2)
    pairs, whole = (find_pairs(dataset, TURNED, by_appearance=False, only=rows) for rows in (only, None))
    for name, values in vars(pairs).items():
        np.testing.assert_array_equal(values[only], getattr(whole, name)[only], name)
    others = np.setdiff1d(np.arange(N), only)
    np.testing.assert_array_equal(pairs.clean[others], origin(dataset)[others])
    assert set(pairs.method[others]) == {"name", ""}


def test_pictures_that_are_not_looked_at_get_no_pair_where_names_do_not_hold():
    dataset = folders_of(BLENDED, shuffled())
    only = np.arange(0, N, 2)
    pairs = find_pairs(dataset, BLENDED, only=only)
    assert not pairs.names_hold
    unseen = np.setdiff1d(np.arange(N), only)
    for values, nothing in ((pairs.clean, -1), (pairs.likeliest, -1), (pairs.method, ""), (pairs.score, 0)):
        assert (values[unseen] == nothing).all()
    found = pairs.clean[only] >= 0
    assert found.mean() > 0.4
    np.testing.assert_array_equal(pairs.clean[only][found], origin(dataset)[only][found])


def test_folders_without_a_label_in_common_are_refused():
    dataset = folders_of(TURNED)
    other = replace(dataset.altered, labels=dataset.altered.labels + 10)
    with pytest.raises(InputError, match=r"no label is in both folders: clean/ has 0, 1.*aug/ has 10, 11"):
        check_altered(Dataset(dataset.clean, other))
    half = replace(dataset.altered, labels=np.where(LABELS < 5, LABELS + 10, LABELS))
    check_altered(Dataset(dataset.clean, half))


def test_an_altered_folder_that_holds_the_clean_pictures_is_refused():
    dataset = folders_of(TURNED)
    rows = np.arange(len(dataset.clean))[::-1]
    with pytest.raises(InputError, match=r"80 of the 80 pictures in aug/ are untouched copies"):
        check_altered(Dataset(dataset.clean, dataset.clean.rows(rows)))
    mixed = dataset.altered.images.copy()
    mixed[~STRANGERS] = dataset.clean.images  # two thirds: part of them may be left as they are
    check_altered(Dataset(dataset.clean, replace(dataset.altered, images=mixed)))


def test_right_names_are_not_doubted_because_the_recipe_is_not_how_pictures_were_altered():
    narrow = Recipe("narrow", (Branch(1.0, (Rotate(degrees=(-8, 8)),)),))
    pairs = find_pairs(folders_of(TURNED), narrow, by_appearance=False)
    assert (pairs.doubtful >= 0).sum() < 5  # of 80; a third of them cannot be explained


def test_no_name_and_no_search_gives_no_pair():
    dataset = folders_of(TURNED, 1_000 + np.arange(N))
    pairs = find_pairs(dataset, TURNED, by_appearance=False)
    assert (pairs.clean == -1).all()
    assert (pairs.doubtful == -1).all()
