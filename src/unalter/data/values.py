"""What the numbers of pictures mean: which one is black, which is white."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unalter.support.errors import InputError

SLACK = 1e-3
"""Of the range: floats beyond its ends by less are what rounding and resampling leave, and are cut off."""
_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and microscopes use of a picture's whole numbers."""


@dataclass(frozen=True)
class Values:
    """How numbers are read."""

    white: int
    """Which of them is white; 0 is black."""
    said: str = ""
    """What was assumed, where it does not go without saying."""

    def to_float(self, pixels: np.ndarray) -> np.ndarray:
        """float32 in 0..1."""
        floats = pixels.astype(np.float32)
        floats /= np.float32(self.white)
        return np.clip(floats, 0, 1, out=floats)

    def to_uint8(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 0..255, the nearest."""
        if self.white == 255:
            return pixels.astype(np.uint8)
        return np.rint(np.clip(pixels / self.white, 0, 1) * 255).astype(np.uint8)

    def restored(self, pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """float32 in 0..1 as numbers of before: the type `dtype` and its range."""
        if dtype.kind == "f":
            return pixels.astype(dtype)
        return np.rint(np.clip(pixels, 0, 1) * np.float32(self.white)).astype(dtype)


def as_array(given: Any, what: str) -> np.ndarray:
    """An array of numpy, torch or anything that turns into one, in native byte order; itself where it is that already.

    Raises:
        InputError: it is none, or not of numbers.
    """
    if type(given).__module__.partition(".")[0] == "torch" and hasattr(given, "detach"):
        given = _of_tensor(given, what)
    elif not isinstance(given, np.ndarray):
        if not hasattr(given, "__array__"):
            raise InputError(f"{what}: expected numpy, torch, PIL, or a list of these, not {type(given).__name__}")
        given = np.asarray(given)
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise InputError(f"{what}: some values are masked; fill them, such as by x.filled(0)")
    if given.dtype.kind not in "buif":
        raise InputError(f"{what}: expected uint8 (0..255) or float (0..1), got an array of {given.dtype}")
    if given.dtype.kind == "f" and given.dtype.itemsize > 8:  # longdouble, which torch does not have
        return np.asarray(given, np.float64)
    return np.asarray(given, given.dtype.newbyteorder("="))


def of_numbers(items: Sequence[Any], what: str) -> np.ndarray:
    """Lists of numbers, however deep, as an array.

    Raises:
        InputError: they are of unequal length.
    """
    try:
        return np.array(items)
    except ValueError:
        raise InputError(
            f"{what}: expected numpy, torch, PIL, or a list of these, not lists of unequal length"
        ) from None


def is_tensor(given: Any) -> bool:
    """Whether it is a tensor of torch, which need not be imported to tell."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(given, torch.Tensor)


def values_of(arrays: Sequence[np.ndarray], what: str) -> Values:
    """How the numbers of pictures of one type are read, by their type and by the largest of all.

    bool, and whole numbers that are 0 and 1 only: black and white. Other whole numbers: 0..255, or where there are
    larger ones, the least of 10, 12, 14 and 16 bits that holds them. Floats: 0..1, and beyond by `SLACK` at most.

    Raises:
        InputError: floats or whole numbers of another range; says which one it looks like, and what mends it.
    """
    kind = arrays[0].dtype.kind if arrays else "u"
    filled = [array for array in arrays if array.size]
    if kind == "b" or not filled:
        return Values(255 if kind in "ui" else 1)
    low, high = min(array.min() for array in filled), max(array.max() for array in filled)
    if kind == "f":
        _check_floats(float(low), float(high), what)
        return Values(1)
    if low < 0 or high >= 2 ** _DEPTHS[-1]:
        raise InputError(
            f"{what}: expected whole numbers of 0..255, or of 16 bits at most, got {low}..{high}; bring them to 0..1"
        )
    if high == 1:
        return Values(1, f"{what}: values are 0 and 1 only, and are read as black and white")
    depth = next(bits for bits in _DEPTHS if high < 2**bits)
    white = 2**depth - 1
    return Values(
        white, "" if depth == 8 else f"{what}: values go up to {high}, and are read as {depth} bits: {white} is white"
    )


def _check_floats(low: float, high: float, what: str) -> None:
    if low >= -SLACK and high <= 1 + SLACK:
        return
    found = f"{low:.8g}..{high:.8g}"
    if not (np.isfinite(low) and np.isfinite(high)):
        found, way = "NaN or infinite ones", "they are no numbers: mend or leave out those pictures"
    elif low >= -255 * SLACK and high <= 255 * (1 + SLACK) and high > 2:
        way = "they look like 0..255: divide by 255, or give uint8"
    elif low < -0.5 and low >= -1 - SLACK and high <= 1 + SLACK:
        way = "they look like -1..1, as after normalising: give (x + 1) / 2"
    elif low >= -1 and high <= 2:
        way = "they look like 0..1 with noise that leaves it: give x.clip(0, 1)"
    elif low >= -128 and 32 < high < 384:
        way = "they look like 0..255 with noise that leaves it: give x.clip(0, 255) / 255"
    else:
        way = "they look standardised: take mean and deviation back, x * std + mean, to be in 0..1"
    raise InputError(f"{what}: expected floats in 0..1, got {found}; {way}")


def _of_tensor(tensor: Any, what: str) -> np.ndarray:
    import torch

    if tensor.device.type == "meta":
        raise InputError(f"{what}: a tensor on the device meta has no values")
    if tensor.is_quantized:
        raise InputError(f"{what}: a quantized tensor; give x.dequantize()")
    if tensor.is_complex():
        raise InputError(f"{what}: expected uint8 (0..255) or float (0..1), got {tensor.dtype}")
    tensor = tensor.detach()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    tensor = tensor.cpu().resolve_neg()
    narrow = tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64)
    return (tensor.float() if narrow else tensor).numpy()  # numpy has no bfloat16
