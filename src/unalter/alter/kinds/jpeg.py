"""JPEG's losses, as Pillow's encoder and decoder (libjpeg-turbo, its defaults) leave them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.alteration import Alteration, Photometric, Range, both_ends
from unalter.alter.draws import Draws
from unalter.support.device import constant, widest_float

# the tables of ITU-T T.81 (1992), annex K, which every quality scales
_LUMINANCE = """
    16 11 10 16  24  40  51  61    12 12 14 19  26  58  60  55    14 13 16 24  40  57  69  56
    14 17 22 29  51  87  80  62    18 22 37 56  68 109 103  77    24 35 55 64  81 104 113  92
    49 64 78 87 103 121 120 101    72 92 95 98 112 100 103  99"""
_CHROMINANCE = """
    17 18 24 47 99 99 99 99    18 21 26 66 99 99 99 99    24 26 56 99 99 99 99 99    47 66 99 99 99 99 99 99
    99 99 99 99 99 99 99 99    99 99 99 99 99 99 99 99    99 99 99 99 99 99 99 99    99 99 99 99 99 99 99 99"""
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
_TO_RGB = ((0.0, 1.402), (-0.344136286, -0.714136286), (1.772, 0.0))


@dataclass(frozen=True, kw_only=True)
class Jpeg(Photometric):
    """Stored as JPEG of a `quality` from 1 to 100, colours at half of the resolution, and read again."""

    name = "jpeg"
    limits: ClassVar[dict[str, Range]] = {"quality": (1, 100)}
    stage = 60
    uncommon = True
    fitted = both_ends("quality", 3, 98, 4, 1, 5, 10)

    quality: Range = (20.0, 80.0)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        quality = random.between(*self.quality)
        x = (x * 255).round_()
        if x.shape[1] != 3:
            return _stored(x, _table(_LUMINANCE, quality)).div_(255)
        y, *colour = _mixed(x, _TO_YCC).unbind(1)
        y = _stored(y[:, None].round(), _table(_LUMINANCE, quality))
        height, width = x.shape[-2:]
        halves = _stored(_halved((torch.stack(colour, 1) + 127.5).ceil()), _table(_CHROMINANCE, quality))
        colour = _doubled(halves[..., : (width + 1) // 2])[..., :height, :width]
        return (y + _mixed(colour - 128, _TO_RGB).round_()).clamp_(0, 255).div_(255)

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            Jpeg(quality=(80, 95)),
            Jpeg(quality=(50, 80)),
            Jpeg(quality=(20, 50)),
            Jpeg(quality=(5, 20)),
            Jpeg(quality=(20, 90)),
        )


def _table(base: str, quality: Tensor) -> Tensor:
    """What coefficients are divided by, float32 [N, 1, 1, 8, 1, 8] for qualities [N]; libjpeg's for whole ones."""
    percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()
    scaled = ((percent[:, None] * _numbers(base, quality.device) + 50) / 100).floor().clamp(1, 255)
    return scaled.reshape(-1, 1, 1, 8, 1, 8)


@constant
def _numbers(table: str, device: torch.device) -> Tensor:
    return torch.tensor([float(number) for number in table.split()], device=device)


def _stored(x: Tensor, table: Tensor) -> Tensor:
    """Planes [N, C, H, W] of whole numbers 0..255 after rounding the cosine transforms of their 8 x 8 blocks."""
    height, width = x.shape[-2:]
    cosines = _cosines(x.device)
    # float64: a sum that is rounded must not depend on how it was summed, which differs from batch to batch
    padded = F.pad(x - 128, (0, -width % 8, 0, -height % 8), mode="replicate").to(cosines.dtype)
    blocks = (8 * cosines @ padded.unflatten(2, (-1, 8))).unflatten(4, (-1, 8)) @ cosines.T  # [N, C, H/8, 8, W/8, 8]
    eighths = blocks.round_().float()  # as libjpeg has them
    kept = eighths.div_(8 * (1 - 2**-22) * table).round_().mul_(table)  # halves are rounded away from zero
    pixels = cosines.T @ (kept.to(cosines.dtype) @ cosines).flatten(4)
    return pixels.round_().float().flatten(2, 3)[..., :height, :width].add(128).clamp_(0, 255)


@constant
def _cosines(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of 8 numbers: [8, 8]."""
    k = torch.arange(8, dtype=widest_float(device), device=device)
    cosines = torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)) / 2
    return torch.cat([cosines[:1] * math.sqrt(0.5), cosines[1:]])


def _mixed(x: Tensor, weights: tuple[tuple[float, ...], ...]) -> Tensor:
    """Channels as weighted sums of channels [N, C, H, W]."""
    channels = x.unbind(1)
    return torch.stack(
        [sum((c * w for c, w in zip(channels, row, strict=True)), 0 * channels[0]) for row in weights], 1
    )


def _halved(x: Tensor) -> Tensor:
    """Means of 2 x 2 pixels as libjpeg rounds them, [N, C, H, W] to [N, C, ceil(H / 2), ceil(W / 2)], W to whole
    blocks: it repeats the last column before it takes the means, and the last row after.
    """
    height, width = x.shape[-2:]
    x = F.pad(x, (0, -width % 16, 0, height % 2), mode="replicate")
    sums = x[..., ::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, ::2] + x[..., 1::2, 1::2]
    bias = 1 + torch.arange(sums.shape[-1], device=x.device) % 2
    return ((sums + bias) / 4).floor()


def _doubled(x: Tensor) -> Tensor:
    """Twice the size by libjpeg's triangle filter, 3 parts of the nearest and 1 of the next, [N, C, H, W] of whole
    numbers to [N, C, 2 H, 2 W].
    """
    x = torch.stack(_with_next(x, 2), 3).flatten(2, 3)
    left, right = _with_next(x, 3)
    return (torch.stack([left + 8, right + 7], 4).flatten(3) / 16).floor()


def _with_next(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """3 times every pixel and once the one before it, or after it; at the edge the pixel itself."""
    inner = x.shape[dim] - 1
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, inner)], dim)
    after = torch.cat([x.narrow(dim, 1, inner), x.narrow(dim, inner, 1)], dim)
    return 3 * x + before, 3 * x + after
