"""Work in parts that do not depend on one another, on several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch
from threadpoolctl import threadpool_limits

_T = TypeVar("_T")
_R = TypeVar("_R")


class Map(Protocol):
    """What work gives for each of some items, in their order, one after another as it is done."""

    def __call__(self, work: Callable[[_T], _R], items: Sequence[_T], /) -> Iterator[_R]: ...


def serial_map(work: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """One item after the other."""
    return map(work, items)


@contextmanager
def parallel_map() -> Iterator[Map]:
    """As many items at once as torch has threads; each operation, here and there, has one.

    For parts of many small operations: threads that shared each of them would mostly wait for one another. One thread
    an operation also means that no sum depends on how many there are.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            threadpool_limits(1),
            ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):
            yield pool.map if threads > 1 else serial_map
    finally:
        torch.set_num_threads(threads)
