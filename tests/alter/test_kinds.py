from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.ndimage import gaussian_filter

from unalter.alter import (
    Blend,
    Blur,
    Contrast,
    Flip,
    GaussianNoise,
    Invert,
    Jpeg,
    KeyedDraws,
    MotionBlur,
    Occlusion,
    Perspective,
    Rotate,
    SaltAndPepper,
    Scale,
    ShotNoise,
    Speckle,
    Translate,
    fold_in,
)
from unalter.support.errors import InputError

N = 37
SHAPES = [(1, 28, 28), (3, 9, 14)]


def alterations(shape: tuple[int, int, int]) -> dict:
    """One of each kind, and each of its modes."""
    backgrounds = torch.rand(4, *shape, generator=torch.Generator().manual_seed(1))
    return {
        "rotate": Rotate(),
        "rotate-nearest": Rotate(sampling="nearest"),
        "flip": Flip(),
        "flip-vertical": Flip(axis="vertical"),
        "perspective": Perspective(),
        "perspective-nearest": Perspective(distortion=1.0, sampling="nearest"),
        "scale": Scale(factor=(0.3, 3.0)),
        "translate": Translate(),
        "blur": Blur(),
        "blur-wide": Blur(kernel=7, sigma=(0.5, 4.0)),
        "invert": Invert(probability=1.0),
        "contrast": Contrast(),
        "blend": Blend(weight=(0.0, 1.0), backgrounds=backgrounds),
        "gaussian-noise": GaussianNoise(),
        "salt-and-pepper": SaltAndPepper(),
        "speckle": Speckle(),
        "shot-noise": ShotNoise(photons=(5.0, 50.0)),
        "occlusion": Occlusion(area=(0.1, 0.3)),
        "motion-blur": MotionBlur(),
        "jpeg": Jpeg(),
    }


every_alteration = pytest.mark.parametrize("name", alterations((1, 28, 28)))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def streams(count: int = N, seed: int = 0) -> KeyedDraws:
    return KeyedDraws(fold_in(seed, torch.arange(count)))


def pictures(shape: tuple[int, int, int], count: int = N) -> torch.Tensor:
    x = torch.rand(count, *shape, generator=torch.Generator().manual_seed(2))
    x[:4], x[4:8] = 1, 0  # plain white and plain black among them
    return x


@every_alteration
@every_shape
def test_no_pictures_are_no_pictures(name, shape):
    assert alterations(shape)[name](torch.empty(0, *shape), streams(0)).shape == (0, *shape)


@every_alteration
@every_shape
@pytest.mark.parametrize("probability", [1.0, 0.5])
def test_a_picture_comes_out_the_same_alone_and_in_any_batch(name, shape, probability):
    alteration = replace(alterations(shape)[name], probability=probability)
    x, keys = pictures(shape), fold_in(0, torch.arange(N))
    together = alteration(x, KeyedDraws(keys))
    for k in (0, 5, 11, N - 1):
        assert torch.equal(alteration(x[k : k + 1], KeyedDraws(keys[k : k + 1])), together[k : k + 1])
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))[:13]
    assert torch.equal(alteration(x[order], KeyedDraws(keys[order])), together[order])


@every_alteration
@every_shape
def test_shape_and_range_are_kept_and_the_input_is_not_written_to(name, shape):
    x = pictures(shape)
    before = x.clone()
    altered = alterations(shape)[name](x, streams())
    assert (altered.shape, altered.dtype) == (x.shape, x.dtype)
    assert altered.min() >= -1e-6  # a weighted mean of ones may round to a little more than 1
    assert altered.max() <= 1 + 1e-6
    assert torch.equal(x, before)


@every_alteration
@every_shape
def test_probability_0_changes_nothing(name, shape):
    x = pictures(shape)
    assert torch.equal(replace(alterations(shape)[name], probability=0.0)(x, streams()), x)


@every_alteration
@pytest.mark.parametrize("probability", [0.5, 0.2])
def test_probability_is_the_share_of_altered_pictures(name, probability):
    shape, count = (1, 8, 8), 2000
    x = torch.rand(count, *shape, generator=torch.Generator().manual_seed(4))
    altered = replace(alterations(shape)[name], probability=probability)(x, streams(count))
    share = (altered != x).flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(probability, abs=0.05)


@every_alteration
def test_pictures_with_other_keys_are_altered_otherwise(name):
    x = pictures((1, 28, 28))[10:11].expand(8, -1, -1, -1)
    altered = alterations((1, 28, 28))[name](x, streams(8))
    assert len(altered.unique(dim=0)) == (1 if name.startswith(("flip", "invert")) else 8)


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


def test_contrast_turns_about_the_middle_grey_and_stays_in_range():
    x = pictures((3, 9, 14))
    altered = Contrast(gain=(1.5, 1.5), offset=(0.1, 0.1))(x, streams())
    torch.testing.assert_close(altered, (1.5 * (x - 0.5) + 0.6).clamp(0, 1))
    torch.testing.assert_close(Contrast(gain=(1.0, 1.0), offset=(0.0, 0.0))(x, streams()), x)
    flat = Contrast(gain=(0.0, 0.0), offset=(-0.2, -0.2))(x, streams())
    torch.testing.assert_close(flat, torch.full_like(x, 0.3))


def test_less_contrast_and_then_as_much_more_changes_nothing():
    x = pictures((1, 9, 14))
    less = Contrast(gain=(0.4, 0.4), offset=(0.1, 0.1))(x, streams())
    again = Contrast(gain=(2.5, 2.5), offset=(-0.25, -0.25))(less, streams())
    torch.testing.assert_close(again, x, atol=1e-5, rtol=0)


def test_gain_and_offset_are_drawn_once_a_picture_and_apart():
    x = torch.tensor([0.4, 0.6])[None, None, None].expand(2000, 1, 1, 2)
    low, high = Contrast(gain=(0.5, 1.5), offset=(-0.2, 0.2))(x, streams(2000))[:, 0, 0].unbind(1)
    gain, offset = (high - low) / 0.2, (high + low) / 2 - 0.5
    assert 0.5 <= gain.min() + 1e-5 < 0.52
    assert 1.48 < gain.max() <= 1.5 + 1e-5
    assert offset.abs().max().item() == pytest.approx(0.2, abs=0.005)
    assert torch.corrcoef(torch.stack([gain, offset]))[0, 1].abs() < 5 / 2000**0.5


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
    with pytest.raises(InputError, match=r"made for 9 x 8 pictures .* these are 8 x 8; give it 9 x 8 .* 8 x 8 back"):
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


@pytest.mark.parametrize("photons", [1.0, 20.0, 200.0, 1e5])
@pytest.mark.parametrize("grey", [0.02, 0.2, 0.4])
def test_shot_noise_keeps_the_mean_and_its_variance_is_the_mean(grey, photons):
    x = torch.full((400, 3, 16, 16), grey)
    seen = ShotNoise(photons=(photons, photons))(x, streams(400)).double()
    count = seen * photons
    torch.testing.assert_close(count, count.round(), atol=1e-6 * photons, rtol=0)  # photons are whole
    rate = grey * photons
    if photons > 1:  # one photon is white already: what comes on top of it is cut off
        assert count.mean().item() == pytest.approx(rate, abs=4 * (rate / x.numel()) ** 0.5)
        assert count.var().item() == pytest.approx(rate, rel=4 * ((2 + 1 / rate) / x.numel()) ** 0.5)


@pytest.mark.parametrize("rate", [0.4, 3.0, 9.9, 10.0, 40.0])
def test_shot_noise_counts_are_poisson_distributed(rate):
    seen = ShotNoise(photons=(200.0, 200.0))(torch.full((200, 1, 16, 16), rate / 200), streams(200))
    counts = (seen * 200).round().long().flatten().bincount(minlength=201).numpy()
    expected = stats.poisson.pmf(np.arange(len(counts)), rate) * counts.sum()
    common = expected > 10
    observed = [*counts[common], counts[~common].sum()]
    expected = [*expected[common], counts.sum() - expected[common].sum()]
    assert stats.chisquare(observed, expected).pvalue > 0.001


@pytest.mark.parametrize("grey", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize(
    "noise",
    [
        GaussianNoise(sigma=(0.3, 0.3)),
        SaltAndPepper(share=(0.2, 0.2)),
        Speckle(sigma=(0.5, 0.5)),
        ShotNoise(photons=(30, 30)),
    ],
    ids=lambda noise: noise.name,
)
def test_what_is_expected_of_noise_is_the_mean_of_what_it_does(noise, grey):
    x = torch.full((1, 1, 400, 500), grey)
    expected = noise.average(x, KeyedDraws(fold_in(0, torch.arange(1))))
    assert expected.std() < 1e-6
    made = noise(x, KeyedDraws(fold_in(0, torch.arange(1))))
    assert abs(made.mean() - expected.mean()) < 0.005


def test_shot_noise_leaves_black_black_and_the_more_photons_the_less_it_does():
    assert ShotNoise()(torch.zeros(N, 3, 9, 9), streams()).max() == 0
    x = pictures((1, 9, 9))
    change = [(ShotNoise(photons=(p, p))(x, streams()) - x).abs().mean().item() for p in (1e6, 1e4, 200.0, 20.0, 1.0)]
    assert change == sorted(change)
    assert change[0] < 1e-3


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 35)], ids=str)
def test_occlusion_covers_one_rectangle_with_one_grey(shape):
    x = torch.full((500, *shape), 2.0)  # brighter than any cover
    covered = Occlusion(area=(0.1, 0.3), level=(0.2, 0.6))(x, streams(500))
    hidden = covered < 2
    assert (hidden == hidden[:, :1]).all()
    for picture, mask in zip(covered, hidden[:, 0], strict=True):
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns[None])
        for line in (rows, columns):
            assert line.int().diff().abs().sum() + line[0].int() + line[-1].int() == 2  # without a gap
        levels = picture[:, mask].unique()
        assert len(levels) == 1
        assert 0.2 <= levels.item() <= 0.6
    areas = hidden[:, 0].flatten(1).float().mean(1)
    assert areas.mean().item() == pytest.approx(0.2, abs=0.01)
    assert 0.08 < areas.min() < 0.12
    assert 0.28 < areas.max() < 0.34


def test_occlusion_of_everything_and_of_nothing():
    x = pictures((1, 9, 14))
    assert torch.equal(Occlusion(area=(1.0, 1.0), level=(0.5, 0.5))(x, streams()), torch.full_like(x, 0.5))
    assert torch.equal(Occlusion(area=(0.0, 0.0))(x, streams()), x)


def test_occlusion_comes_anywhere_evenly_left_and_right_above_and_below():
    seen = Occlusion(area=(0.1, 0.1), level=(0.0, 0.0))(torch.ones(4000, 1, 16, 16), streams(4000))
    hidden = 1 - seen.mean(0)[0]
    assert hidden.min() > 0  # the corners too
    for mirrored in (hidden.flip(0), hidden.flip(1), hidden.T):
        torch.testing.assert_close(hidden, mirrored, atol=0.03, rtol=0)


def test_lists_and_numbers_of_numpy_become_what_a_file_gives_back():
    rotate = Rotate(degrees=[np.float64(-3.5), np.int64(4)])  # pyright: ignore[reportArgumentType]
    assert rotate == Rotate(degrees=(-3.5, 4))
    assert [type(value) for value in rotate.degrees] == [float, int]


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
        (Scale, {"factor": (0.0, 1.0)}),
        (Translate, {"down": (0.0, 1.1)}),
        (Contrast, {"offset": (-2.0, 0.0)}),
        (ShotNoise, {"photons": 20.0}),
        (Occlusion, {"area": (0.5, True)}),
    ],
)
def test_what_is_impossible_is_named_with_what_is_possible(kind, values):
    (name,) = values
    with pytest.raises(InputError, match=rf"{name} is .*must be .* between"):
        kind(**values)


@pytest.mark.parametrize(("kind", "values"), [(Rotate, {"sampling": "cubic"}), (Flip, {"axis": "both"})])
def test_an_unknown_word_is_named_with_those_that_are_known(kind, values):
    ((name, value),) = values.items()
    with pytest.raises(InputError, match=rf"{name} is '{value}'; it must be \w+ or \w+"):
        kind(**values)
