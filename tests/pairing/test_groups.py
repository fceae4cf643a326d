import numpy as np
import torch

from unalter.alter import Blend, Branch, KeyedDraws, Recipe, Rotate, fold_in
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.data.digits import load_digits
from unalter.images.convert import to_float, to_uint8
from unalter.pairing.groups import group_by_blend

DIGITS = load_digits("test")[0][:60, None]
BACKGROUNDS = to_float(pattern_backgrounds(1, 28, 28)[:2])
ROTATE = Rotate(degrees=(-20, 20))


def recipe_with(backgrounds: torch.Tensor | None) -> Recipe:
    return Recipe("both", (Branch(0.5, (Blend(backgrounds=backgrounds), ROTATE)), Branch(0.5, (ROTATE,))))


def altered_by(*branches: Branch) -> np.ndarray:
    """The digits, each by the branch of its number."""
    made = []
    for k in range(len(DIGITS)):
        recipe = Recipe("one", (branches[k % len(branches)],))
        made.append(recipe(to_float(DIGITS[k : k + 1]), KeyedDraws(fold_in(9, torch.tensor([k])))))
    return to_uint8(torch.cat(made).numpy())


BLENDED = Branch(1.0, (Blend(backgrounds=BACKGROUNDS),))
TURNED = Branch(1.0, (ROTATE,))


def test_blended_pictures_are_a_group_of_their_own_less_their_background_and_chains_have_no_blend():
    images = altered_by(BLENDED, TURNED)
    blended, other = group_by_blend(images, recipe_with(BACKGROUNDS))
    np.testing.assert_array_equal(blended.rows, np.arange(0, 60, 2))
    np.testing.assert_array_equal(other.rows, np.arange(1, 60, 2))
    assert np.abs(blended.images.astype(int) - DIGITS[::2]).max() <= 2
    np.testing.assert_array_equal(other.images, images[1::2])
    assert blended.chains == other.chains == [(ROTATE,)]


def test_backgrounds_of_the_recipe_need_not_be_found_again():
    few = altered_by(BLENDED, TURNED, TURNED, TURNED, TURNED, TURNED, TURNED, TURNED)  # 8 of 60, of two backgrounds
    assert len(group_by_blend(few, recipe_with(None))) == 1
    blended, _ = group_by_blend(few, recipe_with(BACKGROUNDS))
    np.testing.assert_array_equal(blended.rows, np.arange(0, 60, 8))


def test_backgrounds_are_looked_for_where_the_recipe_has_none():
    images = altered_by(BLENDED, TURNED)
    known, found = (group_by_blend(images, recipe_with(backgrounds))[0] for backgrounds in (BACKGROUNDS, None))
    assert len(found.rows) >= 0.8 * len(known.rows)  # there are few, so backgrounds are not exact
    same = np.isin(known.rows, found.rows)
    np.testing.assert_array_equal(known.rows[same], found.rows)
    assert np.abs(known.images[same].astype(int) - found.images).mean() <= 2


def test_some_of_a_group_are_those_of_its_rows():
    _, other = group_by_blend(altered_by(BLENDED, TURNED), recipe_with(BACKGROUNDS))
    some = other.among(np.array([3, 4, 58, 59]))
    np.testing.assert_array_equal(some.rows, [3, 59])
    np.testing.assert_array_equal(some.images, other.images[[1, 29]])
