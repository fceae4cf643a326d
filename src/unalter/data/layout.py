"""Which axis of an array is what: pictures, channels, height and width."""

from __future__ import annotations

import math

import numpy as np

from unalter.support.errors import InputError

CHANNELS = (1, 3, 4)
"""Grey, red green blue, and these with alpha."""
_LEAST = 7
"""Pixels of a side: shorter ones are channels, or no pictures that could be learned from."""


def of_one(pixels: np.ndarray, what: str = "one picture") -> np.ndarray:
    """A single picture as [C, H, W]: [H, W], or with 1, 3 or 4 channels before or behind.

    Raises:
        InputError: it is none.
    """
    picture = pixels
    while picture.ndim > 3 and len(picture) == 1:
        picture = picture[0]
    if picture.ndim == 2:
        return picture[None]
    if picture.ndim == 3 and len(picture) in CHANNELS:
        return picture
    if picture.ndim == 3 and picture.shape[2] in CHANNELS:
        return picture.transpose(2, 0, 1)
    raise InputError(f"expected {what}, [H, W], [1, H, W] or [3, H, W], got shape {list(pixels.shape)}")


def of_rows(pixels: np.ndarray, what: str, labels: int | None = None) -> tuple[np.ndarray, str]:
    """Pictures of any size as [N, C, H, W], and what was assumed.

    [N, H, W]; [N, C, H, W] or [N, H, W, C] with 1, 3 or 4 channels; [N, H * W] where pictures are square. The first
    axis counts pictures.

    Args:
        pixels: the array.
        what: it is called in messages.
        labels: how many there are, where there are any: they say which axis counts pictures.

    Raises:
        InputError: another shape; one that looks like pictures along the last axis.
    """
    shape = pixels.shape
    if pixels.ndim == 2:
        return _square(pixels, what)
    if pixels.ndim == 3:
        if _last_counts(shape, labels):
            raise InputError(
                f"{what}: shape {list(shape)} looks like [H, W, N], and pictures are counted by the first axis: give "
                "np.moveaxis(x, -1, 0); or, where the first does count them, [N, H, W, 1]"
            )
        return pixels[:, None], ""
    if pixels.ndim == 4:
        first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
        if first and not last:
            return pixels, ""
        if last and not first:
            return pixels.transpose(0, 3, 1, 2), ""
        if shape[2] in CHANNELS:
            raise InputError(
                f"{what}: shape {list(shape)} looks like [H, W, C, N], and pictures are counted by the first axis: "
                "give np.moveaxis(x, -1, 0)"
            )
    raise InputError(f"{what}: expected pictures [N, H, W], [N, H, W, 3] or [N, 3, H, W], got {list(shape)}")


def _last_counts(shape: tuple[int, ...], labels: int | None) -> bool:
    """Whether [A, B, C] is likelier to be [H, W, N]: by the labels, or since pictures would be square then only."""
    if labels is not None and (labels == shape[0]) != (labels == shape[2]):
        return labels == shape[2]
    return labels is None and shape[0] == shape[1] != shape[2]


def _square(pixels: np.ndarray, what: str) -> tuple[np.ndarray, str]:
    count, width = pixels.shape
    side = math.isqrt(width)
    if side * side == width and side >= _LEAST:
        return pixels.reshape(
            count, 1, side, side
        ), f"{what}: rows of {width} values are read as {side} x {side} pixels"
    raise InputError(
        f"{what}: expected pictures [N, H, W], [N, H, W, 3] or [N, 3, H, W], got [{count}, {width}]; if each row is a "
        "picture, give x.reshape(-1, H, W), in colour x.reshape(-1, 3, H, W) or (-1, H, W, 3)"
    )


def on_black(pictures: np.ndarray) -> np.ndarray:
    """[..., C, H, W] with alpha as what is seen on black; without it as it is. uint8, or float32 in 0..1."""
    if pictures.shape[-3] != 4:
        return pictures
    colours, alpha = pictures[..., :3, :, :], pictures[..., 3:, :, :]
    if pictures.dtype == np.uint8:
        return np.rint(colours * (alpha / np.float32(255))).astype(np.uint8)
    return colours * alpha
