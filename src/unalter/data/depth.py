"""Pictures of more than 8 bits, brought to 8: one rule for all of a set, so that they stay comparable."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from unalter.images.convert import to_uint8

_SLACK = 1e-3
"""What resampling leaves beyond 0 and 1."""
_BEYOND = (-0.5, 2)
"""Floats that go further are not 0 for black and 1 for white, with noise on top."""
_INTEGERS, _FLOATS, _BYTES = "whole numbers", "floats", "bytes"


@dataclass
class Depth:
    """What values the pictures of a set hold; `see` all, then take `narrowed`."""

    _range: dict[str, tuple[float, float]] = field(default_factory=dict)

    def see(self, values: np.ndarray) -> None:
        """Take note of a picture's values, as `picture_values` gives them.

        Raises:
            ValueError: they are not all numbers.
        """
        kind = _kind(values)
        low, high = values.min().item(), values.max().item()
        if not np.isfinite([low, high]).all():
            raise ValueError("it holds values that are no numbers (NaN or infinite)")
        before = self._range.get(kind, (low, high))
        self._range[kind] = min(low, before[0]), max(high, before[1])

    def narrowed(self, values: np.ndarray) -> np.ndarray:
        """A picture of those seen as uint8: the upper 8 of the bits that the set uses; floats likewise, or from 0..1.

        A set with values below 0 goes from its least to its largest; of bytes only 0 and 1 alone are 0 and 255.
        """
        kind = _kind(values)
        low, high = self._range[kind]
        if kind == _BYTES:
            return values * np.uint8(255) if high == 1 else values
        if self._is_unit(kind):
            return to_uint8(values)
        if low < 0 or high >= 2**32:
            low, high = self._ends(kind)
            return to_uint8((values.astype(np.float64) - low) / max(high - low, 1e-30))
        if kind == _FLOATS:
            return to_uint8(values / (2.0 ** _bits(high) - 1))
        return (values >> (_bits(high) - 8)).astype(np.uint8)

    def said(self) -> list[str]:
        """What was assumed of them, a line each."""
        lines = []
        for kind, (low, high) in self._range.items():
            if kind == _BYTES and high == 1:
                lines.append("pixels are 0 and 1 only: taken for black and white")
            elif kind == _BYTES:
                continue
            elif self._is_unit(kind):
                beyond = low < -_SLACK or high > 1 + _SLACK
                more = f"; they go from {low:g} to {high:g}: what lies beyond is cut off" if beyond else ""
                lines.append(f"pixels of floats: 0 is taken for black, 1 for white{more}")
            elif low < 0 or high >= 2**32:
                black, white = self._ends(kind)
                lines.append(f"pixels go from {low:g} to {high:g}: {black:g} is taken for black, {white:g} for white")
            elif (bits := _bits(high)) != 16 or kind == _FLOATS:
                white = f"{2**bits - 1:,} is taken for white"
                what = "floats" if kind == _FLOATS else "more than 8 bits"
                lines.append(f"pixels of {what} go up to {high:,.10g}: they use {bits} bits, so {white}")
        return lines

    def _is_unit(self, kind: str) -> bool:
        low, high = self._range[kind]
        return kind == _FLOATS and low >= _BEYOND[0] and high <= _BEYOND[1]

    def _ends(self, kind: str) -> tuple[float, float]:
        """What is black and what is white where values go below 0: -1 and 1, if they fit; else the ends themselves."""
        low, high = self._range[kind]
        return (-1, 1) if kind == _FLOATS and low >= -1 - _SLACK and high <= 1 + _SLACK else (low, high)


def narrowed(values: np.ndarray) -> np.ndarray:
    """One picture, by itself, as uint8."""
    depth = Depth()
    depth.see(values)
    return depth.narrowed(values)


def _kind(values: np.ndarray) -> str:
    if values.dtype == np.uint8:
        return _BYTES
    return _FLOATS if values.dtype.kind == "f" else _INTEGERS


def _bits(high: float) -> int:
    """How many bits hold a value, 8 at least."""
    return max(8, int(np.ceil(high)).bit_length())
