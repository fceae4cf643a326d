"""What a picture shows, told from the ground that it lies on; and where its pixels lie."""

from __future__ import annotations

import torch
from torch import Tensor

from unalter.support.device import constant


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
