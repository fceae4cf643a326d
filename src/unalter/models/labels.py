"""Labels told to a model, as the numbers of the classes that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from unalter.data.class_labels import class_texts
from unalter.data.classes import find_class
from unalter.data.values import is_tensor
from unalter.support.errors import InputError


@dataclass(frozen=True)
class Classes:
    """The classes that a model knows."""

    count: int
    """0: it knows of none."""
    names: tuple[str, ...] = ()
    """By number; empty: they are called 0, 1, ..."""

    def of(self, labels: Any, pictures: int) -> torch.Tensor | None:
        """The classes of so many pictures, int64 [pictures], told as one or as one a picture; None: it knows none.

        A name is the class of that name. A number is the class that has it as its name (1 is the class 001, too); where
        names are words, the class of that number.

        Raises:
            InputError: labels missing, unknown, or of another number than pictures.
        """
        if self.count == 0:
            return None
        if labels is None:
            raise InputError(f"a CVAE needs labels: give one ({self.known}), or one a picture")
        labels = list(labels) if isinstance(labels, Iterator) else labels
        one = self.how_many(labels) is None
        given = [_scalar(labels)] if one else labels
        texts, _ = class_texts(given)
        named = any(isinstance(label, (str, bytes)) for label in np.asarray(given, object).ravel().tolist())
        number = {text: self._number(text, named) for text in set(texts)}
        y = torch.tensor([number[text] for text in texts], dtype=torch.int64)
        if one:
            return y.expand(pictures)
        if len(y) != pictures:
            raise InputError(f"expected {pictures} labels, one a picture, got {len(y)}")
        return y

    @staticmethod
    def how_many(labels: Any) -> int | None:
        """How many labels there are where there is one a picture; None for a single one, or none."""
        if labels is None or isinstance(labels, (str, bytes)) or np.ndim(labels) == 0:
            return None
        return len(labels)

    @property
    def known(self) -> str:
        """The classes, in words."""
        if not self.names or self.names == tuple(map(str, range(self.count))):
            return f"0..{self.count - 1}"
        return ", ".join(self.names[:20]) + (", ..." if self.count > 20 else "")

    def _number(self, text: str, named: bool) -> int:
        """Of a class by its text, that was given as a name or as a number."""
        names = self.names or tuple(map(str, range(self.count)))
        place = find_class(text, names)
        if place is not None:
            return place
        if not named and _is_number(text) and not any(map(_is_number, names)) and int(text) < self.count:
            return int(text)
        raise InputError(f"label {text if _is_number(text) else repr(text)} is unknown; the model knows {self.known}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _scalar(labels: Any) -> Any:
    """A single label as Python has it; several as they are."""
    if is_tensor(labels):
        labels = labels.detach().cpu()
    return labels.item() if hasattr(labels, "item") and np.ndim(labels) == 0 else labels
