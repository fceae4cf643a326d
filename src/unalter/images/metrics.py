"""How near a picture is to another: one value per picture, averaging happens elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from unalter.support.device import constant

_WINDOW = 7
LEAST_SIZE = _WINDOW
"""Pixels that a side must have for SSIM."""
_K1, _K2 = 0.01, 0.03


def ssim(x_hat: Tensor, x: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004), as scikit-image computes it by default.

    A uniform 7 x 7 window, sample covariances, data range 1, mean over the windows that lie inside.

    Args:
        x_hat, x: float [N, C, H, W] in 0..1, H and W at least 7.

    Returns:
        [N], 1 for equal pictures; differentiable.
    """
    if min(x.shape[-2:]) < _WINDOW:
        raise ValueError(f"SSIM needs pictures of at least 7 x 7 pixels, these are {tuple(x.shape[-2:])}")
    stacked = torch.cat([x_hat, x, x_hat * x_hat, x * x, x_hat * x])
    mean_a, mean_b, aa, bb, ab = _window_means(stacked).chunk(5)
    sample = _WINDOW**2 / (_WINDOW**2 - 1)
    var_a = sample * (aa - mean_a * mean_a)
    var_b = sample * (bb - mean_b * mean_b)
    cov = sample * (ab - mean_a * mean_b)
    c1, c2 = _K1**2, _K2**2
    top = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
    bottom = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return (top / bottom).flatten(1).mean(1)


def _window_means(x: Tensor) -> Tensor:
    """The mean of every window that lies inside: [..., H, W] -> [..., H - 6, W - 6].

    Two products with banded matrices; pooling takes seven times as long, forward and back.
    """
    height, width = x.shape[-2:]
    return _band(height, x.device, x.dtype) @ x @ _band(width, x.device, x.dtype).T


@constant
def _band(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[size - 6, size]: each row averages seven neighbours."""
    full = torch.full((size - _WINDOW + 1, size), 1 / _WINDOW, device=device, dtype=dtype)
    return full.triu().tril(_WINDOW - 1)


def psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibel: -10 log10 of the mean squared error, data range 1; at most 100.

    Args:
        x_hat, x: float [N, C, H, W] in 0..1.

    Returns:
        [N]; 100 for equal pictures, so that a mean over pictures stays finite.
    """
    return -10 * torch.log10((x_hat - x).square().flatten(1).mean(1).clamp_min(1e-10))
