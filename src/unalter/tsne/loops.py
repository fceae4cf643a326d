"""Compiled loops: vectorised, without the interpreter's lock, over parts of the points on a few threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from threading import Lock
from typing import Any

import numba
import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from unalter.support.parallel import torch_threads
from unalter.tsne.caches import mended_caches

_options = {"nogil": True, "fastmath": True, "error_model": "numpy"}  # with Python's error model nothing is vectorised


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: compile a loop when it is first called, and keep that on disk. It must not meet infinity or NaN."""
    with mended_caches():
        return numba.njit(**_options, cache=True)(loop)


ONE = np.float32(1)
"""Python's numbers would turn float32 arithmetic into float64."""


class Threads:
    """So many threads; the same number gives the same result to the last bit."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def over(self, n: int, loop: Callable[..., Any], *arguments: Any, parts: int = 1) -> None:
        """Call loop(*arguments, low, high) for parts of 0..n that make up the whole, `parts` for each thread."""
        if self._pool is None:
            loop(*arguments, 0, n)
            return
        waiting = list(pairwise(np.linspace(0, n, self.count * parts + 1).astype(np.int64)))

        def work() -> None:
            while True:
                try:
                    low, high = waiting.pop()
                except IndexError:
                    return
                loop(*arguments, low, high)

        helpers = [self._pool.submit(work) for _ in range(self.count - 1)]
        work()  # this thread too: waking another one takes about as long as a short loop
        for helper in helpers:
            if not helper.cancel():
                helper.result()

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


@contextmanager
def threads(count: int | None = None) -> Iterator[Threads]:
    """So many threads, for torch and numpy too, until the block ends; None: as many as torch has."""
    count = count or torch.get_num_threads()
    pool = Threads(count)
    try:
        with torch_threads(count), _library_threads("openmp", count), _algebra_threads(count):
            yield pool
    finally:
        pool.close()


def _library_threads(kind: str, count: int) -> AbstractContextManager[object]:
    """Those of one kind, and no others, come back as they were."""
    return ThreadpoolController().select(user_api=kind).limit(limits=count)


_algebra = Lock()


@contextmanager
def _algebra_threads(count: int) -> Iterator[None]:
    """So many threads for linear algebra, which are the whole process's (the others are each thread's own).

    Of several blocks at once the first one says how many, so that what was before comes back whoever ends first.
    """
    if not _algebra.acquire(blocking=False):
        yield
        return
    try:
        with _library_threads("blas", count):
            yield
    finally:
        _algebra.release()
