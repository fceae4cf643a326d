import pytest
import torch

from unalter.alter import (
    Alteration,
    Blur,
    Branch,
    Contrast,
    Flip,
    GaussianNoise,
    Invert,
    KeyedDraws,
    Perspective,
    Recipe,
    Rotate,
    fold_in,
)
from unalter.data.digits import load_digits
from unalter.pairing.forward_model import ForwardModel, foreground_energy

DIGITS = torch.from_numpy(load_digits("test")[0][:20, None]).float() / 255
CHAINS = [
    (Rotate(degrees=(-40, 40)), Flip(probability=0.5), Perspective(probability=0.5), Invert(), Blur()),
    (Contrast(), GaussianNoise(sigma=(0.05, 0.2)), Rotate(degrees=(-20, 20))),
    (Flip(), Invert()),
    (),
]


def title(steps: tuple[Alteration, ...]) -> str:
    return Branch(1.0, steps).title


def model_and_draws(steps: tuple[Alteration, ...]) -> tuple[ForwardModel, torch.Tensor]:
    """A forward model, and some of its samples for every digit."""
    model = ForwardModel(steps, DIGITS, 500, 0)
    return model, model.samples[: len(DIGITS)]


@pytest.mark.parametrize("steps", [steps for steps in CHAINS if title(steps).find("noise") < 0], ids=title)
def test_it_makes_what_the_recipe_makes_of_the_same_draws(steps):
    keys = fold_in(3, torch.arange(len(DIGITS)))
    draws = KeyedDraws(keys).uniform(1 + ForwardModel(steps, DIGITS, 500, 0).samples.shape[1])[:, 1:]  # the branch
    made, homography = Recipe("r", (Branch(1.0, steps),)).apply_with_homography(DIGITS, KeyedDraws(keys))
    model, _ = model_and_draws(steps)
    torch.testing.assert_close(model.apply(DIGITS, draws), made, atol=0.51 / 255, rtol=0)
    torch.testing.assert_close(model.homography(draws), homography)


@pytest.mark.parametrize("steps", CHAINS[:2], ids=title)
def test_slopes_are_differences_of_whole_pictures(steps):
    model, draws = model_and_draws(steps)
    made = model.smoothed(model.apply(DIGITS, draws)).flatten(1)
    slopes = model.slopes(DIGITS, draws, made, model.differences)
    assert slopes.shape == (len(DIGITS), len(model.numbers), 28 * 28)
    for k, (number, difference) in enumerate(zip(model.numbers, model.differences, strict=True)):
        signed = torch.where(draws[:, number] + difference > 1, -difference, difference)
        shifted = draws.clone()
        shifted[:, number] += signed
        there = model.smoothed(model.apply(DIGITS, shifted)).flatten(1)
        torch.testing.assert_close(slopes[:, k], (there - made) * (difference / signed)[:, None])


@pytest.mark.parametrize(("steps", "numbers", "moving"), list(zip(CHAINS, (10, 4, 0, 0), (9, 1, 0, 0), strict=True)))
def test_the_numbers_are_the_draws_that_are_no_decisions(steps, numbers, moving):
    model, _ = model_and_draws(steps)
    assert (len(model.numbers), len(model.moving)) == (numbers, moving)


def test_energy_is_about_the_ground():
    torch.testing.assert_close(foreground_energy(0.5 * DIGITS + 0.3), 0.25 * foreground_energy(DIGITS))
    torch.testing.assert_close(foreground_energy(1 - DIGITS), foreground_energy(DIGITS))
    torch.testing.assert_close(foreground_energy(DIGITS), DIGITS.square().sum((1, 2, 3)))
