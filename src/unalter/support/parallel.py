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
    with torch_threads(1), threadpool_limits(1), threads_of(1, threads) as pool:
        yield pool.map if threads > 1 else serial_map


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """In this block an operation of torch has so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_of(count: int, at_once: int) -> ThreadPoolExecutor:
    """Threads on each of which an operation of torch has `count` threads."""
    return ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(count,))
