"""Pictures as a person has them, brought into the form that models take, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unalter.data.decode import fitted, pixels_of, read_picture
from unalter.data.layout import CHANNELS, of_one, of_rows, on_black
from unalter.data.values import Values, as_array, is_tensor, of_numbers, values_of
from unalter.support.arguments import is_path
from unalter.support.errors import InputError

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601), as Pillow's."""
_WHAT = "pictures"

Back = Callable[[np.ndarray], np.ndarray]
"""float32 [N, C, H, W] as it was before something was done to it."""


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
    pixels = as_pixels(given, "a picture")
    if pixels.dtype.kind == "f" and pixels.size and 2 <= pixels.max() <= 255.255:
        pixels = pixels / 255
    picture = on_black(values_of([pixels], "a picture").to_float(of_one(pixels)))
    if channels == 3:
        return torch.from_numpy(np.array(np.broadcast_to(picture, (3, *picture.shape[1:]))))
    return torch.from_numpy(_grey(picture) if len(picture) == 3 else picture)


def as_pixels(given: Any, what: str) -> np.ndarray:
    """One picture as an array: a file or PIL picture as uint8 [H, W] or [H, W, 3], all else as `as_array`.

    Raises:
        InputError: it is no picture, or cannot be read.
    """
    try:
        if is_path(given):
            return read_picture(Path(given).expanduser())
        if is_pil(given):
            return pixels_of(given)
    except (OSError, SyntaxError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{given}: cannot be read as a picture ({reason})") from None
    return as_array(given, what)


def is_pil(given: Any) -> bool:
    """Whether it is a picture of PIL, which need not be imported to tell."""
    return hasattr(given, "getbands")


def as_batch(given: Any, shape: tuple[int, int, int] | None = None) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """Bring pictures into the form that models take, and say how to bring results back.

    An array has to be of the model's size. Pictures one by one (PIL, files, the items of a list) are brought to it as
    files are: proportions kept, in the middle, the rest black; their results come back in their own size.

    Args:
        given: numpy or torch [N, H, W], [N, C, H, W], [N, H, W, C] or one picture, C being 1, 3 or 4 (alpha: seen on
            black); [N, H * W] of grey pictures; a PIL picture, a path, or a list of pictures. Whole numbers are
            0..255 or of up to 16 bits, floats 0..1 (see `values_of`).
        shape: (C, H, W) of the model; None: any, that of the first picture.

    Returns:
        float32 [N, C, H, W] in 0..1, and a function that gives such a batch the type, range and shape of what was
        given: a list for any sequence of single pictures; for a path a PIL picture.

    Raises:
        InputError: anything else; says what was expected and what came.
    """
    if is_path(given) or is_pil(given):
        batch, back = _one_by_one([given], shape)
        return batch, lambda result: back(result)[0]
    if isinstance(given, (bytes, bytearray, dict, set)) or not hasattr(given, "__iter__"):
        raise InputError(f"pictures: expected numpy, torch, PIL, or a list of these, not {type(given).__name__}")
    if is_tensor(given) or hasattr(given, "__array__"):
        if not (isinstance(given, np.ndarray) and given.dtype.kind == "O"):
            return _together(given, shape)
        given = list(given)  # an array of pictures
    items = list(given)
    if items and isinstance(items[0], (list, tuple, int, float)):
        return _together(of_numbers(items, _WHAT), shape)
    batch, back = _one_by_one(items, shape)
    return batch, (lambda result: tuple(back(result))) if isinstance(given, tuple) else back


def _together(given: Any, shape: tuple[int, int, int] | None) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """An array of pictures."""
    pixels = as_array(given, _WHAT)
    laid = _laid(pixels, shape)
    values = values_of([pixels], _WHAT)
    batch, back = _of_channels(laid.pictures, values, None if shape is None else shape[0])

    def restore(result: Tensor) -> Any:
        restored = laid.back(values.restored(back(result.cpu().numpy()), pixels.dtype))
        if not is_tensor(given):
            return restored
        tensor = torch.from_numpy(np.ascontiguousarray(restored))
        return tensor.to(given.dtype).to(given.device)

    return torch.from_numpy(batch), restore


@dataclass(frozen=True)
class _Laid:
    pictures: np.ndarray
    """[N, C, H, W]"""
    back: Back


def _laid(pixels: np.ndarray, shape: tuple[int, int, int] | None) -> _Laid:
    """An array as [N, C, H, W], by the size that pictures must have."""
    given = pixels.shape
    if shape is None:
        pictures = of_one(pixels)[None] if pixels.ndim == 2 else of_rows(pixels, _WHAT)[0]
        last = pixels.ndim == 4 and pictures.shape != given
        return _Laid(pictures, lambda x: (x.transpose(0, 2, 3, 1) if last else x).reshape(given))
    channels, height, width = shape
    size = (height, width)
    if pixels.ndim in (3, 4) and given[-3:-1] == size and given[-1] in CHANNELS:
        batch = pixels.reshape(-1, *given[-3:]).transpose(0, 3, 1, 2)
        return _Laid(batch, lambda x: x.transpose(0, 2, 3, 1).reshape(given))
    if given[-2:] == size:
        if pixels.ndim == 2 or (pixels.ndim == 3 and channels == 1):
            return _Laid(pixels.reshape(-1, 1, *size), lambda x: x.reshape(given))
        if pixels.ndim == 3 and given[0] in (1, channels):
            return _Laid(pixels[None], lambda x: x.reshape(given))
        if pixels.ndim == 4 and given[1] in CHANNELS:
            return _Laid(pixels, lambda x: x.reshape(given))
    if pixels.ndim <= 2 and given[-1:] == (height * width,) and channels == 1:
        return _Laid(pixels.reshape(-1, 1, *size), lambda x: x.reshape(given))
    c = "" if channels == 1 else f"{channels}, "
    forms = f"[{c}{height}, {width}], [N, {c}{height}, {width}] or [N, {height}, {width}, {channels}]"
    raise InputError(
        f"expected pictures of shape {forms}, got {list(given)}; pictures of another size are brought to it one by "
        "one, in a list: list(x)"
    )


def _of_channels(pictures: np.ndarray, values: Values, channels: int | None) -> tuple[np.ndarray, Back]:
    """[N, 1, 3 or 4, H, W] as float32 with so many channels (None: as many, alpha not counted), and the way back."""
    given = pictures.shape[1]
    seen = values.to_float(on_black(pictures)) if values.white == 255 else on_black(values.to_float(pictures))
    colours = seen.shape[1]
    if channels == 1 and colours == 3:
        if not (seen == seen[:, :1]).all():
            raise InputError("pictures are in colour; the model takes grey ones: turn them grey first")
        seen = seen[:, :1]
    elif channels == 3 and colours == 1:
        seen = np.repeat(seen, 3, 1)

    def back(x: np.ndarray) -> np.ndarray:
        if x.shape[1] != colours:
            x = _grey(x) if colours == 1 else np.repeat(x, 3, 1)
        return np.concatenate([x, np.ones_like(x[:, :1])], 1) if given == 4 else x  # nothing is transparent any more

    return seen, back


def _grey(pictures: np.ndarray) -> np.ndarray:
    """[..., 3, H, W] as [..., 1, H, W]; those of equal channels exactly."""
    first = pictures[..., :1, :, :]
    if (pictures == first).all():
        return first
    return np.einsum("c,...chw->...hw", _GREY, pictures)[..., None, :, :]


def _one_by_one(
    items: Sequence[Any], shape: tuple[int, int, int] | None
) -> tuple[Tensor, Callable[[Tensor], list[Any]]]:
    """Pictures each of which may be of another kind and size."""
    arrays = [as_pixels(item, _WHAT) for item in items]
    if shape is None:
        first = of_one(arrays[0]).shape if arrays else (1, 0, 0)
        shape = min(first[0], 3), first[1], first[2]
    files = [is_path(item) or is_pil(item) for item in items]  # of bytes, whatever is in them
    loose = [one for one, of_file in zip(arrays, files, strict=True) if not of_file]
    values = {kind: values_of([one for one in loose if one.dtype == kind], _WHAT) for kind in {a.dtype for a in loose}}
    batch = np.empty((len(items), *shape), np.float32)
    ways: list[Callable[[np.ndarray], Any]] = []
    for row, (item, pixels) in enumerate(zip(items, arrays, strict=True)):
        read = Values(255) if files[row] else values[pixels.dtype]
        batch[row], back = _fitted(pixels, read, shape)
        ways.append(_kind_of(item, pixels, read, back))

    def restore(result: Tensor) -> list[Any]:
        return [way(picture) for way, picture in zip(ways, result.cpu().numpy(), strict=True)]

    return torch.from_numpy(batch), restore


def _fitted(pixels: np.ndarray, values: Values, shape: tuple[int, int, int]) -> tuple[np.ndarray, Back]:
    """One picture as float32 of the model's shape, and the way back to its own [C, H, W]."""
    picture = of_one(pixels)
    channels, height, width = shape
    if picture.shape[1:] == (height, width):
        batch, back = _of_channels(picture[None], values, channels)
        return batch[0], lambda result: back(result[None])[0]
    # as files are: in bytes
    sized = np.stack([fitted(part, height, width) for part in values.to_uint8(picture)])
    batch, back = _of_channels(sized[None], Values(255), channels)
    return batch[0], lambda result: _unfitted(back(result[None])[0], *picture.shape[1:])


def _unfitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """What `fitted` did to the size, undone: float32 [C, H, W] in 0..1."""
    from PIL import Image

    rows, columns = picture.shape[1:]
    scale = min(rows / height, columns / width)
    inside_rows, inside_columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = round((rows - inside_rows) / 2), round((columns - inside_columns) / 2)  # as Pillow's `pad` rounds
    inside = np.rint(picture[:, top : top + inside_rows, left : left + inside_columns] * 255).astype(np.uint8)
    sized = [Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC) for part in inside]
    return np.stack([np.asarray(part) for part in sized]).astype(np.float32) / 255


def _kind_of(item: Any, pixels: np.ndarray, values: Values, back: Back) -> Callable[[np.ndarray], Any]:
    """From a result float32 [C, H, W] to the kind of picture that was given."""
    if is_path(item) or is_pil(item):
        mode = item.mode if is_pil(item) else ""
        return lambda result: _as_pil(back(result), mode)
    given = pixels.shape

    def restore(result: np.ndarray) -> Any:
        picture = back(result)
        if pixels.ndim > 2 and picture.shape != given[-3:]:
            picture = picture.transpose(1, 2, 0)
        restored = values.restored(picture.reshape(given), pixels.dtype)
        if not is_tensor(item):
            return restored
        return torch.from_numpy(np.ascontiguousarray(restored)).to(item.dtype).to(item.device)

    return restore


_WHOLE = ("1", "L", "RGB", "LA", "RGBA", "CMYK", "YCbCr", "HSV")
"""Modes of PIL that results come back in; those of others are grey or in colour, of 8 bits."""


def _as_pil(picture: np.ndarray, mode: str) -> Any:
    from PIL import Image

    pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    result = Image.fromarray(pixels[0]) if len(pixels) == 1 else Image.fromarray(pixels.transpose(1, 2, 0))
    if mode not in _WHOLE or mode == result.mode:
        return result
    if mode == "1":  # not dithered
        return result.convert("L").point([255 * (value > 127) for value in range(256)], "1")
    return (result if mode in ("LA", "RGBA") else result.convert("RGB")).convert(mode)
