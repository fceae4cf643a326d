"""How far work is, told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Advance = Callable[[str, float], object]
"""Called with a few words on what is being done and how much of it is, 0..1."""
_TIMES = 200
_T = TypeVar("_T")


def ignored(what: str, done: float) -> None:
    """An `Advance` that nobody looks at."""


def counted(items: Sequence[_T], what: str, on_progress: Advance) -> Iterator[_T]:
    """The items one after another, telling some 200 times how much of them is done."""
    every = max(1, len(items) // _TIMES)
    for number, item in enumerate(items):
        if number % every == 0:
            on_progress(what, number / len(items))
        yield item
