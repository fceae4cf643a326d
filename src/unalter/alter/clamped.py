"""Noise that is cut off at black and white, on average."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mean_of_clamped(mean: Tensor, deviation: Tensor) -> Tensor:
    """The mean of normal variables that are clamped to 0..1, their means in 0..1; to a thousandth of the deviation."""
    low, high = _overshoot(mean / deviation.clamp_min(1e-4)), _overshoot((1 - mean) / deviation.clamp_min(1e-4))
    return torch.addcmul(mean, deviation, low.sub_(high))


def _overshoot(t: Tensor) -> Tensor:
    """The mean of max(x - t, 0) for a standard normal x and t of 0 or more, about: exact at 0, as is its slope."""
    power = (t * -0.31).sub_(math.sqrt(math.pi / 2)).mul_(t)
    return power.exp_().mul_(1 / math.sqrt(2 * math.pi))
