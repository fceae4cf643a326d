import numpy as np
import pytest

from unalter.alter.backgrounds import Backgrounds, find_backgrounds, pattern_backgrounds, win_back
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

    rows, subjects = win_back(images, found)

    np.testing.assert_array_equal(rows, np.arange(0, 500, 2))
    assert subjects.dtype == np.uint8
    wrong = np.abs(subjects.astype(int) - DIGITS[:500:2])
    # both the blend and its background are known to half a level or one, and the weight to one of 255
    assert wrong.max() <= np.ceil((0.5 + 1 + 1) / weight)
    assert wrong.mean() < 1 / weight


def test_with_the_true_backgrounds_subjects_are_exact_but_for_the_rounding_of_the_blend():
    planted = pattern_backgrounds(1, 28, 28)
    members = np.arange(60) % 6
    members[[3, 10, 59]] = -1
    images = blended(DIGITS[:60], planted, 0.4)
    images[members < 0] = 77
    rows, subjects = win_back(images, Backgrounds(planted, 0.4, members))
    np.testing.assert_array_equal(rows, np.flatnonzero(members >= 0))
    assert np.abs(subjects.astype(int) - DIGITS[rows]).max() <= 0.5 / 0.4 + 0.5


def test_where_no_picture_has_a_background_none_is_won_back():
    found = Backgrounds(pattern_backgrounds(1, 28, 28), 0.5, np.full(9, -1))
    rows, subjects = win_back(DIGITS[:9], found)
    assert len(rows) == 0
    assert subjects.shape == (0, 1, 28, 28)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 30, 27), (1, 8, 8)])
def test_patterns_fit_the_pictures_and_differ(shape):
    patterns = pattern_backgrounds(*shape)
    assert patterns.shape == (6, *shape)
    assert patterns.dtype == np.uint8
    assert len(np.unique(patterns.reshape(6, -1), axis=0)) == 6
    assert (patterns == patterns[:, :1]).all()  # grey, on any number of channels
