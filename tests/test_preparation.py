from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from unalter import preparation
from unalter.alter import Blend, Branch, Flip, Invert, Recipe, load_recipe
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.console import Console
from unalter.data import Folders, Pictures
from unalter.data.digits import load_digits
from unalter.errors import InputError
from unalter.pairing import Pairs, pair_by_name
from unalter.pairing.pairs import VERIFIED
from unalter.preparation import check, content_hash, found_pairs, learned_recipe, pairs_for, recipe_for

pytestmark = pytest.mark.usefixtures("empty_cache")

QUIET = Console(quiet=True)
INVERT = Recipe("inverted", (Branch(1.0, (Invert(probability=1.0),)),))


def pictures(rows: range, altered: bool = False, first_index: int = 0) -> Pictures:
    images, labels = (part[rows.start : rows.stop] for part in load_digits("test"))
    index = np.array(rows) + first_index
    names = [f"{'aug' if altered else 'clean'}_{i}_{y}.png" for i, y in zip(index, labels, strict=True)]
    return Pictures(255 - images[:, None] if altered else images[:, None], index, labels, names)


@pytest.fixture
def folders() -> Folders:
    return Folders(pictures(range(20)), pictures(range(5, 25), altered=True))


@pytest.fixture
def nameless() -> Folders:
    return Folders(pictures(range(20)), pictures(range(5, 25), altered=True, first_index=1_000))


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

    def find_pairs(folders, recipe, **options):
        calls.asked.append(options)
        named = pair_by_name(folders)
        if not calls.verdict:
            alone = np.full_like(named.clean, -1)
            return replace(named, clean=alone, method=np.full(len(alone), ""), doubtful=named.clean)
        score = np.linspace(0, 1, len(named.clean)) / 3
        method = np.where(named.clean >= 0, VERIFIED, "")
        return replace(named, method=method, score=score, margin=np.where(named.clean >= 0, score, np.nan))

    monkeypatch.setattr(preparation, "find_pairs", find_pairs)
    return calls


def pairs_of(folders: Folders, recipe: Recipe = INVERT, by_appearance: bool = True, precision: float = 0.99) -> Pairs:
    return found_pairs(folders, recipe, by_appearance, precision, 0, lambda what, done: None)


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


def test_a_recipe_is_fitted_once_to_the_same_folders(folders, fits):
    first, second = (learned_recipe(folders, 0, QUIET) for _ in range(2))
    assert len(fits.given) == 1
    assert first.to_yaml() == second.to_yaml() == fits.recipe.to_yaml()
    clean, altered, options = fits.given[0]
    assert clean is folders.clean.images and altered is folders.altered.images
    np.testing.assert_array_equal(options["clean_labels"], folders.clean.labels)
    np.testing.assert_array_equal(options["altered_labels"], folders.altered.labels)
    assert options["seed"] == 0


def test_backgrounds_are_kept_with_the_recipe(folders, fits):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    fits.recipe = Recipe("fitted", (Branch(1.0, (Blend(backgrounds=backgrounds),)),))
    for _ in range(2):
        (branch,) = learned_recipe(folders, 0, QUIET).branches
        (blend,) = branch.steps
        assert isinstance(blend, Blend) and blend.backgrounds is not None
        assert torch.equal(blend.backgrounds, backgrounds)
    assert len(fits.given) == 1


def test_other_pictures_and_another_seed_are_fitted_anew(folders, fits):
    learned_recipe(folders, 0, QUIET)
    learned_recipe(folders, 1, QUIET)
    changed = np.array(folders.altered.images)
    changed[3, 0, 5, 5] ^= 1
    learned_recipe(Folders(folders.clean, replace(folders.altered, images=changed)), 0, QUIET)
    learned_recipe(Folders(folders.clean.rows(np.arange(19)), folders.altered), 0, QUIET)
    assert len(fits.given) == 4


@pytest.mark.parametrize("damage", ["empty", "half", "junk"])
def test_a_damaged_recipe_is_fitted_anew_and_replaced(folders, fits, empty_cache, damage):
    learned_recipe(folders, 0, QUIET)
    file = kept(empty_cache, "recipe.yaml")
    whole = file.read_bytes()
    file.write_bytes(DAMAGE[damage](whole))
    assert learned_recipe(folders, 0, QUIET).to_yaml() == fits.recipe.to_yaml()
    assert len(fits.given) == 2
    assert file.read_bytes() == whole


def test_a_kept_recipe_that_lost_its_backgrounds_is_fitted_anew(folders, fits, empty_cache):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    fits.recipe = Recipe("fitted", (Branch(1.0, (Blend(backgrounds=backgrounds),)),))
    learned_recipe(folders, 0, QUIET)
    folder = kept(empty_cache, "recipe.yaml").parent / "backgrounds"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert not learned_recipe(folders, 0, QUIET).needs_backgrounds


def test_pairs_are_found_once_for_the_same_folders_and_recipe(folders, searches):
    first, second = pairs_of(folders), pairs_of(folders)
    assert_equal(first, second)
    (asked,) = searches.asked
    assert asked.pop("on_progress") is not None
    assert asked == {"by_appearance": True, "only": None, "precision": 0.99, "seed": 0}


def test_whatever_pairs_depend_on_is_searched_anew(folders, searches):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    blends = [Recipe("b", (Branch(1.0, (Blend(backgrounds=part),)),)) for part in (backgrounds[:1], backgrounds[1:2])]
    pairs_of(folders)
    pairs_of(folders, by_appearance=False)
    pairs_of(folders, precision=0.9)
    pairs_of(folders, Recipe("inverted", (Branch(1.0, (Invert(probability=0.9),)),)))
    for blend in blends:
        pairs_of(folders, blend)
    labels = folders.altered.labels.copy()
    labels[0] += 1
    pairs_of(Folders(folders.clean, replace(folders.altered, labels=labels)))
    assert len(searches.asked) == 7


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_pairs_are_searched_anew_and_replaced(folders, searches, empty_cache, damage):
    first = pairs_of(folders)
    file = kept(empty_cache, "*.npz")
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    assert_equal(pairs_of(folders), first)
    assert len(searches.asked) == 2
    assert_equal(pairs_of(folders), first)
    assert len(searches.asked) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(folders, fits, searches, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))  # below a regular file
    for times in (1, 2):
        assert learned_recipe(folders, 0, QUIET).to_yaml() == fits.recipe.to_yaml()
        assert len(pairs_of(folders).altered) == 15
        assert len(fits.given) == len(searches.asked) == times


@pytest.mark.parametrize(
    ("method", "names", "asked"),
    [
        ("trust", "right", []),
        ("trust", "none", []),
        ("names", "right", [False]),
        ("names", "none", [False]),
        ("names", "wrong", [False]),
        ("looks", "right", [True]),
        ("looks", "none", [True]),
        ("auto", "right", [False]),
        ("auto", "none", [True]),
        ("auto", "wrong", [False, True]),
    ],
)
def test_pairs_are_searched_by_appearance_where_asked_for_or_where_names_do_not_help(
    folders, nameless, searches, method, names, asked
):
    searches.verdict = names == "right"
    pairs_for(method, nameless if names == "none" else folders, INVERT, 0, QUIET)
    assert [options["by_appearance"] for options in searches.asked] == asked


@pytest.mark.parametrize(("method", "some"), [("auto", True), ("names", False), ("looks", False)])
def test_of_very_many_pictures_some_are_looked_at_unless_asked_for(
    folders, searches, method, some, monkeypatch, capsys
):
    monkeypatch.setattr(preparation, "_LOOKED_AT", 6)
    pairs_for(method, folders, INVERT, 0, Console())
    pairs_for(method, folders, INVERT, 0, Console())
    assert len(searches.asked) == 1  # the second time from the cache
    only = searches.asked[0]["only"]
    said = "pairs: looking at 6 of the 20 altered pictures (--pairing names or looks: at all)"
    assert (said in capsys.readouterr().out) == some
    assert (only is not None) == some
    if some:
        assert len(set(only.tolist())) == 6
        np.testing.assert_array_equal(only, np.sort(only))
    pairs_for("names", folders, INVERT, 0, QUIET)
    assert len(searches.asked) == (1 if method == "names" else 2)


def test_names_that_are_no_text_have_a_hash(folders):
    strange = replace(folders.clean, names=[os.fsdecode(b"\xff" + str(i).encode()) for i in range(20)])
    assert content_hash(Folders(strange, folders.altered)) != content_hash(folders)


def test_names_are_taken_as_they_are_without_a_recipe_or_where_they_are_trusted(folders, searches):
    for method, recipe in (("trust", INVERT), ("trust", None), ("names", None), ("auto", None)):
        assert_equal(pairs_for(method, folders, recipe, 0, QUIET), pair_by_name(folders))
    assert searches.asked == []
    with pytest.raises(InputError, match="with the help of a recipe"):
        pairs_for("looks", folders, None, 0, QUIET)


def test_a_recipe_by_its_name_is_not_fitted_and_auto_is(folders, fits):
    assert recipe_for("noise", folders, 0, QUIET).to_yaml() == load_recipe("noise").to_yaml()
    assert fits.given == []
    assert recipe_for("auto", folders, 0, QUIET).to_yaml() == fits.recipe.to_yaml()
    assert len(fits.given) == 1


def test_blends_of_a_preset_take_their_backgrounds_from_the_folder_or_go(folders, capsys):
    without = recipe_for("altered-mnist", folders, 0, Console())
    assert not without.blends
    assert "no fixed backgrounds found" in capsys.readouterr().out
    blended = replace(folders.altered, images=folders.clean.images // 2 + pattern_backgrounds(1, 28, 28)[0] // 2)
    found = recipe_for("altered-mnist", Folders(folders.clean, blended), 0, Console())
    assert "1 fixed backgrounds found in 100.0%" in capsys.readouterr().out
    assert found.blends and not found.needs_backgrounds


def test_a_recipe_for_pictures_of_another_size_is_refused(folders, tmp_path):
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 14, 14)).float() / 255
    Recipe("small", (Branch(1.0, (Blend(backgrounds=backgrounds),)),)).save(tmp_path / "recipe.yaml")
    with pytest.raises(InputError, match="made for 14 x 14 pictures"):
        recipe_for(str(tmp_path / "recipe.yaml"), folders, 0, QUIET)


def test_folders_that_nothing_can_be_learned_from_are_refused(folders):
    check(folders)
    tiny = [replace(part, images=part.images[:, :, :6]) for part in (folders.clean, folders.altered)]
    with pytest.raises(InputError, match="at least 7 x 7"):
        check(Folders(*tiny))
    with pytest.raises(InputError, match="no label is in both folders"):
        check(Folders(folders.clean, replace(folders.altered, labels=folders.altered.labels + 10)))
    with pytest.raises(InputError, match="untouched copies"):
        check(Folders(folders.clean, folders.clean))


def test_the_hash_is_of_pixels_names_and_labels():
    def some(**changes) -> Folders:
        return Folders(pictures(range(20)), replace(pictures(range(5, 25), altered=True), **changes))

    part = some().altered
    assert content_hash(some()) == content_hash(some())
    others = [
        some(images=part.images ^ 1), some(labels=part.labels + 1), some(names=["x_0_0.png", *part.names[1:]]),
        Folders(part, some().clean),
    ]  # fmt: skip
    assert len({content_hash(folders) for folders in [some(), *others]}) == 5
