import pytest
import torch

from unalter.alter import Flip, KeyedDraws, Perspective, Rotate, Scale, Translate, fold_in
from unalter.alter.geometric import sample

N = 37
SHAPES = [(1, 28, 28), (3, 9, 14)]
WARPS = {
    "rotate": Rotate(),
    "rotate-nearest": Rotate(sampling="nearest"),
    "flip": Flip(),
    "flip-vertical": Flip(axis="vertical"),
    "scale": Scale(factor=(0.6, 1.4)),
    "perspective": Perspective(),
    "translate": Translate(across=(-0.3, 0.3), down=(-0.1, 0.1)),
}

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_warp = pytest.mark.parametrize("warp", WARPS.values(), ids=WARPS)


def streams(count: int = N, seed: int = 0) -> KeyedDraws:
    return KeyedDraws(fold_in(seed, torch.arange(count)))


def pictures(shape: tuple[int, int, int], count: int = N) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(2))


def spots(size: tuple[int, int], places: torch.Tensor) -> torch.Tensor:
    """Small bright spots at places [N, 2] (across, down): [N, 1, H, W]."""
    height, width = size
    u = ((torch.arange(width) + 0.5) / width * 2 - 1)[None, None, :] - places[:, 0, None, None]
    v = ((torch.arange(height) + 0.5) / height * 2 - 1)[None, :, None] - places[:, 1, None, None]
    return torch.exp(-((u * width / 6) ** 2 + (v * height / 6) ** 2))[:, None]


def centres(x: torch.Tensor) -> torch.Tensor:
    """Where the light of [N, 1, H, W] is on average: [N, 2] (across, down)."""
    height, width = x.shape[-2:]
    light = x[:, 0] / x.sum((1, 2, 3))[:, None, None]
    u = (torch.arange(width) + 0.5) / width * 2 - 1
    v = (torch.arange(height) + 0.5) / height * 2 - 1
    return torch.stack([(light * u).sum((1, 2)), (light * v[:, None]).sum((1, 2))], 1)


def mapped(homography: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    across, down, depth = (homography @ torch.cat([places, torch.ones(len(places), 1)], 1)[:, :, None])[:, :, 0].T
    return torch.stack([across, down], 1) / depth[:, None]


@every_warp
@pytest.mark.parametrize("size", [(60, 60), (60, 84)])
def test_what_was_at_a_place_is_seen_where_the_homography_comes_from_it(warp, size):
    places = torch.rand(N, 2, generator=torch.Generator().manual_seed(9)) * 0.5 - 0.25
    seen, homography = warp.apply_with_homography(spots(size, places), streams())
    torch.testing.assert_close(mapped(homography, centres(seen)), places, atol=0.03, rtol=0)


@every_warp
@every_shape
@pytest.mark.parametrize("probability", [1.0, 0.5])
def test_a_picture_is_sampled_at_its_homography_or_not_touched(warp, shape, probability):
    warp = type(warp)(**{name: getattr(warp, name) for name in warp.parameters()} | {"probability": probability})
    x = pictures(shape)
    altered, homography = warp.apply_with_homography(x, streams())
    assert torch.equal(altered, warp(x, streams()))
    assert torch.equal(homography, warp.homography(shape[1:], streams()))
    stays = (homography == torch.eye(3)).flatten(1).all(1)
    assert stays.sum() == (~streams().chance(probability)).sum()
    assert torch.equal(altered[stays], x[stays])
    sampling = "nearest" if isinstance(warp, Flip) else warp.sampling
    torch.testing.assert_close(altered, sample(x, homography, sampling), atol=1e-5, rtol=0)


@pytest.mark.parametrize("first", WARPS.values(), ids=WARPS)
def test_homographies_of_two_steps_multiply_first_on_the_left(first):
    places = torch.rand(N, 2, generator=torch.Generator().manual_seed(9)) * 0.3 - 0.15
    random = streams()
    once, moves = first.apply_with_homography(spots((60, 84), places), random)
    twice, moves_again = Perspective(distortion=0.4).apply_with_homography(once, random)
    torch.testing.assert_close(mapped(moves @ moves_again, centres(twice)), places, atol=0.04, rtol=0)


@every_warp
def test_the_inverse_homography_puts_everything_back(warp):
    places = torch.rand(N, 2, generator=torch.Generator().manual_seed(9)) * 0.4 - 0.2
    x = spots((60, 84), places)
    altered, homography = warp.apply_with_homography(x, streams())
    back = sample(altered, torch.linalg.inv(homography))
    assert (back - x).abs().mean() < 0.1 * x.mean()


def test_sampling_at_the_identity_changes_nothing_and_behind_the_horizon_is_black():
    x = pictures((3, 9, 14))
    identity = torch.eye(3).expand(N, 3, 3)
    assert torch.equal(sample(x, identity, "nearest"), x)
    torch.testing.assert_close(sample(x, identity), x, atol=1e-5, rtol=0)
    assert sample(x, -identity).max() == 0  # the same places, seen from behind


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("side", [8, 9])
def test_rotation_by_a_quarter_is_rot90(sampling, side):
    x = torch.rand(5, 2, side, side, generator=torch.Generator().manual_seed(5))
    for quarters in (-2, -1, 0, 1, 2, 3):
        turned = Rotate(degrees=(90.0 * quarters, 90.0 * quarters), sampling=sampling)(x, streams(5))
        torch.testing.assert_close(turned, torch.rot90(x, quarters, (-2, -1)), atol=1e-5, rtol=0)  # anticlockwise


def test_rotation_keeps_lengths_on_pictures_that_are_not_square():
    x = torch.rand(2, 1, 6, 10, generator=torch.Generator().manual_seed(6))
    turned = Rotate(degrees=(90.0, 90.0))(x, streams(2))
    middle = slice(2, 8)
    torch.testing.assert_close(turned[..., middle], torch.rot90(x[..., middle], 1, (-2, -1)), atol=1e-5, rtol=0)
    assert max(turned[..., :2].max(), turned[..., 8:].max()) < 1e-5  # from outside comes black


def test_rotation_leaves_a_disc_where_it_is():
    y, x = torch.meshgrid(torch.arange(21) - 10, torch.arange(21) - 10, indexing="ij")
    smooth = (1 - (x**2 + y**2) / 100).clamp_min(0).square().expand(N, 1, 21, 21)
    turned = Rotate()(smooth, streams())
    assert (turned - smooth).abs().max() < 0.02


@pytest.mark.parametrize("alteration", [Rotate(sampling="nearest"), Perspective(sampling="nearest")])
def test_nearest_sampling_keeps_binary_pictures_binary(alteration):
    x = (pictures((1, 20, 20)) > 0.5).float()
    altered = alteration(x, streams())
    assert set(altered.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(altered, x)


@pytest.mark.parametrize(("axis", "dim"), [("horizontal", -1), ("vertical", -2)])
def test_flip_mirrors_along_its_axis(axis, dim):
    x, flip = pictures((3, 9, 14)), Flip(axis=axis)
    assert torch.equal(flip(x, streams()), x.flip(dim))
    assert torch.equal(flip(flip(x, streams()), streams()), x)


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
@every_shape
def test_perspective_without_distortion_changes_nothing(sampling, shape):
    x = pictures(shape)
    torch.testing.assert_close(Perspective(distortion=0.0, sampling=sampling)(x, streams()), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("distortion", [0.2, 0.5])
def test_perspective_moves_each_corner_inwards_independently(distortion):
    count, side = 1000, 32
    white = Perspective(distortion=distortion)(torch.ones(count, 1, side, side), streams(count))
    # the expected area of a quadrilateral with independent corners is that of the expected corners
    assert white.mean().item() == pytest.approx((1 - distortion / 2) ** 2, abs=0.01)
    reach = int(side / 2 * distortion) + 1
    assert (white[..., reach:-reach, reach:-reach] > 1 - 1e-5).all()
    torch.testing.assert_close(white.mean(0), white.mean(0).flip(-1), atol=0.08, rtol=0)


def test_perspective_keeps_straight_lines_straight():
    # the middle of the picture's diagonals stays on both images of the diagonals: they cross in one bright place
    side = 41
    diagonals = (torch.eye(side) + torch.eye(side).flip(1)).clamp(max=1)
    seen = Perspective(distortion=0.3)(diagonals.expand(N, 1, side, side), streams())
    for picture in seen[:, 0]:
        rows, columns = torch.nonzero(picture > 0.3).double().unbind(1)
        # a pair of lines is a conic of rank 2: all its points satisfy one quadratic equation
        u, v = rows / side * 2 - 1, columns / side * 2 - 1
        terms = torch.stack([u * u, u * v, v * v, u, v, torch.ones_like(u)], 1)
        smallest = torch.linalg.svdvals(terms)[-1] / len(u) ** 0.5
        assert smallest < 0.03


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
def test_turning_there_and_back_changes_no_place(sampling):
    there, back = (Rotate(degrees=(d, d), sampling=sampling).homography((9, 14), streams()) for d in (33.0, -33.0))
    torch.testing.assert_close(there @ back, torch.eye(3).expand(N, 3, 3), atol=1e-6, rtol=0)


def test_scale_by_two_shows_the_middle_twice_as_large():
    x = pictures((3, 8, 12))
    seen = Scale(factor=(2.0, 2.0), sampling="nearest")(x, streams())
    middle = x[..., 2:6, 3:9]
    assert torch.equal(seen, middle.repeat_interleave(2, -1).repeat_interleave(2, -2))


def test_scale_by_half_shows_means_of_four_pixels_within_black():
    x = pictures((3, 8, 12))
    seen = Scale(factor=(0.5, 0.5))(x, streams())
    torch.testing.assert_close(seen[..., 2:6, 3:9], torch.nn.functional.avg_pool2d(x, 2), atol=1e-5, rtol=0)
    seen[..., 2:6, 3:9] = 0
    assert seen.abs().max() == 0


def test_scale_smaller_and_as_much_larger_is_the_identity():
    smaller, larger = (Scale(factor=(f, f)).homography((9, 14), streams()) for f in (0.8, 1.25))
    torch.testing.assert_close(smaller @ larger, torch.eye(3).expand(N, 3, 3), atol=1e-6, rtol=0)


def test_scale_factors_fill_their_range():
    homography = Scale(factor=(0.7, 1.0)).homography((9, 14), streams(2000))
    factors = 1 / homography[:, 0, 0]
    assert torch.equal(homography[:, 0, 0], homography[:, 1, 1])
    assert 0.7 <= factors.min() + 1e-6 < 0.71
    assert 0.99 < factors.max() <= 1
    assert factors.mean().item() == pytest.approx(0.85, abs=0.01)


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
def test_translate_by_whole_pixels_is_a_shift_and_black_comes_in(sampling):
    x = pictures((3, 8, 10))
    seen = Translate(across=(0.2, 0.2), down=(-0.25, -0.25), sampling=sampling)(x, streams())  # 2 right, 2 up
    torch.testing.assert_close(seen[..., :6, 2:], x[..., 2:, :8], atol=1e-5, rtol=0)
    assert max(seen[..., 6:, :].max(), seen[..., :2].max()) < 1e-5


def test_translate_draws_across_and_down_apart():
    homography = Translate(across=(-0.1, 0.1), down=(0.0, 0.3)).homography((9, 14), streams(2000))
    across, down = -homography[:, 0, 2] / 2, -homography[:, 1, 2] / 2
    assert -0.1 <= across.min() < -0.09 < 0.09 < across.max() <= 0.1
    assert 0 <= down.min() < 0.01 < 0.29 < down.max() <= 0.3
    assert torch.corrcoef(torch.stack([across, down]))[0, 1].abs() < 5 / 2000**0.5
