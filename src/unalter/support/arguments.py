"""What callers from Python hand over, checked: paths and whole numbers."""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import Any

from unalter.support.errors import InputError

LARGEST_SEED = 2**32 - 1
"""What every library that takes the seed can take."""


def is_path(value: Any) -> bool:
    """Whether it is a path, as text or as an object that stands for one."""
    return isinstance(value, (str, os.PathLike))


def as_path(value: Any, what: str) -> Path:
    """A path of text, `Path` or whatever stands for one (a `Run`), `~` replaced by the home folder.

    Raises:
        InputError: it is none; says what it is `what` of.
    """
    text = os.fspath(value) if is_path(value) else value
    if not isinstance(text, str):
        raise InputError(f"{what} is {_shown(value)}; it must be a path (text or pathlib.Path)")
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path


def as_whole(value: Any, what: str, least: int, most: int | None = None) -> int:
    """A whole number from `least` to `most`, of Python, numpy or torch.

    Raises:
        InputError: it is none, or out of this range.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except (TypeError, RuntimeError, ValueError):  # of torch: a tensor of several
        raise InputError(f"{what} is {_shown(value)}; it must be a whole number") from None
    if number < least or (most is not None and number > most):
        upper = "" if most is None else f" and at most {most}"
        raise InputError(f"{what} is {number}; it must be at least {least}{upper}")
    return number


def as_seed(value: Any) -> int:
    """A seed: a whole number from 0 to 2**32 - 1; errors as of `as_whole`."""
    return as_whole(value, "seed", 0, LARGEST_SEED)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text else f"of type {type(value).__name__}"
