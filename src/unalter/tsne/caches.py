"""What numba keeps on disk: damaged files are made anew, and where nothing can be kept, nothing is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from numba.core import dispatcher
from numba.core.caching import FunctionCache, NullCache


class _MendedCache(FunctionCache):
    """numba's own lets whatever `pickle` says of a damaged file, or the system of a full disk, end the caller."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # pickle alone raises half a dozen types
            self._anew()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)

    def _anew(self) -> None:
        with suppress(OSError):
            self.flush()


def _cache(function: Callable[..., Any]) -> FunctionCache | NullCache:
    named = any(os.environ.get(name) for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"))
    if not named and not os.path.isabs(os.path.expanduser("~")):
        return NullCache()  # without a home folder numba makes one called "~" in the working folder
    try:
        return _MendedCache(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written to
        return NullCache()


@contextmanager
def mended_caches() -> Iterator[None]:
    """What is decorated for numba to keep in this block, also by modules that are imported, has such a cache."""
    numbas: Any = dispatcher  # pyright does not see what it imports
    before, numbas.FunctionCache = numbas.FunctionCache, _cache
    try:
        yield
    finally:
        numbas.FunctionCache = before
