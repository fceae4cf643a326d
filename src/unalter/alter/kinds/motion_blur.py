"""Motion blur."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.alteration import Alteration, Photometric, Range, both_ends
from unalter.alter.draws import Draws
from unalter.support.errors import InputError


@dataclass(frozen=True, kw_only=True)
class MotionBlur(Photometric):
    """Smeared along a line of `length` pixels (1 or less: not at all); the border is reflected.

    `angle` is the line's, in degrees, anticlockwise from the horizontal; 180 more is the same line.
    """

    name = "motion-blur"
    limits: ClassVar[dict[str, Range]] = {"length": (0, 99), "angle": (-360, 360)}
    stage = 41
    uncommon = True
    fitted = (*both_ends("length", 1, 15, 0.6, 0.1, 0.5, 1), *both_ends("angle", -90, 180, 10, 1, 5, 10))

    length: Range = (1.0, 7.0)
    angle: Range = (0.0, 180.0)

    def apply(self, x: Tensor, random: Draws) -> Tensor:
        count, channels, height, width = x.shape
        reach = max(math.ceil((self.length[1] - 1) / 2), 0)
        if min(height, width) <= reach:
            raise InputError(f"motion-blur: {self.length[1]:g} pixels are too long for pictures of {(height, width)}")
        kernels = _lines(random.between(*self.length), random.between(*self.angle) * (math.pi / 180), reach)
        if count == 0:
            return x
        # every plane its own group, so that each picture has its own kernel
        planes = F.pad(x, (reach,) * 4, mode="reflect").reshape(1, count * channels, height + 2 * reach, -1)
        kernels = kernels.repeat_interleave(channels, 0)[:, None]
        return F.conv2d(planes, kernels, groups=count * channels).reshape(x.shape)

    @classmethod
    def starts(cls) -> tuple[Alteration, ...]:
        return (
            MotionBlur(length=(1, 4)),
            MotionBlur(length=(4, 9)),
            *(MotionBlur(length=(2, 6), angle=(angle - 20, angle + 20)) for angle in (0, 45, 90, 135)),
        )


def _lines(length: Tensor, angle: Tensor, reach: int) -> Tensor:
    """Kernels float32 [N, 2 reach + 1, 2 reach + 1] that add up to 1; length [N] in pixels, angle [N] in radians.

    A pixel weighs 1 less its distance to the line, which is drawn from the centre of its first pixel to that of its
    last: lines of any length and angle without steps.
    """
    offsets = torch.arange(-reach, reach + 1, device=length.device)
    across, down = offsets[None, None, :], offsets[None, :, None]
    cos, sin, half = (t[:, None, None] for t in (angle.cos(), angle.sin(), (length - 1).clamp_min(0) / 2))
    beyond = ((across * cos - down * sin).abs() - half).clamp_min(0)
    aside = across * sin + down * cos
    weights = (1 - (beyond.square() + aside.square()).sqrt()).clamp_min(0)
    return weights / weights.sum((1, 2), keepdim=True)
