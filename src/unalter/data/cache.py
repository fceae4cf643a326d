"""The decoded pictures in the user's cache folder, memory-mapped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unalter.data.listing import FileList
from unalter.files import whole_file

_FORMAT = 2
"""Raised whenever the same files would decode to other pixels."""


def cache_folder() -> Path:
    """Where unalter keeps what can be made again: `$XDG_CACHE_HOME/unalter` or `~/.cache/unalter`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unalter"


def fingerprint(lists: list[FileList]) -> str:
    """A hash of the folders' paths and of every file's name, size and modification time."""
    digest = hashlib.sha256(f"unalter pixels {_FORMAT}".encode())
    for files in lists:
        digest.update(f"\0{files.folder.resolve()}\0".encode(errors="surrogateescape"))
        stamps = (f"{name}/{size}/{time}" for name, (size, time) in zip(files.names, files.stamps, strict=True))
        digest.update("\n".join(stamps).encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def cached_pixels(lists: list[FileList], decode: Callable[[], np.ndarray], folder: Path | None = None) -> np.ndarray:
    """The decoded pictures of `lists`: mapped from the cache, or decoded and put there.

    A cache that cannot be written costs time, not the job: the decoded array is returned as it is.
    """
    path = (folder or cache_folder()) / "pixels" / f"{fingerprint(lists)}.npy"
    expected = sum(map(len, lists))
    try:
        images = np.load(path, mmap_mode="r")
        if images.dtype == np.uint8 and images.ndim == 4 and len(images) == expected:
            return images
    except Exception:  # not there, cut short or damaged: numpy raises half a dozen types for these
        pass
    images = decode()
    try:
        with whole_file(path) as aside, open(aside, "wb") as file:
            np.save(file, images)
        return np.load(path, mmap_mode="r")
    except OSError:
        return images
