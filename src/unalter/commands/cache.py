"""`unalter cache`: what is kept of work done before, and away with it."""

from __future__ import annotations

from unalter.support.cache import cache_folder, clear, entries


def describe_cache(empty: bool) -> str:
    """Say where the cache is and how much is in it; with `empty` remove that first.

    It holds decoded pictures, and recipes and pairs that were found: all of it is made again where it is needed.

    Raises:
        OSError: there is no home folder, or an entry cannot be removed.
    """
    folder = cache_folder()
    if empty:
        return f"{folder}: {_size(clear(folder))} removed"
    found = entries(folder)
    return f"{folder}: {len(found):,} entries, {_size(sum(size for _, size in found))}; remove them by --clear"


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"
