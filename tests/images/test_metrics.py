import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from unalter.data.digits import load_digits
from unalter.images.metrics import psnr, ssim


def noisy_pair(channels: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Six pictures and noisier and noisier versions of them."""
    generator = torch.Generator().manual_seed(channels * height + width)
    x = torch.rand(6, channels, height, width, generator=generator)
    strength = torch.linspace(0.02, 1, 6)[:, None, None, None]
    return (x + strength * torch.randn(x.shape, generator=generator)).clamp(0, 1), x


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (7, 7), (9, 14)])
def test_ssim_is_that_of_scikit_image(channels, size):
    x_hat, x = noisy_pair(channels, *size)
    expected = [
        structural_similarity(a.numpy(), b.numpy(), data_range=1, channel_axis=0)
        for a, b in zip(x_hat.double(), x.double(), strict=True)
    ]
    np.testing.assert_allclose(ssim(x_hat, x).numpy(), expected, atol=1e-5)


def test_ssim_on_digits_is_that_of_scikit_image():
    digits = load_digits("test")[0][:20] / 255  # large flat areas: the variances there are differences of equals
    x, x_hat = torch.from_numpy(digits[:10, None]).float(), torch.from_numpy(digits[10:, None]).float()
    expected = [structural_similarity(a, b, data_range=1) for a, b in zip(digits[10:], digits[:10], strict=True)]
    np.testing.assert_allclose(ssim(x_hat, x).numpy(), expected, atol=1e-5)


def test_ssim_is_one_for_equal_pictures_symmetric_and_smaller_for_more_noise():
    x_hat, x = noisy_pair(1, 16, 16)
    torch.testing.assert_close(ssim(x, x), torch.ones(6))
    torch.testing.assert_close(ssim(x_hat, x), ssim(x, x_hat))
    noise = x_hat[5:] - x[5:]
    more_and_more = x[5:] + torch.linspace(0, 1, 6)[:, None, None, None] * noise
    assert (ssim(more_and_more, x[5:].expand_as(more_and_more)).diff() < 0).all()


def test_ssim_of_constant_pictures_has_a_closed_form():
    x_hat, x = torch.full((1, 1, 9, 9), 0.25).double(), torch.full((1, 1, 9, 9), 0.75).double()
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert ssim(x_hat, x).item() == pytest.approx(expected, abs=1e-9)


def test_ssim_has_the_gradient_of_finite_differences():
    x_hat, x = (part[:2, :, :8, :8].double() for part in noisy_pair(1, 8, 8))
    assert torch.autograd.gradcheck(lambda a: ssim(a, x), x_hat.requires_grad_())


def test_ssim_of_too_small_pictures_says_so():
    with pytest.raises(ValueError, match="7 x 7"):
        ssim(torch.zeros(1, 1, 6, 9), torch.zeros(1, 1, 6, 9))


@pytest.mark.parametrize("error", [0.5, 0.1, 0.01])
def test_psnr_of_a_constant_error_has_a_closed_form(error):
    x = torch.linspace(0, 0.5, 3 * 5 * 4).reshape(1, 3, 5, 4)
    assert psnr(x + error, x).item() == pytest.approx(-20 * math.log10(error), abs=1e-3)


def test_psnr_is_one_value_a_picture_and_100_for_equal_ones():
    x_hat, x = noisy_pair(3, 8, 8)
    x_hat[2] = x[2]
    values = psnr(x_hat, x)
    assert values[2].item() == pytest.approx(100)
    for k in (0, 5):
        mse = (x_hat[k] - x[k]).double().square().mean().item()
        assert values[k].item() == pytest.approx(10 * math.log10(1 / mse), abs=1e-3)
