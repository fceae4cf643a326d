"""Bytes to floats and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def to_float(images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """uint8 0..255 as float32 in 0..1, a tensor of the same shape, of its own in memory."""
    import torch

    # a copy: torch warns of arrays that it may not write to, as those mapped from the cache are
    pixels = torch.from_numpy(np.array(images)) if isinstance(images, np.ndarray) else images
    return pixels.float() / 255


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Floats in 0..1 to the nearest of 0..255."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
