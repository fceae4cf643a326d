"""Work in parts that do not depend on one another, on several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch
from threadpoolctl import threadpool_limits

from unalter.support.processes import ALONE, Processes

_T = TypeVar("_T")
_R = TypeVar("_R")


class Map(Protocol):
    """What work gives for each of some items, in their order, one after another as it is done."""

    def __call__(self, work: Callable[[_T], _R], items: Sequence[_T], /) -> Iterator[_R]: ...


def serial_map(work: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """One item after the other."""
    return map(work, items)


@contextmanager
def parallel_map(processes: Processes = ALONE) -> Iterator[Map]:
    """As many items at once as torch has threads; each operation, here and there, has one.

    For parts of many small operations: threads that shared each of them would mostly wait for one another. One thread
    an operation also means that no sum depends on how many there are. Several processes share the items out, and each
    has all results, once all are done.
    """
    threads = torch.get_num_threads()
    with torch_threads(1), threadpool_limits(1), threads_of(1, threads) as pool:
        run: Map = pool.map if threads > 1 else serial_map
        yield run if processes.world == 1 else _shared(processes, run, threads)


def _shared(processes: Processes, run: Map, threads: int) -> Map:
    """Who is done with an item takes the next one, so nobody waits long for the others."""

    def shared(work: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
        taken = processes.counter()

        def some(_: int) -> dict[int, _R]:
            done = {}
            while (number := taken()) < len(items):
                done[number] = work(items[number])
            return done

        own = {number: result for done in run(some, range(threads)) for number, result in done.items()}
        results = {number: result for done in processes.gather(own) for number, result in done.items()}
        return (results[number] for number in range(len(items)))

    return shared


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
