"""Pictures stored as JPEG or smeared by motion: the recipe says so, and their pairs are found."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from unalter.alter import Alteration, Branch, GaussianNoise, Jpeg, KeyedDraws, MotionBlur, Recipe, Rotate, fold_in
from unalter.data.dataset import Dataset, ImageSet
from unalter.data.digits import first_of_each_class, load_digits
from unalter.fitting.fit import fit_recipe
from unalter.images.convert import to_float, to_uint8
from unalter.pairing.find import find_pairs
from unalter.pairing.options import PairingOptions

DIGITS, LABELS = load_digits("train")
DIGITS = DIGITS[:, None]
CLEAN, OTHERS = DIGITS[:300], DIGITS[300:600]

SMALL = PairingOptions(
    imitated_true=100, imitated=150, least_imitated=150, samples=1_000, poses=100, shortlist=16, least_matcher_steps=5,
    most_matcher_steps=5,
)  # fmt: skip
"""Seconds in place of minutes."""


def altered(images: np.ndarray, *steps: Alteration) -> np.ndarray:
    random = KeyedDraws(fold_in(7, torch.arange(len(images))))
    return to_uint8(Recipe("made", [Branch(1, steps)])(to_float(images), random).numpy())


def stored(images: np.ndarray, low: int, high: int) -> np.ndarray:
    """By Pillow, with a whole number from low to high as the quality."""
    made = []
    for picture, quality in zip(images, np.random.default_rng(1).integers(low, high + 1, len(images)), strict=True):
        file = io.BytesIO()
        grey = len(picture) == 1
        Image.fromarray(picture[0] if grey else picture.transpose(1, 2, 0)).save(file, "JPEG", quality=int(quality))
        pixels = np.asarray(Image.open(file))
        made.append(pixels[None] if grey else pixels.transpose(2, 0, 1))
    return np.stack(made)


def steps_of(images: np.ndarray) -> tuple[Alteration, ...]:
    """What a fit finds, where it is a single chain that imitates the pictures well."""
    fit = fit_recipe(CLEAN, images)
    (branch,) = fit.recipe.branches
    assert fit.after < 1.6
    assert all(step.probability > 0.8 for step in branch.steps)
    return tuple(branch.steps)


@pytest.mark.parametrize(("low", "high"), [(5, 15), (85, 95)])
def test_jpeg_is_found_with_its_quality_and_nothing_else(low, high):
    (jpeg,) = steps_of(stored(OTHERS, low, high))
    assert isinstance(jpeg, Jpeg)
    assert jpeg.quality == pytest.approx((low, high), abs=10)


def test_traces_of_jpeg_in_noise_are_not_taken_for_several_kinds_of_noise():
    colours = np.random.default_rng(0).uniform(0.3, 1, (400, 3, 1, 1))
    clean = (DIGITS[:400, :, 4:24, 4:24] * colours).astype(np.uint8)
    noisy = altered(clean[200:], GaussianNoise(sigma=(0.1, 0.2)))
    fit = fit_recipe(*(stored(images, 95, 95) for images in (clean[:200], noisy)))
    assert fit.after < 1.6
    (branch,) = fit.recipe.branches
    noise, jpeg = branch.steps
    assert isinstance(noise, GaussianNoise)
    assert np.mean(noise.sigma) == pytest.approx(0.15, abs=0.02)
    assert isinstance(jpeg, Jpeg)
    assert jpeg.quality[1] > 70  # a weak one: the noise hides how weak


def test_motion_blur_is_found_with_its_length_and_nothing_else():
    (blur,) = steps_of(altered(OTHERS, MotionBlur(length=(3, 7))))
    assert isinstance(blur, MotionBlur)
    assert blur.length == pytest.approx((3, 7), abs=1.5)
    assert blur.angle[1] - blur.angle[0] > 130


def test_a_line_of_one_direction_is_found():
    (blur,) = steps_of(altered(OTHERS, MotionBlur(length=(5, 5), angle=(0, 0))))
    assert isinstance(blur, MotionBlur)
    assert np.mean(blur.length) == pytest.approx(5, abs=1)
    assert blur.angle == pytest.approx((0, 0), abs=20)


def test_motion_blur_is_found_behind_a_rotation():
    rotate, blur = steps_of(altered(OTHERS, Rotate(degrees=(-40, 40)), MotionBlur(length=(3, 7))))
    assert isinstance(rotate, Rotate)
    assert rotate.degrees == pytest.approx((-40, 40), abs=12)
    assert isinstance(blur, MotionBlur)
    assert blur.length == pytest.approx((3, 7), abs=1.5)


def picture_set(images: np.ndarray, labels: np.ndarray, index: np.ndarray, kind: str) -> ImageSet:
    return ImageSet(images, index, labels, [f"{kind}_{i}_{y}.png" for i, y in zip(index, labels, strict=True)])


@pytest.mark.parametrize("named", [True, False], ids=["by-name", "by-appearance"])
@pytest.mark.parametrize("step", [Jpeg(quality=(20, 80)), MotionBlur(length=(2, 6))], ids=lambda step: step.name)
def test_pairs_are_found(step, named):
    rows = first_of_each_class(LABELS, 8)
    images, labels, everyone = DIGITS[rows], LABELS[rows], np.arange(len(rows))
    made = stored(images, 20, 80) if isinstance(step, Jpeg) else altered(images, step)
    dataset = Dataset(
        picture_set(images, labels, everyone, "clean"),
        picture_set(made, labels, everyone if named else everyone + 1_000, "aug"),
    )
    pairs = find_pairs(dataset, Recipe("r", [Branch(1, [step])]), by_appearance=not named, options=SMALL)
    found = pairs.clean >= 0
    assert (pairs.clean[found] == everyone[found]).mean() > 0.99
    assert found.mean() > 0.95
