"""Labels as a person has them: the name of each picture's class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unalter.data.values import is_tensor
from unalter.support.errors import InputError


def class_texts(labels: Any, what: str = "labels") -> tuple[list[str], str]:
    """The class of every picture as text, and what was assumed.

    Args:
        labels: numbers or names, one a picture: a list, an array or tensor [N] or [N, 1], one-hot [N, classes], a
            column of a frame. Floats that are whole are numbers; bytes are text.
        what: labels are called in messages.

    Raises:
        InputError: another shape or number; a label that is missing (None, NaN), negative, or no whole number.
    """
    given, said = _flat(_array(labels, what), what)
    text = _reader(given.dtype.kind, what)
    return [text(value, row) for row, value in enumerate(given.tolist())], said


def _array(labels: Any, what: str) -> np.ndarray:
    if is_tensor(labels):
        labels = labels.detach().cpu().numpy()
    if isinstance(labels, (str, bytes, dict, set)):
        raise InputError(f"{what}: expected labels, one a picture, got {type(labels).__name__}")
    if not hasattr(labels, "__array__"):
        try:
            values = list(labels)
        except TypeError:
            raise InputError(f"{what}: expected labels, one a picture, got {type(labels).__name__}") from None
        # numpy would make text of 1 beside "a"
        labels = np.array(values, object) if any(isinstance(value, str) for value in values) else values
    try:
        return np.asarray(labels)
    except ValueError:
        raise InputError(f"{what}: expected labels, one a picture, got lists of unequal length") from None


def _flat(labels: np.ndarray, what: str) -> tuple[np.ndarray, str]:
    """Labels [N] of [N], [N, 1] or one-hot [N, classes]."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0], ""
    if labels.ndim == 2 and labels.dtype.kind in "buif" and labels.shape[1] > 1:
        ones = labels == 1
        if ((ones.sum(1) == 1) & ((labels == 0).sum(1) == labels.shape[1] - 1)).all():
            return ones.argmax(1), f"{what} are one-hot: read as classes 0..{labels.shape[1] - 1}"
    if labels.ndim != 1:
        raise InputError(
            f"{what}: expected labels [N], one a picture, [N, 1] or one-hot [N, classes], got {list(labels.shape)}"
        )
    return labels, ""


def _reader(kind: str, what: str) -> Callable[[Any, int], str]:
    """From one label to its text."""
    if kind not in "buifSUOT":
        raise InputError(f"{what}: expected whole numbers or text")

    def text(value: Any, row: int) -> str:
        where = f"{what}: picture {row} has the label {value!r}"
        if isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise InputError(f"{where}, which is no text in UTF-8") from None
        if isinstance(value, str):
            if not value.strip():
                raise InputError(f"{where}; every picture needs one")
            return value
        try:
            whole = int(value)  # NaN, None and what is no number have none
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"{where}; every picture needs one, a whole number or a name") from None
        if whole != value:
            raise InputError(f"{where}; numbers must be whole: round them, or give names")
        if whole < 0:
            raise InputError(f"{where}; numbers must be 0 or more: give names, such as by y.astype(str)")
        return str(whole)

    return text
