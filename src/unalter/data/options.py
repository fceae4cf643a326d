"""Where the pictures of a data set lie and how they are read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from unalter.support.errors import InputError, raise_together
from unalter.support.options import converted

_SMALLEST, _LARGEST = 7, 256
"""Pixels of a side: SSIM's window is as large as the one; the other is beyond what these models are made for."""


@dataclass(frozen=True)
class DataOptions:
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

    def __post_init__(self) -> None:
        if not (self.resize == 0 or _SMALLEST <= self.resize <= _LARGEST):
            raise InputError(f"resize is {self.resize}; it must be from {_SMALLEST} to {_LARGEST} pixels, or 0")

    @classmethod
    def from_values(cls, values: dict[str, Any], where: str = "options") -> DataOptions:
        """Make options from keys and values as they stand in YAML; those of other options are passed over.

        Raises:
            InputError: a value of the wrong type or out of range.
        """
        problems, given = [], {}
        for spec in fields(cls):
            if spec.name in values:
                try:
                    value = values[spec.name]
                    given[spec.name] = converted(str(value) if isinstance(value, Path) else value, spec.default)
                except ValueError as error:
                    problems.append(f"{spec.name}: {error}")
        raise_together(problems, f"{where} cannot be used:")
        return cls(**given)


AS_FOUND = DataOptions()
"""DATA alone says where the pictures lie."""
