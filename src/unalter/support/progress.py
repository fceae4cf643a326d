"""How far work is, told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

ProgressCallback = Callable[[str, float], object]
"""Called with a few words on what is being done and how much of it is, 0..1; nan where that is not known."""
_TIMES = 200
_T = TypeVar("_T")


def no_progress(what: str, done: float) -> None:
    """A `ProgressCallback` that nobody looks at."""


def with_progress(items: Sequence[_T], what: str, on_progress: ProgressCallback) -> Iterator[_T]:
    """The items one after another, telling some 200 times how much of them is done."""
    every = max(1, len(items) // _TIMES)
    for number, item in enumerate(items):
        if number % every == 0:
            on_progress(what, number / len(items))
        yield item
