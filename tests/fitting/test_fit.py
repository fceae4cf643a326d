"""A fit finds the recipe that pictures were made with, when it is given nothing but the pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from unalter.alter import Blend, Branch, GaussianNoise, Invert, KeyedDraws, Recipe, Rotate, SaltAndPepper, fold_in
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.data.digits import load_digits
from unalter.fitting.chain import parameter_refs
from unalter.fitting.features import CdfFeatures, FeatureCovariance, Metric
from unalter.fitting.fit import fit_recipe
from unalter.fitting.gauss_newton import improved
from unalter.fitting.imitation import Imitation
from unalter.fitting.objective import Objective
from unalter.fitting.statistics import Statistics

DIGITS, LABELS = load_digits("train")
DIGITS = DIGITS[:, None]


def altered(images: np.ndarray, *branches: Branch) -> np.ndarray:
    random = KeyedDraws(fold_in(7, torch.arange(len(images))))
    pictures = Recipe("made", branches)(torch.from_numpy(images).float() / 255, random)
    return (pictures * 255).round().byte().numpy()


def compressed(images: np.ndarray) -> np.ndarray:
    """As JPEG, which keeps colours at half of the resolution."""
    found = []
    for picture in images:
        file = io.BytesIO()
        Image.fromarray(picture.transpose(1, 2, 0)).save(file, "JPEG", quality=95)
        found.append(np.asarray(Image.open(file)).transpose(2, 0, 1))
    return np.stack(found)


def names(recipe: Recipe) -> list[list[str]]:
    return [[step.name for step in branch.steps] for branch in recipe.branches]


def test_nothing_is_found_where_nothing_was_altered():
    fit = fit_recipe(DIGITS[:400], DIGITS[400:800])
    assert names(fit.recipe) == [[]]
    assert fit.before == fit.after
    assert fit.after < 2
    assert not any(finding.occurs for finding in fit.findings)


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
    with_values = altered(DIGITS[500:1000], Branch(1, [Rotate(degrees=(-40, 40)), Invert(probability=0.5)]))
    fit = fit_recipe(DIGITS[:500], with_values, clean_labels=LABELS[:500], altered_labels=LABELS[500:1000])
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
    fit = fit_recipe(DIGITS[:600], altered(DIGITS[600:1200], *(Branch(0.5, [kind]) for kind in noise)))
    assert sorted(names(fit.recipe)) == [["gaussian-noise"], ["salt-and-pepper"]]
    assert [branch.share for branch in fit.recipe.branches] == pytest.approx([0.5, 0.5], abs=0.1)


def test_what_no_chain_imitates_quite_is_not_taken_for_a_mixture():
    colours = np.random.default_rng(0).uniform(0.3, 1, (400, 3, 1, 1))
    clean = (DIGITS[:400, :, 4:24, 4:24] * colours).astype(np.uint8)
    noisy = altered(clean[200:], Branch(1, [GaussianNoise(sigma=(0.1, 0.2))]))
    fit = fit_recipe(compressed(clean[:200]), compressed(noisy))
    assert fit.after > 2  # the colours' own grain is gone, which no alteration does
    (kinds,) = names(fit.recipe)
    assert "gaussian-noise" in kinds


def test_known_homographies_are_evidence():
    size, steps = (28, 28), (Rotate(degrees=(20, 60)),)
    moves = steps[0].homography(size, KeyedDraws(fold_in(3, torch.arange(300))))
    fit = fit_recipe(DIGITS[:300], altered(DIGITS[300:600], Branch(1, steps)), homographies=moves.numpy())
    assert names(fit.recipe) == [["rotate"]]
    (rotate,) = fit.recipe.branches[0].steps
    assert isinstance(rotate, Rotate)
    assert rotate.degrees == pytest.approx((20, 60), abs=6)


def test_what_one_alteration_draws_does_not_depend_on_the_others():
    x = torch.from_numpy(DIGITS[:50]).float() / 255
    rotate, invert = Rotate(degrees=(-50, 50)), Invert(probability=0.5)
    imitation = Imitation(x, 0)
    alone, moves = imitation((rotate,))
    with_invert, same_moves = imitation((rotate, invert))
    assert torch.equal(moves, same_moves)
    inverted = (with_invert - alone).abs().flatten(1).amax(1) > 1e-6
    torch.testing.assert_close(with_invert[inverted], 1 - alone[inverted])
    assert 10 < inverted.sum() < 40


@pytest.fixture(scope="module")
def bench() -> tuple[Objective, Metric]:
    """Real pictures turned by -60..20 degrees."""
    x = torch.from_numpy(DIGITS[:600]).float() / 255
    real = torch.from_numpy(altered(DIGITS[600:1600], Branch(1, [Rotate(degrees=(-60, 20))]))).float() / 255
    statistics = Statistics(x, real)
    ramps = CdfFeatures(torch.cat([statistics(x), statistics(real)]))
    features = ramps(statistics(real))
    tried = Objective(Imitation(x, 0), lambda pictures: ramps(statistics(pictures)), features, len(x))
    return tried, FeatureCovariance(features).metric(0.02)


def test_pictures_of_one_kind_are_as_far_apart_as_chance_makes_them(bench):
    tried, metric = bench
    assert tried.distance((Rotate(degrees=(-60, 20)),), metric) == pytest.approx(metric.expected_distance, rel=0.7)
    assert tried.distance((Rotate(degrees=(-20, 20)),), metric) > 3 * metric.expected_distance


def test_slopes_in_a_probability_and_in_an_end_of_a_range_are_those_of_differences(bench):
    tried, _ = bench
    chain = (Rotate(degrees=(-40, 40), probability=0.6),)
    for handle, by in zip(parameter_refs(chain), (0.2, 20, 20), strict=True):
        one, other, factor = handle.slope_between(chain)
        slope = (tried.features(one).mean(0) - tried.features(other or chain).mean(0)) / factor
        value = handle.get(chain)
        high, low = (tried.features(handle.set(chain, value + side * by)).mean(0) for side in (1, -1))
        difference = (high - low) / (2 * by)
        likeness = torch.nn.functional.cosine_similarity(slope, difference, dim=0)
        assert likeness > 0.8
        assert slope.norm() == pytest.approx(float(difference.norm()), rel=0.35)


def test_handles_are_turned_to_where_the_pictures_are_like_the_real_ones(bench):
    tried, metric = bench
    (rotate,) = improved(tried, (Rotate(degrees=(-20, 20), probability=0.8),), metric, 8)
    assert isinstance(rotate, Rotate)
    assert rotate.degrees == pytest.approx((-60, 20), abs=8)
    assert rotate.probability > 0.9
