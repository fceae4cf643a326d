"""One picture, in whatever form a person has it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unalter.data.decode import pixels_of, read_picture
from unalter.support.errors import InputError

_SLACK = 1e-3
"""Of the range: what resampling leaves beyond its ends is cut off."""
_GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), as Pillow's."""


def as_picture(given: Any, channels: int = 1) -> Tensor:
    """A picture as float32 [channels, H, W] in 0..1.

    Args:
        given: the path of a file, a PIL picture, or numpy or torch of shape [H, W], [1, H, W], [3, H, W], [H, W, 1] or
            [H, W, 3], with a batch of one before it or not; whole numbers are 0..255, floats 0..1, or 0..255 where
            one of 2 or more says so.
        channels: 1 (colours become grey) or 3 (grey becomes colours).

    Raises:
        InputError: it is something else, or a file that cannot be read.
    """
    picture = _channels_first(given.detach().cpu() if isinstance(given, Tensor) else torch.from_numpy(_decoded(given)))
    if len(picture) == channels:
        return _in_range(picture)
    if channels == 3:
        return _in_range(picture).expand(3, -1, -1)
    if torch.equal(picture[0], picture[1]) and torch.equal(picture[0], picture[2]):
        return _in_range(picture[:1])
    return torch.einsum("c,chw->hw", torch.tensor(_GREY), _in_range(picture))[None]


def _decoded(given: Any) -> np.ndarray:
    try:
        if isinstance(given, (str, os.PathLike)):
            return read_picture(Path(given)).astype(np.int64)
        if hasattr(given, "getbands"):  # PIL
            return pixels_of(given).astype(np.int64)
    except (OSError, SyntaxError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{given}: cannot be read as a picture ({reason})") from None
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "buif":
        what = f"an array of {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__
        raise InputError(f"expected a picture as path, numpy, torch or PIL, not {what}")
    return given.astype({"f": np.float32, "b": np.float32}.get(given.dtype.kind, np.int64))


def _channels_first(pixels: Tensor) -> Tensor:
    """[1, H, W] or [3, H, W]."""
    picture = pixels
    while picture.ndim > 3 and len(picture) == 1:
        picture = picture[0]
    if picture.ndim == 2:
        return picture[None]
    if picture.ndim == 3 and len(picture) in (1, 3):
        return picture
    if picture.ndim == 3 and picture.shape[2] in (1, 3):
        return picture.permute(2, 0, 1)
    raise InputError(f"expected one picture, [H, W], [1, H, W] or [3, H, W], got shape {list(pixels.shape)}")


def _in_range(picture: Tensor) -> Tensor:
    """float32 in 0..1."""
    whole = not picture.is_floating_point()
    low, high = (float(value) for value in (picture.min(), picture.max())) if picture.numel() else (0.0, 0.0)
    scale = 255 if whole or high >= 2 else 1
    if not (low >= -_SLACK * scale and high <= (1 + _SLACK) * scale):
        expected = "whole numbers of 0..255" if whole else "floats in 0..1 or 0..255"
        raise InputError(f"expected a picture of {expected}, got {low:g}..{high:g}")
    return (picture.float() / scale).clamp(0, 1)
