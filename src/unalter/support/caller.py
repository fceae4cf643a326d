"""The process that we are called in: it is left as it was, and its settings do not change what we do."""

from __future__ import annotations

import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch

from unalter.support.processors import usable_processors


@dataclass
class _Found:
    """What the first of those found that are at work; torch keeps it for the whole process."""

    dtype: torch.dtype
    threads: int
    used: int
    """Threads that are worked on: as many for all that work at once, so that their results are what they are alone."""
    modules: int
    variables: set[str]
    filters: list[Any]
    """Of warnings."""
    guests: int = 0


_LEFT_BEHIND = ("KMP_", "TORCHINDUCTOR_")
"""What variables of the environment begin with that are set by imports."""
_lock = threading.Lock()
_found: _Found | None = None
_inside = threading.local()


@contextmanager
def guest() -> Iterator[None]:
    """Work in this block as in a process of its own; after it the caller's settings are what they were.

    Whatever the caller has set, in it torch makes float32 tensors on the CPU, records gradients, and uses no more
    threads than there are usable processors (or as many as OMP_NUM_THREADS says); numpy's rounding errors are no
    exceptions. For every public function that computes; also as a decorator.
    """
    if getattr(_inside, "yes", False):
        yield
        return
    found = _enter()
    _inside.yes = True
    torch.set_num_threads(found.used)
    try:
        with ExitStack() as settings:
            settings.enter_context(torch.inference_mode(False))
            settings.enter_context(torch.enable_grad())
            settings.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
            if torch.get_default_device().type != "cpu":
                settings.enter_context(torch.device("cpu"))  # only then: it slows every operation
            yield
    finally:
        torch.set_num_threads(found.threads)
        _inside.yes = False
        _leave()


def thread_count() -> int:
    """The threads to compute on where nobody says how many."""
    threads = torch.get_num_threads()
    return threads if os.environ.get("OMP_NUM_THREADS") else min(threads, usable_processors())


def _enter() -> _Found:
    global _found
    with _lock:
        if _found is None:
            _import_rich()
            dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
            _found = _Found(dtype, threads, thread_count(), len(sys.modules), set(os.environ), list(warnings.filters))
            torch.set_default_dtype(torch.float32)
        _found.guests += 1
        return _found


def _leave() -> None:
    global _found
    with _lock:
        assert _found is not None
        _found.guests -= 1
        if _found.guests == 0:
            torch.set_default_dtype(_found.dtype)
            if len(sys.modules) != _found.modules:
                _undo_imports(_found)
            _found = None


def _import_rich() -> None:
    """It draws from Python's random generator when it is imported."""
    if "rich.style" not in sys.modules:
        state = random.getstate()
        import_module("rich.style")
        random.setstate(state)


def _undo_imports(found: _Found) -> None:
    """Take away what libraries (scikit-learn, scipy, parts of torch) leave in the process when they are imported."""
    for name in set(os.environ) - found.variables:
        if name.startswith(_LEFT_BEHIND):
            del os.environ[name]
    kept = [one for one in warnings.filters if one in found.filters]
    if len(kept) != len(warnings.filters):
        warnings.filters[:] = kept  # pyright: ignore[reportIndexIssue]
