"""What can be made again, kept in the user's cache folder."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from unalter.support.processes import ALONE, Processes

_T = TypeVar("_T")
_SHARE = 0.1
"""Of the disk that would be free without it, the cache takes so much."""
_ENTRY = re.compile(r"\.?[0-9a-f]{32}(\..*)?")
"""What entries are called; nothing else is ever removed, whatever folder the cache is."""
_used: set[Path] = set()
"""The entries that this process has: their files may be mapped."""


def cache_folder() -> Path:
    """Where unalter keeps what can be made again; on Linux `$XDG_CACHE_HOME/unalter` or `~/.cache/unalter`.

    Raises:
        OSError: there is no home folder.
    """
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("unalter", appauthor=False)
    except RuntimeError as error:
        raise OSError(str(error)) from None
    if not folder.is_absolute():  # "~" as it is
        raise OSError("there is no home folder")
    return folder


def from_cache(
    kind: str, key: str, load: Callable[[Path], _T], make: Callable[[], _T], save: Callable[[_T, Path], object],
    cache: Path | None = None, processes: Processes = ALONE,
) -> _T:  # fmt: skip
    """What `make` gives: loaded from the cache, or made and put there.

    An entry is a folder that appears whole or not at all. A damaged one is made anew; a cache that is not there, or
    cannot be written to, costs time only. Entries that were not used for longest go where the cache grows too large.

    Args:
        kind: of entry.
        key: 32 hexadecimal digits, another one for whatever `make` depends on.
        load: reads an entry from its folder; whatever it raises, the entry counts as damaged.
        save: writes what was made into a folder.
        cache: in place of the user's cache folder.
        processes: who `make` it together; the cache is that of the first one, and what it has they all have.
    """
    try:
        entry = (cache or cache_folder()) / kind / key
    except OSError:
        entry = None
    loaded = processes.of_first(lambda: None if entry is None else _loaded(entry, load))
    if loaded is not None:
        return loaded
    made = make()
    return processes.of_first(lambda: made if entry is None else _kept(entry, made, load, save))


def entries(cache: Path) -> list[tuple[Path, int]]:
    """What is in the cache: every entry, and how many bytes it has."""
    found = []
    for entry in cache.glob("*/*"):
        if _ENTRY.fullmatch(entry.name):
            with suppress(OSError):  # somebody else removes it
                found.append((entry, _size(entry)))
    return found


def clear(cache: Path) -> int:
    """Remove all entries, and nothing else, whatever folder the cache is; returns how many bytes they had.

    Raises:
        OSError: one cannot be removed.
    """
    found = entries(cache)
    for entry, _ in found:
        with suppress(FileNotFoundError):
            _remove(entry)
    return sum(size for _, size in found)


def shrink(cache: Path, share: float = _SHARE) -> None:
    """Remove the entries that were used least recently, but none of this process's, until the cache is small enough."""
    found = []
    for entry, size in entries(cache):
        with suppress(OSError):  # somebody else removes it
            found.append((entry.stat().st_mtime_ns, entry, size))
    total = sum(size for _, _, size in found)
    most = share * (shutil.disk_usage(cache).free + total)
    for _, entry, size in sorted(found):
        if total > most and entry not in _used:
            total -= size
            with suppress(OSError):
                _remove(entry)


def _loaded(entry: Path, load: Callable[[Path], _T]) -> _T | None:
    with suppress(Exception):  # not there, cut short or damaged: numpy alone raises half a dozen types for these
        loaded = load(entry)
        _used.add(entry)
        with suppress(OSError):
            os.utime(entry)
        return loaded
    return None


def _kept(entry: Path, made: _T, load: Callable[[Path], _T], save: Callable[[_T, Path], object]) -> _T:
    with suppress(OSError):
        _put(entry, lambda folder: save(made, folder))
    with suppress(Exception):
        return load(entry)  # mapped, or rounded, as it will be from now on
    return made


def _put(entry: Path, save: Callable[[Path], object]) -> None:
    aside = _beside(entry)
    aside.mkdir(parents=True)
    try:
        save(aside)
        with suppress(FileNotFoundError):
            _remove(entry)
        aside.rename(entry)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _used.add(entry)
    shrink(entry.parent.parent)


def _remove(entry: Path) -> None:
    gone = _beside(entry)
    entry.rename(gone)  # at once, so that nobody reads half of it
    if gone.is_dir():
        shutil.rmtree(gone, ignore_errors=True)
    else:  # as entries were before
        gone.unlink()


def _beside(entry: Path) -> Path:
    return entry.with_name(f".{entry.name.strip('.')}.{secrets.token_hex(4)}")


def _size(entry: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(path.stat().st_size for path in (entry, *entry.rglob("*")) if path.is_file())
