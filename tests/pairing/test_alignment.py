import numpy as np
import pytest
import torch

from unalter.alter import KeyedDraws, Perspective, Rotate, Scale, Translate, fold_in
from unalter.alter.geometric import sample
from unalter.data.digits import load_digits
from unalter.pairing.alignment import Poses, align, corners, downsample, grey_foreground, spread_out

DIGITS = load_digits("test")[0][:60, None]
N = 24


def smooth(count: int, size: tuple[int, int]) -> torch.Tensor:
    """Four bright spots at random places each, on black: [count, 1, H, W]."""
    height, width = size
    places = torch.rand(count, 4, 2, 1, 1, generator=torch.Generator().manual_seed(0)) - 0.5
    v, u = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.exp(-20 * ((u - places[:, :, 0]) ** 2 + (v - places[:, :, 1]) ** 2)).sum(1, keepdim=True)


def streams(seed: int, count: int = N) -> KeyedDraws:
    return KeyedDraws(fold_in(seed, torch.arange(count)))


def turned(degrees: float, size: tuple[int, int] = (28, 28)) -> torch.Tensor:
    return Rotate(degrees=(degrees, degrees)).homography(size, streams(0, 1))[0]


def off(homography: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """How far the clean picture's corners are from where they should be seen: the mean of their coordinates, [N]."""
    return (corners(homography) - corners(expected)).abs().mean(1)


def aligned(altered: torch.Tensor, clean: torch.Tensor, start: torch.Tensor, steps: int) -> list[torch.Tensor]:
    """With one candidate each: [N, 3, 3] and [N]."""
    return [x[:, 0] for x in align(altered, clean, start[:, None], steps)]


def slightly(size: tuple[int, int], seed: int) -> torch.Tensor:
    """Homographies near the identity, all eight entries of them."""
    random = streams(seed)
    moves = (Rotate(degrees=(-8, 8)), Scale(factor=(0.93, 1.07)), Translate(across=(-0.03, 0.03), down=(-0.03, 0.03)))
    total = Perspective(distortion=0.05).homography(size, random)
    for move in moves:
        total = total @ move.homography(size, random)
    return total


@pytest.mark.parametrize("size", [(28, 28), (24, 40)], ids=str)
def test_a_homography_is_found_again_from_a_perturbed_start(size):
    clean = smooth(N, size)
    true = Rotate().homography(size, streams(1)) @ Perspective(distortion=0.3).homography(size, streams(2))
    start = true @ slightly(size, 3)
    found, left = aligned(sample(clean, true), clean, start, 20)
    assert off(start, true).median() > 0.05
    assert off(found, true).median() < 0.01
    assert left.median() < 1e-3


def test_blur_and_a_grey_of_another_scale_do_not_matter():
    clean = smooth(N, (28, 28))
    true = Rotate().homography((28, 28), streams(1))
    altered = sample(clean, true)
    blurred = -0.4 * torch.nn.functional.avg_pool2d(altered, 3, 1, 1)
    found, left = aligned(blurred, clean, true @ slightly((28, 28), 3), 20)
    assert off(found, true).median() < 0.01
    assert left.median() < 1e-3


def test_what_is_returned_is_never_worse_than_the_start_and_more_steps_never_make_it_so():
    clean = smooth(N, (28, 28))
    other = clean.roll(1, 0)  # nothing to be found
    start = slightly((28, 28), 4)
    same, at_first = aligned(other, clean, start, 0)
    assert torch.equal(same, start)
    for steps in (1, 3, 10):
        left = aligned(other, clean, start, steps)[1]
        assert (left <= at_first).all()
        at_first = left


def test_another_picture_leaves_more_unexplained():
    clean = smooth(N, (28, 28))
    true = Rotate().homography((28, 28), streams(1))
    start = true @ slightly((28, 28), 3)
    altered = sample(clean, true)
    right, wrong = (aligned(altered, candidate, start, 20)[1] for candidate in (clean, clean.roll(1, 0)))
    assert (right < wrong).float().mean() > 0.9
    assert right.median() < 0.01 * wrong.median()


def test_corners_lie_in_the_altered_picture_where_the_clean_ones_are_seen():
    right_by_half = Translate(across=(0.25, 0.25), down=(0.0, 0.0)).homography((28, 28), streams(0, 1))
    expected = torch.tensor([[-0.5, -1, 1.5, -1, 1.5, 1, -0.5, 1]])
    torch.testing.assert_close(corners(right_by_half), expected)
    torch.testing.assert_close(corners(3 * right_by_half), expected)  # a homography is one up to a factor


def test_every_map_that_is_spread_out_is_the_furthest_from_those_before_it():
    maps = Rotate().homography((28, 28), streams(1, 300)) @ Perspective().homography((28, 28), streams(2, 300))
    rows = spread_out(maps, 40)
    assert len(rows.unique()) == 40
    distance = torch.cdist(corners(maps), corners(maps))
    for count in range(1, 40):
        nearest = distance[:, rows[:count]].min(1).values
        torch.testing.assert_close(nearest[rows[count]], nearest.max())


def test_rotations_by_tens_are_spread_out_to_quarters_and_equal_maps_are_one():
    maps = torch.stack([turned(10.0 * k) for k in range(36)])
    assert sorted(spread_out(maps, 4).tolist()) == [0, 9, 18, 27]
    assert spread_out(maps[:1].expand(5, 3, 3), 4).tolist() == [0]


def test_the_best_pose_is_the_nearest_one():
    size = (16, 16)
    clean = smooth(N, size)
    poses = torch.stack([turned(20.0 * k, size) for k in range(18)])
    which = torch.arange(N) % 18
    altered = sample(clean, poses[which] @ turned(5.0, size))
    candidates = torch.stack([torch.arange(N), (torch.arange(N) + 1) % N], 1)

    best = Poses(poses, clean).best(altered, candidates, 3)

    assert best.shape == (N, 2, 3, 3, 3)
    assert (off(best[:, 0, 0], poses[which]) < 1e-6).float().mean() > 0.9
    assert len(best[:, 1, 0].unique(dim=0)) > 1  # another candidate has poses of its own
    for of_one in best[:, 0]:
        assert len(of_one.unique(dim=0)) == 3


def test_there_are_no_more_best_poses_than_poses():
    clean = smooth(N, (16, 16))
    poses = torch.stack([turned(90.0 * k, (16, 16)) for k in range(4)])
    best = Poses(poses, clean).best(clean, torch.arange(N)[:, None], 9)
    assert best.shape == (N, 1, 4, 3, 3)
    torch.testing.assert_close(best[:, 0, 0], poses[:1].expand(N, 3, 3))


def test_a_foreground_takes_the_ground_away_whatever_it_is():
    faint = DIGITS // 2
    expected = torch.from_numpy(faint).float() / 255
    for ground in (0, 60, 128):
        torch.testing.assert_close(grey_foreground(faint + ground, unsigned=False), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(grey_foreground(255 - faint, unsigned=False), -expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(grey_foreground(np.repeat(faint, 3, 1), unsigned=False), expected, atol=1e-6, rtol=0)


def test_an_unsigned_foreground_does_not_tell_a_picture_from_its_negative():
    torch.testing.assert_close(grey_foreground(255 - DIGITS, unsigned=True), grey_foreground(DIGITS, unsigned=True))


@pytest.mark.parametrize("size", [(28, 28), (9, 14), (27, 27), (32, 48), (50, 50)], ids=str)
def test_small_copies_move_as_the_pictures_do(size):
    x, homography = smooth(N, size), Rotate().homography(size, streams(1))
    moved = sample(downsample(x), homography)
    assert (downsample(sample(x, homography)) - moved).square().mean() < 0.01 * moved.square().mean()


def test_small_pictures_are_not_made_smaller_and_large_ones_are():
    assert downsample(smooth(2, (9, 14))).shape == (2, 1, 9, 14)
    height, width = downsample(smooth(2, (300, 600))).shape[-2:]
    assert width == 2 * height < 64


def test_candidates_are_aligned_each_on_its_own():
    clean = smooth(N, (28, 28))
    true = Rotate().homography((28, 28), streams(1))
    starts = torch.stack([true, true @ slightly((28, 28), 3), true @ slightly((28, 28), 4)], 1)
    candidates = torch.cat([clean, clean.roll(1, 0), clean], 1)
    found, left = align(sample(clean, true), candidates, starts, 5)
    for k in range(3):
        alone, left_alone = aligned(sample(clean, true), candidates[:, k : k + 1], starts[:, k], 5)
        torch.testing.assert_close(found[:, k], alone, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(left[:, k], left_alone, atol=1e-4, rtol=1e-3)
