"""Pictures as users hold them, brought into the form that models take, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from unalter.support.errors import InputError

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


def as_batch(images: Any, shape: tuple[int, int, int]) -> tuple[torch.Tensor, Callable[[torch.Tensor], Any]]:
    """Bring pictures into the form that models take, and say how to bring results back.

    Args:
        images: numpy or torch, uint8 0..255 or float 0..1, [N, H, W], [N, C, H, W] or one picture
            ([H, W] or [C, H, W]); or a PIL picture.
        shape: (C, H, W) of the model.

    Returns:
        float32 [N, C, H, W] in 0..1, and a function that gives such a batch the type, dtype, range and
        shape that `images` had.

    Raises:
        InputError: anything else; says what was expected and what came.
    """
    import torch

    channels, height, width = shape
    pixels, mode = images, ""
    if hasattr(images, "getbands"):  # PIL
        mode = images.mode
        if mode not in ("L", "RGB", "1", "P", "RGBA"):
            raise InputError(f"expected a PIL picture of mode L or RGB, got {mode}")
        pixels = np.asarray(images.convert("L" if channels == 1 else "RGB"))
        pixels = pixels if channels == 1 else pixels.transpose(2, 0, 1)
    if isinstance(pixels, np.ndarray):
        if pixels.dtype.kind not in "uif":
            raise InputError(f"expected uint8 (0..255) or float (0..1), got {pixels.dtype}")
        # a copy in native byte order: torch warns of arrays that it may not write to
        tensor = torch.from_numpy(np.array(pixels, dtype=pixels.dtype.newbyteorder("=")))
    elif isinstance(pixels, torch.Tensor):
        tensor = pixels
    else:
        raise InputError(f"expected pictures as numpy, torch or PIL, not {type(images).__name__}")
    given = tuple(tensor.shape)
    wanted = [(height, width), (channels, height, width)] if channels == 1 else [(channels, height, width)]
    if channels > 1 and len(given) == 3 and given[-2:] == (height, width) and given != wanted[0]:
        raise InputError(f"expected colour pictures [N, {channels}, {height}, {width}], got shape {list(given)}")
    fits = given in wanted or given[1:] in wanted or (channels == 1 and given[1:] == (1, height, width))
    if not fits:
        forms = f"[{height}, {width}], [N, {height}, {width}] or [N, 1, {height}, {width}]"
        if channels > 1:
            forms = f"[{channels}, {height}, {width}] or [N, {channels}, {height}, {width}]"
        raise InputError(f"expected pictures of shape {forms}, got {list(given)}")
    is_uint8 = tensor.dtype == torch.uint8
    if not is_uint8 and not tensor.is_floating_point():
        raise InputError(f"expected uint8 (0..255) or float (0..1), got {tensor.dtype}".replace("torch.", ""))
    batch = (to_float(tensor) if is_uint8 else tensor.detach().float()).reshape(-1, channels, height, width)
    if not is_uint8 and batch.numel() and not (batch.min() >= 0 and batch.max() <= 1):
        low, high = batch.min().item(), batch.max().item()
        raise InputError(f"expected floats in 0..1, got {low:g}..{high:g}; divide by 255, or give uint8")

    def restore(result: torch.Tensor) -> Any:
        result = result.reshape(given)
        result = (result * 255).round().clamp(0, 255).to(torch.uint8) if is_uint8 else result.to(tensor.dtype)
        if isinstance(pixels, torch.Tensor):
            return result.to(pixels.device)
        if not mode:
            return result.cpu().numpy()
        from PIL import Image

        array = result.cpu().numpy()
        return Image.fromarray(array if channels == 1 else array.transpose(1, 2, 0)).convert(mode)

    return batch, restore
