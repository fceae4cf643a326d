"""The decoded pictures in the user's cache folder, memory-mapped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unalter.data.decode import Decoded
from unalter.data.sources import Source
from unalter.support.cache import from_cache
from unalter.support.files import atomic_write, write_text

_FORMAT = 5
"""Raised whenever the same files would decode to other pixels."""


def fingerprint(sources: list[Source], *how: object) -> str:
    """A hash of where pictures lie and what that is called, of every file's name and stamps (`sources.stamp_of`), and
    of how they are read: what is wrong with a file is said, and kept, by what it is called.
    """
    digest = hashlib.sha256(f"unalter pixels {_FORMAT} {how}".encode())
    for source in sources:
        digest.update(f"\0{source.where}\0{os.path.realpath(source.where)}\0".encode(errors="surrogateescape"))
        stamps = (f"{name}/{'/'.join(map(str, of))}" for name, of in zip(source.names, source.stamps, strict=True))
        digest.update("\n".join(stamps).encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def cached(key: str, count: int, decode: Callable[[], Decoded], cache: Path | None = None) -> Decoded:
    """What `decode` gives: mapped from the cache, or decoded and put there.

    Args:
        key: of the pictures, from `fingerprint`.
        count: how many pictures there are, the bad ones included.
        decode: gives them.
        cache: in place of the user's cache folder.
    """

    def load(folder: Path) -> Decoded:
        images = np.load(folder / "images.npy", mmap_mode="r")
        kept = json.loads((folder / "kept.json").read_text("utf-8"))
        bad, notes = kept["bad"], tuple(kept["notes"])
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) + len(bad) != count:
            raise ValueError("these are other pictures")
        return Decoded(images, bad, notes)

    return from_cache("pixels", key, load, decode, _save, cache)


def _save(decoded: Decoded, folder: Path) -> None:
    write_text(folder / "kept.json", json.dumps({"bad": decoded.bad, "notes": decoded.notes}))
    with atomic_write(folder / "images.npy") as aside, open(aside, "wb") as file:
        np.save(file, decoded.images)
