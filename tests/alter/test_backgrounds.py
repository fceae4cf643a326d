import numpy as np
import pytest
import torch

from unalter.alter import Blend, Branch, Invert, Recipe, load_recipe
from unalter.alter.backgrounds import (
    Backgrounds,
    blend,
    find_backgrounds,
    pattern_backgrounds,
    recognise,
    unblend,
)
from unalter.data.digits import load_digits

DIGITS = load_digits("test")[0][:, None]


def blended(digits: np.ndarray, backgrounds: np.ndarray, weight: float) -> np.ndarray:
    """[N, 1, H, W] on backgrounds of as many or three channels, taken in turn."""
    which = np.arange(len(digits)) % len(backgrounds)
    return np.rint(weight * digits + (1 - weight) * backgrounds[which].astype(float)).astype(np.uint8)


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("channels", [1, 3])
def test_planted_backgrounds_are_found_with_weight_and_members(weight, channels):
    planted = np.random.default_rng(3).integers(0, 256, (3, channels, 28, 28), dtype=np.uint8)
    images = np.repeat(DIGITS[:500], channels, 1)
    images[::2] = blended(DIGITS[:500:2], planted, weight)

    found = find_backgrounds(images)

    assert found is not None
    assert found.images.shape == planted.shape
    assert found.weight == pytest.approx(weight, abs=0.01)
    assert found.share == pytest.approx(0.5)
    distance = np.abs(found.images[:, None].astype(int) - planted).max((2, 3, 4))  # [found, planted]
    match = distance.argmin(1)
    assert sorted(match) == [0, 1, 2]
    assert distance.min(1).max() <= np.ceil(0.5 / (1 - weight)) + 1  # what the rounding of the blend leaves open
    assert (found.members[1::2] == -1).all()
    np.testing.assert_array_equal(match[found.members[::2]], np.arange(250) % 3)


def test_smooth_backgrounds_are_found():
    planted = pattern_backgrounds(1, 28, 28)
    found = find_backgrounds(blended(DIGITS[:600], planted, 0.5))
    assert found is not None
    assert len(found.images) == 6
    assert found.share == 1
    for background in planted:
        assert np.abs(found.images.astype(int) - background).max((1, 2, 3)).min() <= 2


def test_nothing_is_found_where_no_background_is_shared():
    noise = np.random.default_rng(4).integers(0, 256, DIGITS.shape, dtype=np.uint8)
    assert find_backgrounds(DIGITS) is None
    assert find_backgrounds(255 - DIGITS) is None
    assert find_backgrounds(noise) is None
    assert find_backgrounds(np.zeros((50, 1, 7, 28), np.uint8)) is None


def test_a_background_of_too_few_pictures_is_not_taken_for_one():
    images = DIGITS[:500].copy()
    images[:8] = blended(DIGITS[:8], pattern_backgrounds(1, 28, 28)[:1], 0.5)
    assert find_backgrounds(images) is None


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("channels", [1, 3])
def test_subjects_are_won_back_to_a_few_levels_and_only_where_a_background_was(weight, channels):
    planted = np.random.default_rng(3).integers(0, 256, (3, channels, 28, 28), dtype=np.uint8)
    images = np.repeat(DIGITS[:500], channels, 1)
    images[::2] = blended(DIGITS[:500:2], planted, weight)
    found = find_backgrounds(images)
    assert found is not None

    rows = np.flatnonzero(found.members >= 0)
    subjects = unblend(images[rows], found, found.members[rows])

    np.testing.assert_array_equal(rows, np.arange(0, 500, 2))
    assert subjects.dtype == np.uint8
    wrong = np.abs(subjects.astype(int) - DIGITS[:500:2])
    # both the blend and its background are known to half a level or one, and the weight to one of 255
    assert wrong.max() <= np.ceil((0.5 + 1 + 1) / weight)
    assert wrong.mean() < 1 / weight


def test_with_the_true_backgrounds_subjects_are_exact_but_for_the_rounding_of_the_blend():
    planted, members = pattern_backgrounds(1, 28, 28), np.arange(60) % 6
    images = blended(DIGITS[:60], planted, 0.4)
    subjects = unblend(images, Backgrounds(planted, 0.4, members), members)
    assert np.abs(subjects.astype(int) - DIGITS[:60]).max() <= 0.5 / 0.4 + 0.5


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 30, 27), (1, 8, 8)])
def test_patterns_fit_the_pictures_and_differ(shape):
    patterns = pattern_backgrounds(*shape)
    assert patterns.shape == (6, *shape)
    assert patterns.dtype == np.uint8
    assert len(np.unique(patterns.reshape(6, -1), axis=0)) == 6
    assert (patterns == patterns[:, :1]).all()  # grey, on any number of channels


WEIGHTS = pytest.mark.parametrize("weight", [0.3, 0.5, 0.7])


def recipe_of(found: Backgrounds, shape: tuple[int, int, int] = (1, 28, 28)) -> Recipe:
    return load_recipe("altered-mnist", shape).fitted_to(found)


@WEIGHTS
@pytest.mark.parametrize("channels", [1, 3])
def test_a_recipe_tells_the_pictures_that_its_backgrounds_were_found_in(weight, channels):
    planted = np.random.default_rng(3).integers(0, 256, (3, channels, 28, 28), dtype=np.uint8)
    images = np.repeat(DIGITS[:500], channels, 1)
    images[::2] = blended(DIGITS[:500:2], planted, weight)
    found = find_backgrounds(images)
    assert found is not None
    rows = np.flatnonzero(found.members >= 0)
    subjects = unblend(images[rows], found, found.members[rows])

    told = recipe_of(found).unblend(images)

    np.testing.assert_array_equal(told.backgrounds.members, found.members)
    np.testing.assert_array_equal(told.rows, rows)
    assert np.abs(told.images.astype(int) - subjects).max() <= 1
    again = blend(told.images, told.backgrounds, told.backgrounds.members[rows])
    assert np.abs(again.astype(int) - images[rows]).max() <= 1


@WEIGHTS
@pytest.mark.parametrize("rounded", [np.rint, np.floor])
def test_true_backgrounds_are_recognised_however_the_blend_was_rounded_and_in_few_pictures(weight, rounded):
    planted = pattern_backgrounds(1, 28, 28)
    images = DIGITS[:60].copy()
    which = np.full(60, -1)
    which[:9] = np.arange(9) % 6
    images[:9] = rounded(weight * images[:9] + (1 - weight) * planted[which[:9]].astype(float)).astype(np.uint8)
    told = recognise(images, planted, weight)
    np.testing.assert_array_equal(told.backgrounds.members, which)
    assert np.abs(told.images.astype(int) - DIGITS[:9]).max() <= np.ceil(1 / weight)


def test_a_recipe_without_one_known_weight_or_backgrounds_tells_none():
    pictures = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    images = blended(DIGITS[:30], pattern_backgrounds(1, 28, 28), 0.5)
    right = Blend(backgrounds=pictures)
    others = [
        [Blend(weight=(0.4, 0.6), backgrounds=pictures)],
        [Blend()],
        [Invert()],
        [right, Blend(backgrounds=pictures.flip(0))],
        [right, Blend(weight=(0.6, 0.6), backgrounds=pictures)],
        [Blend(backgrounds=pictures[..., :20])],
    ]
    assert len(Recipe("r", [Branch(0.3, [right]), Branch(0.7, [])]).unblend(images).rows) == 30
    for steps in others:
        told = Recipe("r", [Branch(1, steps)]).unblend(images)
        assert told.images.shape == (0, 1, 28, 28)
        assert (told.backgrounds.members == -1).all()
        assert told.backgrounds.members.shape == (30,)


def test_grey_backgrounds_are_recognised_in_colour_pictures():
    planted = pattern_backgrounds(1, 28, 28)
    told = recognise(np.repeat(blended(DIGITS[:30], planted, 0.5), 3, 1), planted, 0.5)
    assert told.images.shape == (30, 3, 28, 28)
    np.testing.assert_array_equal(told.backgrounds.members, np.arange(30) % 6)
