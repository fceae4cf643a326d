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
    SaltAndPepper,
    ShotNoise,
    fold_in,
)
from unalter.data.digits import load_digits
from unalter.pairing.forward_model import foreground_energy
from unalter.pairing.inversion import Inversion, RecipeInverter

DIGITS = torch.from_numpy(load_digits("test")[0][:60, None]).float() / 255
N = 20
SAMPLES = 4_000  # a fifth of the time
STEPS = (Rotate(degrees=(-40, 40)), Blur(sigma=(0.3, 2.0)), Contrast(gain=(0.6, 1.0), offset=(-0.1, 0.1)))


def streams(seed: int = 3) -> KeyedDraws:
    return KeyedDraws(fold_in(seed, torch.arange(N)))


def altered_by(*steps: Alteration) -> tuple[torch.Tensor, torch.Tensor]:
    """The first N digits as a file would hold them, and how they moved."""
    return Recipe("r", (Branch(1.0, steps),)).apply_with_homography(DIGITS[:N], streams())


def angles() -> torch.Tensor:
    """The numbers that `altered_by` drew for the angle of a first rotation; two others decide what happens."""
    return streams().uniform(3)[:, 2]


def explained(
    inverter: RecipeInverter, clean: torch.Tensor, altered: torch.Tensor, moved: torch.Tensor, steps: int = 8
) -> Inversion:
    """The best of four starts near the homographies `moved`."""
    starts = inverter.initial_draws(clean, altered, moved, 4)
    clean, altered = (x.repeat_interleave(starts.draws.shape[1], 0) for x in (clean, altered))
    found = inverter.improve(clean, altered, Inversion(starts.draws.flatten(0, 1), starts.error.flatten()), steps)
    error, best = found.error.reshape(N, -1).min(1)
    return Inversion(found.draws.reshape(*starts.draws.shape)[torch.arange(N), best], error)


def unknown(draws: torch.Tensor) -> Inversion:
    """Draws whose error nobody has worked out yet."""
    return Inversion(draws, torch.full((len(draws),), torch.nan))


@pytest.fixture(scope="module")
def inverter() -> RecipeInverter:
    return RecipeInverter(STEPS, DIGITS, SAMPLES, 0)


def test_the_draws_of_the_true_clean_picture_are_found_and_for_another_there_are_none(inverter):
    altered, moved = altered_by(*STEPS)
    right = explained(inverter, DIGITS[:N], altered, moved)
    wrong = explained(inverter, DIGITS[1 : N + 1], altered, moved)
    assert right.error.max() < 1e-3
    assert (wrong.error > 10 * right.error).all()
    assert wrong.error.median() > 0.05
    torch.testing.assert_close(right.draws[:, 1], angles(), atol=0.005, rtol=0)


def test_the_error_is_the_share_of_the_energy_that_the_draws_leave(inverter):
    altered, _ = altered_by(*STEPS)
    draws = KeyedDraws(fold_in(4, torch.arange(N))).uniform(8)
    made = DIGITS[:N]
    random = KeyedDraws(fold_in(4, torch.arange(N)))
    for step in STEPS:
        made = step(made, random)
    expected = (made - altered).square().sum((1, 2, 3)) / foreground_energy(altered)
    found = inverter.improve(DIGITS[:N], altered, unknown(draws), 0)
    torch.testing.assert_close(found.error, expected)
    assert torch.equal(found.draws, draws)


def test_more_steps_and_more_hops_never_make_it_worse(inverter):
    altered, _ = altered_by(*STEPS)
    draws = KeyedDraws(fold_in(4, torch.arange(N))).uniform(7)
    before = inverter.improve(DIGITS[:N], altered, unknown(draws), 0)
    for steps in (1, 2, 4):
        now = inverter.improve(DIGITS[:N], altered, unknown(draws), steps)
        assert (now.error <= before.error).all()
        before = now
    hopped = inverter.basin_hop(DIGITS[:N], altered, before, 2, seed=1)
    assert (hopped.error <= before.error).all()
    again = inverter.basin_hop(DIGITS[:N], altered, before, 2, seed=1)
    assert torch.equal(hopped.draws, again.draws)


def test_hops_get_over_the_jumps_of_nearest_pixels():
    steps = (Rotate(degrees=(-40, 40), sampling="nearest"), Perspective(distortion=0.3), Blur())
    altered, moved = altered_by(*steps)
    inverter = RecipeInverter(steps, DIGITS, SAMPLES, 0)
    before = explained(inverter, DIGITS[:N], altered, moved, steps=2)
    hopped = inverter.basin_hop(DIGITS[:N], altered, before, 12, seed=1)
    assert hopped.error.log().mean() < before.error.log().mean() - 0.3


@pytest.mark.parametrize("noise", [GaussianNoise(sigma=(0.1, 0.3)), SaltAndPepper(share=(0.05, 0.2))])
def test_noise_is_explained_on_average_and_does_not_hide_the_pose(noise):
    rotate, blur, _ = STEPS
    altered, moved = altered_by(rotate, noise, blur)
    inverter = RecipeInverter((rotate, noise, blur), DIGITS, SAMPLES, 0)
    found = explained(inverter, DIGITS[:N], inverter.smoothed(altered), moved)
    assert found.draws.shape[1] == 6  # whether, and how much, of each
    torch.testing.assert_close(found.draws[:, 1], angles(), atol=0.05, rtol=0)


@pytest.mark.parametrize(
    "noise", [GaussianNoise(sigma=(0.05, 0.4)), SaltAndPepper(share=(0.03, 0.3)), ShotNoise(photons=(3, 50))]
)
def test_what_noise_leaves_is_told_from_another_picture_however_strong_it_is(noise):
    altered, moved = altered_by(noise)
    clean = torch.stack([DIGITS[:N], DIGITS[1 : N + 1]], 1)
    homography = moved[:, None].expand(-1, 2, -1, -1)
    error = RecipeInverter((noise,), DIGITS, SAMPLES, 0).explain(
        clean, altered, homography, torch.ones(N, 2, dtype=torch.bool), seed=1
    )
    assert error[:, 1].min() > error[:, 0].max()


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (Flip(),),
        (Invert(probability=1.0),),
        (Flip(probability=0.5), Invert(probability=0.5)),
        (Rotate(degrees=(9, 9)),),
    ],
    ids=lambda steps: "+".join(step.name for step in steps) or "none",
)
def test_alterations_without_numbers_to_fit_are_explained_exactly(steps):
    altered, moved = altered_by(*steps)
    inverter = RecipeInverter(steps, DIGITS, SAMPLES, 0)
    found = explained(inverter, DIGITS[:N], altered, moved)
    assert found.error.max() < 1e-4
    hopped = inverter.basin_hop(DIGITS[:N], altered, found, 2, seed=1)
    assert torch.equal(hopped.draws, found.draws)
    assert explained(inverter, DIGITS[1 : N + 1], altered, moved).error.min() > 0.1


@pytest.mark.parametrize(("steps", "moves"), [(STEPS, True), (STEPS[1:], False), ((Flip(probability=0.1),), True)])
def test_it_knows_whether_anything_moves(steps, moves):
    assert RecipeInverter(steps, DIGITS, SAMPLES, 0).moves == moves


def test_a_start_lies_as_it_should(inverter):
    altered, moved = altered_by(*STEPS)
    starts = inverter.initial_draws(DIGITS[:N], altered, moved, 1)
    made = inverter.improve(DIGITS[:N], altered, Inversion(starts.draws[:, 0], starts.error[:, 0]), 0)
    torch.testing.assert_close(starts.error[:, 0], made.error)
    assert starts.error.median() < 0.02  # before any step


def test_of_candidates_the_true_one_is_explained_best_and_impossible_ones_never(inverter):
    altered, moved = altered_by(*STEPS)
    clean = torch.stack([DIGITS[1 : N + 1], DIGITS[:N], DIGITS[:N]], 1)
    possible = torch.tensor([True, True, False]).expand(N, -1)
    error = inverter.explain(clean, altered, moved[:, None].expand(-1, 3, -1, -1), possible, seed=1)
    assert (error[:, 1] < error[:, 0]).all()
    assert error[:, 1].max() < 1e-3
    assert (error[:, 2] == torch.inf).all()


def test_what_is_explained_well_enough_is_left_and_all_others_are_as_ever(inverter):
    altered, moved = altered_by(*STEPS)
    clean = torch.cat([DIGITS[:N], DIGITS[1 : N + 1]])[:, None]
    altered, moved, possible = altered.repeat(2, 1, 1, 1), moved.repeat(2, 1, 1)[:, None], torch.ones(2 * N, 1) > 0
    best, enough = (inverter.explain(clean, altered, moved, possible, 1, enough=e)[:, 0] for e in (0.0, 0.005))
    assert torch.equal(best < 0.005, enough < 0.005)
    assert (enough[:N] > 2 * best[:N]).any()  # less was done for these
    given_up = best > 0.05
    assert given_up.sum() > N / 2
    assert torch.equal(enough[given_up], best[given_up])
