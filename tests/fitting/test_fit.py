"""A fit finds the recipe that pictures were made with, when it is given nothing but the pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter

from unalter.alter import Blend, Branch, GaussianNoise, Invert, KeyedDraws, Recipe, Rotate, SaltAndPepper, fold_in
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.data.digits import load_digits
from unalter.fitting.fit import fit_recipe

DIGITS, LABELS = load_digits("train")
DIGITS = DIGITS[:, None]


def altered(images: np.ndarray, *branches: Branch) -> np.ndarray:
    random = KeyedDraws(fold_in(7, torch.arange(len(images))))
    pictures = Recipe("made", branches)(torch.from_numpy(images).float() / 255, random)
    return (pictures * 255).round().byte().numpy()


def names(recipe: Recipe) -> list[list[str]]:
    return [[step.name for step in branch.steps] for branch in recipe.branches]


def test_nothing_is_found_where_nothing_was_altered():
    fit = fit_recipe(DIGITS[:400], DIGITS[400:800])
    assert names(fit.recipe) == [[]]
    assert fit.before == fit.after
    assert fit.after < 2


def test_noise_is_found_with_its_strength_and_again_with_the_same_seed():
    noisy = altered(DIGITS[500:1000], Branch(1, [GaussianNoise(sigma=(0.1, 0.3))]))
    fit = fit_recipe(DIGITS[:500], noisy)
    assert names(fit.recipe) == [["gaussian-noise"]]
    (noise,) = fit.recipe.branches[0].steps
    assert isinstance(noise, GaussianNoise)
    assert noise.probability > 0.95
    assert noise.sigma == pytest.approx((0.1, 0.3), abs=0.03)
    assert fit.after < 0.1 * fit.before
    assert fit_recipe(DIGITS[:500], noisy).recipe.to_yaml() == fit.recipe.to_yaml()


def test_turning_and_inverting_are_found_with_labels():
    moved = altered(DIGITS[500:1000], Branch(1, [Rotate(degrees=(-40, 40)), Invert(probability=0.5)]))
    fit = fit_recipe(DIGITS[:500], moved, clean_labels=LABELS[:500], altered_labels=LABELS[500:1000])
    assert names(fit.recipe) == [["rotate", "invert"]]
    rotate, invert = fit.recipe.branches[0].steps
    assert isinstance(rotate, Rotate)
    assert rotate.sampling == "bilinear"
    assert rotate.degrees == pytest.approx((-40, 40), abs=12)
    assert invert.probability == pytest.approx(0.5, abs=0.1)


def test_blends_are_a_branch_of_their_own():
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    mixed = altered(
        DIGITS[500:1000], Branch(0.6, [Blend(backgrounds=backgrounds)]), Branch(0.4, [Invert(probability=1)])
    )
    fit = fit_recipe(DIGITS[:500], mixed)
    assert names(fit.recipe) == [["blend"], ["invert"]]
    assert fit.recipe.branches[0].share == pytest.approx(0.6, abs=0.05)
    (blend,) = fit.recipe.branches[0].steps
    assert isinstance(blend, Blend)
    assert blend.weight == (0.5, 0.5)
    assert blend.backgrounds is not None


def test_how_sums_of_blends_were_rounded_is_not_taken_for_noise():
    backgrounds = torch.from_numpy(pattern_backgrounds(1, 28, 28)).float() / 255
    mixed = altered(DIGITS[2000:2500], Branch(1, [Blend(backgrounds=backgrounds)]))
    fit = fit_recipe(DIGITS[:1500], mixed, clean_labels=LABELS[:1500], altered_labels=LABELS[2000:2500])
    assert names(fit.recipe) == [["blend"]]


def test_colour_pictures_of_another_shape():
    colours = np.random.default_rng(0).uniform(0.3, 1, (800, 3, 1, 1))
    clean = (DIGITS[:800, :, 4:24, 2:26] * colours).astype(np.uint8)
    fit = fit_recipe(clean[:400], altered(clean[400:], Branch(1, [Invert(probability=0.4)])))
    assert names(fit.recipe) == [["invert"]]
    assert fit.recipe.branches[0].steps[0].probability == pytest.approx(0.4, abs=0.07)


def test_one_of_several_kinds_of_noise_for_each_picture():
    noise = (GaussianNoise(sigma=(0.1, 0.3)), SaltAndPepper(share=(0.1, 0.3)))
    fit = fit_recipe(DIGITS[:400], altered(DIGITS[600:1000], *(Branch(0.5, [kind]) for kind in noise)))
    assert sorted(names(fit.recipe)) == [["gaussian-noise"], ["salt-and-pepper"]]
    assert [branch.share for branch in fit.recipe.branches] == pytest.approx([0.5, 0.5], abs=0.1)


def test_what_no_chain_imitates_quite_is_not_taken_for_a_mixture():
    clean = DIGITS[:480, :, 4:24, 4:24]
    noisy = altered(clean[240:], Branch(1, [GaussianNoise(sigma=(0.1, 0.2))]))
    fit = fit_recipe(*(median_filter(images, (1, 1, 3, 3)) for images in (clean[:240], noisy)))
    assert fit.after > 1.6  # most of the noise is gone again, which no alteration does: mixtures were tried
    (kinds,) = names(fit.recipe)
    assert "gaussian-noise" in kinds


def test_small_folders_in_which_a_label_has_but_a_picture_or_two():
    inverted = altered(DIGITS[500:560], Branch(1, [Invert(probability=0.5)]))
    fit = fit_recipe(DIGITS[:60], inverted, clean_labels=LABELS[:60], altered_labels=LABELS[500:560])
    assert names(fit.recipe) == [["invert"]]


def test_the_number_of_threads_changes_nothing():
    pictures = altered(DIGITS[100:160], Branch(1, [GaussianNoise(sigma=(0.1, 0.3))]))
    before = torch.get_num_threads()
    fits = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            fits.append(fit_recipe(DIGITS[:60], pictures))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len({(fit.recipe.to_yaml(), fit.before, fit.after) for fit in fits}) == 1
