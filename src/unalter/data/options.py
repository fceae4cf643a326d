"""Where the pictures of a data set lie and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unalter.support.options import Options

_SMALLEST, _LARGEST = 7, 256
"""Pixels of a side: SSIM's window is as large as the one; the other is beyond what these models are made for."""


@dataclass(frozen=True)
class DataOptions(Options):
    """Where the pictures lie and how they are read."""

    clean: str = ""
    """The clean pictures, in place of DATA/clean: a folder, an npz, npy or IDX file."""
    altered: str = ""
    """The altered pictures, in place of DATA/aug."""
    labels: str = ""
    """A CSV file with the columns file and label, in place of DATA/labels.csv."""
    resize: int = 0
    """Bring every picture to so many pixels square, proportions kept, the rest black; 0: sizes must agree."""
    skip_bad: bool = False
    """Leave out pictures that cannot be used, and say which."""
    no_cache: bool = False
    """Decode every picture anew, in place of what the cache has of it."""

    @classmethod
    def _out_of_range(cls, values: dict[str, Any]) -> list[str]:
        size = values["resize"]
        if size == 0 or _SMALLEST <= size <= _LARGEST:
            return []
        return [f"resize is {size}; it must be from {_SMALLEST} to {_LARGEST} pixels, or 0"]


AS_FOUND = DataOptions()
"""DATA alone says where the pictures lie."""
