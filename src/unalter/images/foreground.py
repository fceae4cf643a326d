"""What a picture shows, told from the ground that it lies on; and where its pixels lie."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.support.device import constant

_NEAR_FILL = 0.05
"""A value in 0..1 that is as near is the same, give or take a little noise."""
_TELLING = 0.2
"""The share of a border that tells the level of the ground."""


def background_level(x: Tensor) -> Tensor:
    """The level of the ground of pictures [N, C, H, W]: the median of each channel's border pixels, [N, C].

    Of an even number of pixels the mean of the middle two, so that an inverted picture has the inverted level.
    """
    border = torch.cat([x[:, :, 0], x[:, :, -1], x[..., 0], x[..., -1]], 2).sort(2).values
    last = border.shape[2] - 1
    return (border[:, :, last // 2] + border[:, :, last - last // 2]) / 2


def foreground(x: Tensor) -> Tensor:
    """How much pictures [N, C, H, W] in 0..1 differ from their ground: of the same shape, -1..1, 0 for the ground."""
    return x - background_level(x)[:, :, None, None]


def pixel_centres(size: int, device: torch.device | None = None) -> Tensor:
    """Where the centres of so many pixels in a row lie, float32 [size], if their outer edges lie at -1 and 1."""
    return _centres(size, device)


@constant
def _centres(size: int, device: torch.device | None) -> Tensor:
    return (torch.arange(size, device=device) + 0.5) * (2 / size) - 1


def without_fill(x: Tensor, value: float) -> Tensor:
    """Pictures [N, H, W] with what reaches in from the border and has one value turned to the level of the rest.

    What moved pictures were filled with is no ground, nor a thing. A picture whose border hardly has anything else
    stays as it is.
    """
    near = ((x - value).abs() < _NEAR_FILL).float()
    sides = [near.cumprod(dim) for dim in (1, 2)] + [near.flip(dim).cumprod(dim).flip(dim) for dim in (1, 2)]
    filled = F.max_pool2d(torch.stack(sides).amax(0)[:, None], 3, 1, 1)[:, 0] > 0  # one pixel more is interpolated
    ground = x.masked_fill(filled, torch.nan)
    border = torch.cat([ground[:, 0], ground[:, -1], ground[..., 0], ground[..., -1]], 1)
    level = border.nanmedian(1).values
    told = (~border.isnan()).float().mean(1) > _TELLING
    return torch.where(filled & told[:, None, None], level[:, None, None], x)
