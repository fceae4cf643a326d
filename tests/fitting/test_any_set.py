"""Sets of every size, with any classes and of every kind, are fitted to, or it is said in one line why not."""

from __future__ import annotations

import numpy as np
import pytest

from unalter.alter import Invert, Rotate
from unalter.alter.backgrounds import Backgrounds, blend, pattern_backgrounds
from unalter.data.digits import load_digits
from unalter.fitting import fit as fitting
from unalter.fitting.fit import fit_recipe
from unalter.fitting.remains import Remains
from unalter.fitting.search import ChainSearch, SearchResult
from unalter.support.errors import InputError

DIGITS = load_digits("train")[0][:200, None, 6:22, 7:21]  # 16 x 14: quicker


@pytest.fixture
def glance(monkeypatch):
    """In place of a search every objective measures two chains: all that differs from set to set."""

    class Glance(ChainSearch):
        def run(self) -> SearchResult:
            metric = self._metric(0.005)
            assert metric.expected_distance > 0
            for name in ("screen", "fit", "polish", "check", "glance"):
                distances = getattr(self._objectives, name).distances([(), (Rotate(), Invert())], metric)
                assert np.isfinite(distances).all()
            return SearchResult([(1.0, ())], 2.0, 1.0, Remains(0.0, ""))

    monkeypatch.setattr(fitting, "ChainSearch", Glance)


@pytest.mark.parametrize(
    ("count", "classes"), [(40, 1), (41, 40), (47, 0), (50, 10), (60, 10), (67, 3), (83, 10), (100, 20)]
)
def test_every_size_and_number_of_classes(glance, count, classes):
    labels = np.arange(count) % classes if classes else None
    fit = fit_recipe(DIGITS[:count], 255 - DIGITS[-count:], clean_labels=labels, altered_labels=labels)
    assert [branch.share for branch in fit.recipe.branches] == [1]


@pytest.mark.parametrize("count", [2, 3, 39])
def test_too_few_are_told_with_the_way_out(count):
    with pytest.raises(InputError, match=rf"40 pictures or more .* these are {count} clean and 50 .*--recipe"):
        fit_recipe(DIGITS[:count], DIGITS[:50])


def pictures(kind: str) -> np.ndarray:
    return {
        "masks": (DIGITS[:44] > 100).astype(np.uint8),
        "black": np.zeros((44, 1, 16, 14), np.uint8),
        "one grey each": np.arange(44, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 16, 14), np.uint8),
        "one picture": DIGITS[:1].repeat(44, 0),
        "black and white": (DIGITS[:44] > 100).astype(np.uint8) * 255,
        "colour": DIGITS[:44].repeat(3, 1) // np.array([1, 2, 3], np.uint8)[:, None, None],
        "wide": DIGITS[:44].repeat(3, 3),
        "large": DIGITS[:44].repeat(4, 2).repeat(4, 3),
    }[kind]


@pytest.mark.parametrize("kind", ["black and white", "colour", "wide", "large"])
def test_every_kind_of_picture(glance, kind):
    assert fit_recipe(pictures(kind), 255 - pictures(kind)[::-1]).recipe.branches


@pytest.mark.parametrize("kind", ["masks", "black", "one grey each"])
@pytest.mark.parametrize("part", ["clean", "altered"])
def test_pictures_that_show_nothing_are_told(kind, part):
    clean, altered = (pictures(kind), DIGITS[:44])[:: 1 if part == "clean" else -1]
    with pytest.raises(InputError, match=f"44 of the 44 {part} pictures are all but constant .*--recipe") as told:
        fit_recipe(clean, altered)
    assert "\n" not in str(told.value)


def test_one_altered_picture_again_and_again_is_told():
    with pytest.raises(InputError, match="all 44 altered pictures are the same"):
        fit_recipe(DIGITS[:44], pictures("one picture"))


def test_one_clean_picture_again_and_again_is_fitted_to(glance):
    assert fit_recipe(pictures("one picture"), DIGITS[:44]).recipe.branches


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 5)])
def test_pictures_of_a_few_pixels_are_told(size):
    tiny = np.arange(44 * size[0] * size[1], dtype=np.uint64).astype(np.uint8).reshape(44, 1, *size)
    with pytest.raises(InputError, match=rf"pixels or more; these are {size[0]} x {size[1]} "):
        fit_recipe(tiny, tiny)


def test_where_neither_blends_nor_others_are_many_the_more_are_fitted_to(glance):
    digits = load_digits("train")[0][:90, None]
    blended = blend(
        digits[:25], Backgrounds(pattern_backgrounds(1, 28, 28)[:1], 0.5, np.zeros(25, int)), np.zeros(25, int)
    )
    fit = fit_recipe(digits[45:], np.concatenate([blended, 255 - digits[25:45]]))
    assert [branch.words for branch in fit.recipe.branches] == [["blend"]]


def test_it_is_told_how_many_ways_were_tried(glance):
    told: list[int] = []
    fit_recipe(DIGITS[:44], 255 - DIGITS[44:88], on_tried=told.append)
    assert told == list(range(1, len(told) + 1))
    assert len(told) == 10
