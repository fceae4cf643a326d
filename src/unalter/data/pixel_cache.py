"""The decoded pictures in the user's cache folder, memory-mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unalter.data.decode import Decoded
from unalter.data.sources import Source
from unalter.support.cache import cache_folder
from unalter.support.files import atomic_write, write_text

_FORMAT = 3
"""Raised whenever the same files would decode to other pixels."""


def fingerprint(sources: list[Source], *how: object) -> str:
    """A hash of where pictures lie and what that is called, of every file's name, size and modification time, and of
    how they are read: what is wrong with a file is said, and kept, by what it is called.
    """
    digest = hashlib.sha256(f"unalter pixels {_FORMAT} {how}".encode())
    for source in sources:
        digest.update(f"\0{source.where}\0{source.where.resolve()}\0".encode(errors="surrogateescape"))
        stamps = (f"{name}/{size}/{time}" for name, (size, time) in zip(source.names, source.stamps, strict=True))
        digest.update("\n".join(stamps).encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def cached(key: str, most: int, decode: Callable[[], Decoded], folder: Path | None = None) -> Decoded:
    """What `decode` gives: mapped from the cache, or decoded and put there.

    A cache that cannot be written costs time, not the job: the decoded array is returned as it is.

    Args:
        key: of the pictures, from `fingerprint`.
        most: how many pictures there are, the bad ones included.
        decode: gives them.
        folder: in place of the user's cache folder.
    """
    path = (folder or cache_folder()) / "pixels" / f"{key}.npy"
    beside = path.with_suffix(".json")
    try:
        images = np.load(path, mmap_mode="r")
        bad = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
        if images.dtype == np.uint8 and images.ndim == 4 and len(images) + len(bad) == most:
            return Decoded(images, bad)
    except Exception:  # not there, cut short or damaged: numpy raises half a dozen types for these
        pass
    decoded = decode()
    try:
        if decoded.bad:
            write_text(beside, json.dumps(decoded.bad))
        with atomic_write(path) as aside, open(aside, "wb") as file:
            np.save(file, decoded.images)
        return Decoded(np.load(path, mmap_mode="r"), decoded.bad)
    except OSError:
        return decoded
