from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from unalter.alter import Blend, Branch, Flip, Invert, Recipe, load_recipe
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.data.dataset import Dataset, ImageSet
from unalter.data.digits import load_digits
from unalter.pairing.names import pair_by_name
from unalter.pairing.pairs import VERIFIED, Pairs
from unalter.pipeline import prepare as preparation
from unalter.pipeline.prepare import check, content_hash, found_pairs, learned_recipe, pairs_for, recipe_for
from unalter.support.console import Console
from unalter.support.errors import InputError

pytestmark = pytest.mark.usefixtures("empty_cache")

QUIET = Console(quiet=True)
INVERT = Recipe("inverted", (Branch(1.0, (Invert(probability=1.0),)),))


def pictures(rows: range, altered: bool = False, first_index: int = 0) -> ImageSet:
    images, labels = (part[rows.start : rows.stop] for part in load_digits("test"))
    index = np.array(rows) + first_index
    names = [f"{'aug' if altered else 'clean'}_{i}_{y}.png" for i, y in zip(index, labels, strict=True)]
    return ImageSet(255 - images[:, None] if altered else images[:, None], index, labels, names)


@pytest.fixture
def dataset() -> Dataset:
    return Dataset(pictures(range(20)), pictures(range(5, 25), altered=True))


@pytest.fixture
def nameless() -> Dataset:
    return Dataset(pictures(range(20)), pictures(range(5, 25), altered=True, first_index=1_000))


@pytest.fixture
def fits(monkeypatch):
    """What `fit_recipe` was called with, once each time; what it gives can be set as `fits.recipe`."""
    calls = SimpleNamespace(given=[], recipe=Recipe("fitted", (Branch(0.5, (Invert(), Flip())), Branch(0.5, ()))))

    def fit_recipe(clean, altered, **options):
        calls.given.append((clean, altered, options))
        return SimpleNamespace(recipe=calls.recipe)

    monkeypatch.setattr(preparation, "fit_recipe", fit_recipe)
    return calls


@pytest.fixture
def searches(monkeypatch):
    """What `find_pairs` was asked for, once each time; it then verifies all name pairs, or by `verdict` none."""
    calls = SimpleNamespace(asked=[], verdict=True)

    def find_pairs(dataset, recipe, **options):
        calls.asked.append(options)
        named = pair_by_name(dataset)
        if not calls.verdict:
            alone = np.full_like(named.clean, -1)
            return replace(named, clean=alone, method=np.full(len(alone), ""), doubtful=named.clean)
        score = np.linspace(0, 1, len(named.clean)) / 3
        method = np.where(named.clean >= 0, VERIFIED, "")
        return replace(named, method=method, score=score, margin=np.where(named.clean >= 0, score, np.nan))

    monkeypatch.setattr(preparation, "find_pairs", find_pairs)
    return calls


def pairs_of(dataset: Dataset, recipe: Recipe = INVERT, by_appearance: bool = True, precision: float = 0.99) -> Pairs:
    return found_pairs(dataset, recipe, by_appearance, precision, 0, lambda what, done: None)


def assert_equal(one: Pairs, other: Pairs) -> None:
    for name, values in vars(one).items():
        np.testing.assert_array_equal(values, getattr(other, name), name)


def kept(cache: Path, kind: str) -> Path:
    (file,) = (path for path in cache.rglob(kind) if path.is_file())
    return file


DAMAGE = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "a byte less": lambda whole: whole[:-1],
    "junk": lambda whole: b"junk" * 50,
    "other bytes inside": lambda whole: whole[: len(whole) // 3] + bytes(40) + whole[len(whole) // 3 + 40 :],
}


def test_a_recipe_is_fitted_once_to_the_same_folders(dataset, fits):
    first, second = (learned_recipe(dataset, 0, QUIET) for _ in range(2))
    assert len(fits.given) == 1
    assert first.to_yaml() == second.to_yaml() == fits.recipe.to_yaml()
    clean, altered, options = fits.given[0]
    assert clean is dataset.clean.images and altered is dataset.altered.images
    np.testing.assert_array_equal(options["clean_labels"], dataset.clean.labels)
    np.testing.assert_array_equal(options["altered_labels"], dataset.altered.labels)
    assert options["seed"] == 0


def test_backgrounds_are_kept_with_the_recipe(dataset, fits):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    fits.recipe = Recipe("fitted", (Branch(1.0, (Blend(backgrounds=backgrounds),)),))
    for _ in range(2):
        (branch,) = learned_recipe(dataset, 0, QUIET).branches
        (blend,) = branch.steps
        assert isinstance(blend, Blend) and blend.backgrounds is not None
        assert torch.equal(blend.backgrounds, backgrounds)
    assert len(fits.given) == 1


def test_other_pictures_and_another_seed_are_fitted_anew(dataset, fits):
    learned_recipe(dataset, 0, QUIET)
    learned_recipe(dataset, 1, QUIET)
    changed = np.array(dataset.altered.images)
    changed[3, 0, 5, 5] ^= 1
    learned_recipe(Dataset(dataset.clean, replace(dataset.altered, images=changed)), 0, QUIET)
    learned_recipe(Dataset(dataset.clean.rows(np.arange(19)), dataset.altered), 0, QUIET)
    assert len(fits.given) == 4


@pytest.mark.parametrize("damage", ["empty", "half", "junk"])
def test_a_damaged_recipe_is_fitted_anew_and_replaced(dataset, fits, empty_cache, damage):
    learned_recipe(dataset, 0, QUIET)
    file = kept(empty_cache, "recipe.yaml")
    whole = file.read_bytes()
    file.write_bytes(DAMAGE[damage](whole))
    assert learned_recipe(dataset, 0, QUIET).to_yaml() == fits.recipe.to_yaml()
    assert len(fits.given) == 2
    assert file.read_bytes() == whole


def test_a_kept_recipe_that_lost_its_backgrounds_is_fitted_anew(dataset, fits, empty_cache):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    fits.recipe = Recipe("fitted", (Branch(1.0, (Blend(backgrounds=backgrounds),)),))
    learned_recipe(dataset, 0, QUIET)
    folder = kept(empty_cache, "recipe.yaml").parent / "recipe-backgrounds"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert not learned_recipe(dataset, 0, QUIET).needs_backgrounds


def test_pairs_are_found_once_for_the_same_folders_and_recipe(dataset, searches):
    first, second = pairs_of(dataset), pairs_of(dataset)
    assert_equal(first, second)
    (asked,) = searches.asked
    assert asked.pop("on_progress") is not None and asked.pop("processes").world == 1
    assert asked == {"by_appearance": True, "only": None, "precision": 0.99, "seed": 0}


def test_whatever_pairs_depend_on_is_searched_anew(dataset, searches):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    blends = [Recipe("b", (Branch(1.0, (Blend(backgrounds=part),)),)) for part in (backgrounds[:1], backgrounds[1:2])]
    pairs_of(dataset)
    pairs_of(dataset, by_appearance=False)
    pairs_of(dataset, precision=0.9)
    pairs_of(dataset, Recipe("inverted", (Branch(1.0, (Invert(probability=0.9),)),)))
    for blend in blends:
        pairs_of(dataset, blend)
    labels = dataset.altered.labels.copy()
    labels[0] += 1
    pairs_of(Dataset(dataset.clean, replace(dataset.altered, labels=labels)))
    assert len(searches.asked) == 7


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_pairs_are_searched_anew_and_replaced(dataset, searches, empty_cache, damage):
    first = pairs_of(dataset)
    file = kept(empty_cache, "*.npz")
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    assert_equal(pairs_of(dataset), first)
    assert len(searches.asked) == 2
    assert_equal(pairs_of(dataset), first)
    assert len(searches.asked) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(dataset, fits, searches, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))  # below a regular file
    for times in (1, 2):
        assert learned_recipe(dataset, 0, QUIET).to_yaml() == fits.recipe.to_yaml()
        assert len(pairs_of(dataset).altered) == 15
        assert len(fits.given) == len(searches.asked) == times


@pytest.mark.parametrize(
    ("method", "names", "asked"),
    [
        ("trust", "right", []),
        ("trust", "none", []),
        ("names", "right", [False]),
        ("names", "none", [False]),
        ("names", "wrong", [False]),
        ("appearance", "right", [True]),
        ("appearance", "none", [True]),
        ("auto", "right", [False]),
        ("auto", "none", [True]),
        ("auto", "wrong", [False, True]),
    ],
)
def test_pairs_are_searched_by_appearance_where_asked_for_or_where_names_do_not_help(
    dataset, nameless, searches, method, names, asked
):
    searches.verdict = names == "right"
    pairs_for(method, nameless if names == "none" else dataset, INVERT, 0, QUIET)
    assert [options["by_appearance"] for options in searches.asked] == asked


@pytest.mark.parametrize(("method", "some"), [("auto", True), ("names", False), ("appearance", False)])
def test_of_very_many_pictures_some_are_looked_at_unless_asked_for(
    dataset, searches, method, some, monkeypatch, capsys
):
    monkeypatch.setattr(preparation, "_LOOKED_AT", 6)
    pairs_for(method, dataset, INVERT, 0, Console())
    pairs_for(method, dataset, INVERT, 0, Console())
    assert len(searches.asked) == 1  # the second time from the cache
    only = searches.asked[0]["only"]
    said = "pairs: looking at 6 of the 20 altered pictures (--pairing names or appearance: at all)"
    assert (said in capsys.readouterr().out) == some
    assert (only is not None) == some
    if some:
        assert len(set(only.tolist())) == 6
        np.testing.assert_array_equal(only, np.sort(only))
    pairs_for("names", dataset, INVERT, 0, QUIET)
    assert len(searches.asked) == (1 if method == "names" else 2)


def test_names_that_are_no_text_have_a_hash(dataset):
    strange = replace(dataset.clean, names=[os.fsdecode(b"\xff" + str(i).encode()) for i in range(20)])
    assert content_hash(Dataset(strange, dataset.altered)) != content_hash(dataset)


def test_names_are_taken_as_they_are_without_a_recipe_or_where_they_are_trusted(dataset, searches):
    for method, recipe in (("trust", INVERT), ("trust", None), ("names", None), ("auto", None)):
        assert_equal(pairs_for(method, dataset, recipe, 0, QUIET), pair_by_name(dataset))
    assert searches.asked == []
    with pytest.raises(InputError, match="with the help of a recipe"):
        pairs_for("appearance", dataset, None, 0, QUIET)


def test_a_recipe_by_its_name_is_not_fitted_and_auto_is(dataset, fits):
    assert recipe_for("noise", dataset, 0, QUIET).to_yaml() == load_recipe("noise").to_yaml()
    assert fits.given == []
    assert recipe_for("auto", dataset, 0, QUIET).to_yaml() == fits.recipe.to_yaml()
    assert len(fits.given) == 1


def test_blends_of_a_preset_take_their_backgrounds_from_the_folder_or_go(dataset, capsys):
    without = recipe_for("altered-mnist", dataset, 0, Console())
    assert not without.blends
    assert "no fixed backgrounds found" in capsys.readouterr().out
    blended = replace(dataset.altered, images=dataset.clean.images // 2 + pattern_backgrounds(1, 28, 28)[0] // 2)
    found = recipe_for("altered-mnist", Dataset(dataset.clean, blended), 0, Console())
    assert "1 fixed backgrounds found in 100.0%" in capsys.readouterr().out
    assert found.blends and not found.needs_backgrounds


def test_a_recipe_for_pictures_of_another_size_is_refused(dataset, tmp_path):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 14, 14)).float() / 255
    Recipe("small", (Branch(1.0, (Blend(backgrounds=backgrounds),)),)).save(tmp_path / "recipe.yaml")
    with pytest.raises(InputError, match="made for 14 x 14 pictures"):
        recipe_for(str(tmp_path / "recipe.yaml"), dataset, 0, QUIET)


def test_folders_that_nothing_can_be_learned_from_are_refused(dataset):
    check(dataset)
    tiny = [replace(part, images=part.images[:, :, :6]) for part in (dataset.clean, dataset.altered)]
    with pytest.raises(InputError, match="at least 7 x 7"):
        check(Dataset(*tiny))
    with pytest.raises(InputError, match="no label is in both folders"):
        check(Dataset(dataset.clean, replace(dataset.altered, labels=dataset.altered.labels + 10)))
    with pytest.raises(InputError, match="untouched copies"):
        check(Dataset(dataset.clean, dataset.clean))


def test_the_hash_is_of_pixels_names_and_labels():
    def some(**changes) -> Dataset:
        return Dataset(pictures(range(20)), replace(pictures(range(5, 25), altered=True), **changes))

    part = some().altered
    assert content_hash(some()) == content_hash(some())
    others = [
        some(images=part.images ^ 1), some(labels=part.labels + 1), some(names=["x_0_0.png", *part.names[1:]]),
        Dataset(part, some().clean),
    ]  # fmt: skip
    assert len({content_hash(dataset) for dataset in [some(), *others]}) == 5


@pytest.mark.parametrize("method", ["names", "auto"])
def test_names_that_are_shifted_by_one_are_said(searches, capsys, method):
    clean, altered = pictures(range(20)), pictures(range(19), altered=True)
    for part in (clean, altered):
        part.labels[:] = 0
    preparation.pairs_for(method, Dataset(clean, altered), INVERT, 0, Console())
    assert "shifted" not in capsys.readouterr().out
    altered.index[:] += 1
    find = preparation.find_pairs

    def neighbours(dataset, recipe, **options):
        found = find(dataset, recipe, **options)
        there = found.clean >= 0
        return replace(
            found, doubtful=found.clean, likeliest=np.where(there, found.clean - 1, -1), method=np.full(len(there), "")
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparation, "find_pairs", neighbours)
        preparation.pairs_for(method, Dataset(clean, altered), INVERT, 1, Console())
    assert "one place before the one of their name: is the list of names shifted by one" in capsys.readouterr().out


@pytest.mark.parametrize("recipe", [None, INVERT])
def test_names_that_are_shifted_by_one_are_said_where_they_are_trusted(capsys, recipe):
    clean, altered = pictures(range(20)), pictures(range(19), altered=True)
    for part in (clean, altered):
        part.labels[:] = 0
    preparation.pairs_for("trust", Dataset(clean, altered), recipe, 0, Console())
    assert "shifted" not in capsys.readouterr().out
    altered.index[:] += 1
    preparation.pairs_for("trust", Dataset(clean, altered), recipe, 0, Console())
    assert "look more like the clean picture one place before" in capsys.readouterr().out
