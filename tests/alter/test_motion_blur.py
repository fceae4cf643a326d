from itertools import pairwise

import pytest
import torch

from unalter.alter import KeyedDraws, MotionBlur, fold_in
from unalter.support.errors import InputError


def blurred(x: torch.Tensor, length: float, angle: float) -> torch.Tensor:
    step = MotionBlur(length=(length, length), angle=(angle, angle))
    return step(x, KeyedDraws(fold_in(0, torch.arange(len(x)))))


def point(size: int = 31) -> torch.Tensor:
    x = torch.zeros(1, 1, size, size)
    x[0, 0, size // 2, size // 2] = 1
    return x


def spread(x: torch.Tensor, angle: float) -> float:
    """The variance of what is bright along a direction, in pixels squared."""
    size = x.shape[-1]
    offsets = torch.arange(size) - size // 2
    radians = torch.deg2rad(torch.tensor(angle))
    along = offsets[None, :] * radians.cos() - offsets[:, None] * radians.sin()
    return float((x[0, 0] * along.square()).sum() / x.sum())


@pytest.mark.parametrize("length", [4.0, 6.5, 11.0])
@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 90.0, 160.0])
def test_it_smears_along_its_line_and_not_across(length, angle):
    x = blurred(point(), length, angle)
    assert x.sum().item() == pytest.approx(1, abs=1e-5)
    assert spread(x, angle) == pytest.approx(length**2 / 12, rel=0.25)
    assert spread(x, angle + 90) < 0.25
    assert spread(x, 0) == pytest.approx(spread(blurred(point(), length, 90), 90), abs=1e-5) or angle


@pytest.mark.parametrize(("length", "weights"), [(3, [1, 1, 1]), (4, [0.5, 1, 1, 1, 0.5]), (2.5, [0.75, 1, 0.75])])
def test_a_level_line_is_a_box_of_real_length(length, weights):
    row = blurred(point(), length, 0)[0, 0, 15]
    reach = len(weights) // 2
    torch.testing.assert_close(row[15 - reach : 16 + reach], torch.tensor(weights) / length)


@pytest.mark.parametrize("length", [0.0, 0.4, 1.0])
def test_a_pixel_or_less_changes_nothing(length):
    x = torch.rand(3, 3, 7, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(blurred(x, length, 33), x)


def test_half_a_turn_is_the_same_line():
    x = torch.rand(2, 1, 16, 12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(blurred(x, 6, 25), blurred(x, 6, 205))


def test_length_and_angle_act_without_steps():
    ways = [blurred(point(), 5 + k / 50, 20 + k / 5) for k in range(50)]
    steps = torch.stack([(b - a).abs().sum() for a, b in pairwise(ways)])
    assert steps.max() < 0.03


def test_plain_pictures_stay_plain_and_every_picture_has_its_own_line():
    step = MotionBlur(length=(2, 9), angle=(0, 180))
    x = point().expand(40, -1, -1, -1)
    made = step(x, KeyedDraws(fold_in(0, torch.arange(40))))
    assert len(made.flatten(1).unique(dim=0)) == 40
    plain = torch.full((5, 1, 20, 20), 0.3)
    torch.testing.assert_close(step(plain, KeyedDraws(fold_in(0, torch.arange(5)))), plain)


def test_lines_longer_than_pictures_are_told():
    with pytest.raises(InputError, match="motion-blur: 60 pixels are too long for pictures of"):
        blurred(point(28), 60, 0)
