"""All kinds of alterations: those that the files of `kinds` hold."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from unalter.alter import kinds
from unalter.alter.alteration import Alteration


def _found() -> Iterator[type[Alteration]]:
    for file in pkgutil.iter_modules(kinds.__path__, kinds.__name__ + "."):
        for value in vars(import_module(file.name)).values():
            if isinstance(value, type) and issubclass(value, Alteration) and value.__module__ == file.name:
                yield value


KINDS: tuple[type[Alteration], ...] = tuple(sorted(_found(), key=lambda kind: (kind.stage, kind.name)))
"""From the thing to the sensor."""
