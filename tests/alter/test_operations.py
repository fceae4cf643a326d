from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from unalter.alter import PictureRandom, picture_keys
from unalter.alter.operations import (
    Blend,
    Blur,
    Flip,
    GaussianNoise,
    Invert,
    Perspective,
    Rotate,
    SaltAndPepper,
    Speckle,
)
from unalter.errors import InputError

N = 37
SHAPES = [(1, 28, 28), (3, 9, 14)]


def operations(shape: tuple[int, int, int]) -> dict:
    """One of each kind, and each of its modes."""
    backgrounds = torch.rand(4, *shape, generator=torch.Generator().manual_seed(1))
    return {
        "rotate": Rotate(),
        "rotate-nearest": Rotate(sampling="nearest"),
        "flip": Flip(),
        "flip-vertical": Flip(axis="vertical"),
        "perspective": Perspective(),
        "perspective-nearest": Perspective(distortion=1.0, sampling="nearest"),
        "blur": Blur(),
        "blur-wide": Blur(kernel=7, sigma=(0.5, 4.0)),
        "invert": Invert(probability=1.0),
        "blend": Blend(weight=(0.0, 1.0), backgrounds=backgrounds),
        "gaussian-noise": GaussianNoise(),
        "salt-and-pepper": SaltAndPepper(),
        "speckle": Speckle(),
    }


every_operation = pytest.mark.parametrize("name", operations((1, 28, 28)))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def streams(count: int = N, seed: int = 0) -> PictureRandom:
    return PictureRandom(picture_keys(seed, torch.arange(count)))


def pictures(shape: tuple[int, int, int], count: int = N) -> torch.Tensor:
    x = torch.rand(count, *shape, generator=torch.Generator().manual_seed(2))
    x[:4], x[4:8] = 1, 0  # plain white and plain black among them
    return x


@every_operation
@every_shape
@pytest.mark.parametrize("probability", [1.0, 0.5])
def test_a_picture_comes_out_the_same_alone_and_in_any_batch(name, shape, probability):
    operation = replace(operations(shape)[name], probability=probability)
    x, keys = pictures(shape), picture_keys(0, torch.arange(N))
    together = operation(x, PictureRandom(keys))
    for k in (0, 5, 11, N - 1):
        assert torch.equal(operation(x[k : k + 1], PictureRandom(keys[k : k + 1])), together[k : k + 1])
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))[:13]
    assert torch.equal(operation(x[order], PictureRandom(keys[order])), together[order])


@every_operation
@every_shape
def test_shape_and_range_are_kept_and_the_input_is_not_written_to(name, shape):
    x = pictures(shape)
    before = x.clone()
    altered = operations(shape)[name](x, streams())
    assert (altered.shape, altered.dtype) == (x.shape, x.dtype)
    assert altered.min() >= -1e-6  # a weighted mean of ones may round to a little more than 1
    assert altered.max() <= 1 + 1e-6
    assert torch.equal(x, before)


@every_operation
@every_shape
def test_probability_0_changes_nothing(name, shape):
    x = pictures(shape)
    assert torch.equal(replace(operations(shape)[name], probability=0.0)(x, streams()), x)


@every_operation
@pytest.mark.parametrize("probability", [0.5, 0.2])
def test_probability_is_the_share_of_altered_pictures(name, probability):
    shape, count = (1, 8, 8), 2000
    x = torch.rand(count, *shape, generator=torch.Generator().manual_seed(4))
    altered = replace(operations(shape)[name], probability=probability)(x, streams(count))
    share = (altered != x).flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(probability, abs=0.05)


@every_operation
def test_pictures_with_other_keys_are_altered_otherwise(name):
    x = pictures((1, 28, 28))[10:11].expand(8, -1, -1, -1)
    altered = operations((1, 28, 28))[name](x, streams(8))
    assert len(altered.unique(dim=0)) == (1 if name.startswith(("flip", "invert")) else 8)


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


@pytest.mark.parametrize("operation", [Rotate(sampling="nearest"), Perspective(sampling="nearest")])
def test_nearest_sampling_keeps_binary_pictures_binary(operation):
    x = (pictures((1, 20, 20)) > 0.5).float()
    altered = operation(x, streams())
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


@pytest.mark.parametrize(("sigma", "kernel"), [(0.5, 3), (1.0, 3), (2.0, 3), (1.3, 5), (2.0, 9)])
def test_blur_is_a_truncated_gaussian_renormalised(sigma, kernel):
    x = torch.rand(2, 1, 12, 15, generator=torch.Generator().manual_seed(7))
    blurred = Blur(sigma=(sigma, sigma), kernel=kernel)(x, streams(2))
    for before, after in zip(x[:, 0].double().numpy(), blurred[:, 0].numpy(), strict=True):
        expected = gaussian_filter(before, sigma, radius=kernel // 2, mode="mirror")  # torch calls it reflect
        np.testing.assert_allclose(after, expected, atol=1e-5)


def test_blur_keeps_constant_pictures_and_the_smaller_its_sigma_the_less_it_does():
    grey = torch.full((N, 3, 9, 9), 0.37)
    torch.testing.assert_close(Blur(kernel=5)(grey, streams()), grey)
    x = pictures((1, 9, 9))
    torch.testing.assert_close(Blur(sigma=(0.01, 0.01))(x, streams()), x)
    change = [(Blur(sigma=(s, s))(x, streams()) - x).abs().mean().item() for s in (0.3, 0.6, 1.2, 2.4)]
    assert change == sorted(change)


@pytest.mark.parametrize("kernel", [4, 1, -3, 3.0])
def test_blur_takes_odd_kernels_only(kernel):
    with pytest.raises(InputError, match=r"blur: kernel is .* odd whole number"):
        Blur(kernel=kernel)


def test_a_kernel_larger_than_the_picture_is_an_input_error():
    with pytest.raises(InputError, match="kernel of 21 is too large"):
        Blur(kernel=21)(pictures((1, 8, 8)), streams())


def test_inverting_twice_changes_nothing():
    x, invert = pictures((3, 9, 14)), Invert(probability=1.0)
    torch.testing.assert_close(invert(x, streams()), 1 - x)
    torch.testing.assert_close(invert(invert(x, streams()), streams()), x)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_blend_is_the_weighted_mean_with_one_of_the_backgrounds(weight):
    backgrounds = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(8))
    x = pictures((1, 8, 8), 300)
    blended = Blend(weight=(weight, weight), backgrounds=backgrounds)(x, streams(300))
    candidates = weight * x[:, None] + (1 - weight) * backgrounds  # [300, 3, 1, 8, 8]
    distance = (candidates - blended[:, None]).abs().amax((2, 3, 4))
    assert distance.min(1).values.max() < 1e-6
    if weight < 1:
        counts = distance.argmin(1).bincount(minlength=3)
        assert (counts - 100).abs().max() < 4 * (300 * 2 / 9) ** 0.5


def test_blend_weights_fill_their_range():
    blended = Blend(weight=(0.2, 0.6), backgrounds=torch.zeros(1, 1, 2, 2))(torch.ones(2000, 1, 2, 2), streams(2000))
    weights = blended[:, 0, 0, 0]
    assert 0.2 <= weights.min() < 0.21
    assert 0.59 < weights.max() <= 0.6
    assert weights.mean().item() == pytest.approx(0.4, abs=0.01)


def test_blend_without_fitting_backgrounds_says_so():
    x = pictures((1, 8, 8))
    with pytest.raises(InputError, match="no backgrounds"):
        Blend()(x, streams())
    with pytest.raises(InputError, match=r"\(9, 8\), the pictures \(8, 8\)"):
        Blend(backgrounds=torch.zeros(1, 1, 9, 8))(x, streams())


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_gaussian_noise_has_its_sigma_wherever_the_grey_is(sigma):
    x = torch.full((200, 3, 16, 16), 0.5)
    noise = GaussianNoise(sigma=(sigma, sigma))(x, streams(200)) - x
    assert noise.mean().item() == pytest.approx(0, abs=4 * sigma / noise.numel() ** 0.5)
    assert noise.std().item() == pytest.approx(sigma, rel=0.01)
    assert torch.corrcoef(noise.transpose(0, 1).flatten(1)).fill_diagonal_(0).abs().max() < 0.02  # colours differ


def test_gaussian_sigma_is_drawn_once_a_picture():
    noise = GaussianNoise(sigma=(0.02, 0.1))(torch.full((200, 1, 32, 32), 0.5), streams(200)) - 0.5
    sigmas = noise.flatten(1).std(1)
    assert sigmas.min() < 0.025
    assert sigmas.max() > 0.095
    assert sigmas.mean().item() == pytest.approx(0.06, abs=0.005)


def test_speckle_grows_with_the_grey():
    for grey in (0.0, 0.2, 0.6):
        x = torch.full((200, 1, 16, 16), grey)
        noise = Speckle(sigma=(0.1, 0.1))(x, streams(200)) - x
        assert noise.std().item() == pytest.approx(0.1 * grey, rel=0.02, abs=1e-6)
        assert noise.mean().item() == pytest.approx(0, abs=1e-3)


def test_salt_and_pepper_sets_its_share_half_white_half_black_in_all_channels():
    x = torch.full((200, 3, 16, 16), 0.5)
    salted = SaltAndPepper(share=(0.3, 0.3))(x, streams(200))
    assert set(salted.unique().tolist()) == {0.0, 0.5, 1.0}
    assert (salted == 1).float().mean().item() == pytest.approx(0.15, abs=0.007)
    assert (salted == 0).float().mean().item() == pytest.approx(0.15, abs=0.007)
    assert (salted == salted[:, :1]).all()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Rotate, {"degrees": (0.0, 400.0)}),
        (Rotate, {"degrees": (10.0, -10.0)}),
        (Rotate, {"probability": 1.5}),
        (Flip, {"probability": float("nan")}),
        (Perspective, {"distortion": 1.1}),
        (Blur, {"sigma": (0.0, 1.0)}),
        (Blend, {"weight": (-0.1, 0.5)}),
        (GaussianNoise, {"sigma": (0.1, 0.2, 0.3)}),
        (SaltAndPepper, {"share": ("a", "b")}),
        (Speckle, {"sigma": (-1.0, 1.0)}),
    ],
)
def test_what_is_impossible_is_named_with_what_is_possible(kind, values):
    (name,) = values
    with pytest.raises(InputError, match=rf"{name} is .*must be .* between"):
        kind(**values)
