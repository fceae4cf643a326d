"""Picture files in a folder and its sub-folders."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from unalter.data.sources import SUFFIXES, TEXTS, Listed, is_litter, listed_files, no_picture_file


def list_folder(folder: Path) -> Listed:
    """The pictures in a folder and below; links are followed, those that lead round are not."""
    found: list[tuple[str, tuple[int, int]]] = []
    bad: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue  # a link to a folder that it lies in
            seen.add((status.st_dev, status.st_ino))
            entries = list(os.scandir(place))
        except OSError as error:
            bad.append(f"{place}: cannot be read ({error.strerror})")
            continue
        for entry in entries:
            if is_litter(entry.name):
                continue
            if _is_folder(entry):
                waiting.append((place / entry.name, f"{prefix}{entry.name}/"))
                continue
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix in TEXTS:
                continue
            if suffix not in SUFFIXES:
                bad.append(no_picture_file(entry.path))
                continue
            try:
                status = entry.stat()
            except OSError as error:
                bad.append(f"{entry.path}: cannot be read ({error.strerror})")
                continue
            if not stat.S_ISREG(status.st_mode):  # to open a pipe is to wait for somebody who writes
                bad.append(f"{entry.path}: is a device or pipe, and no file")
                continue
            found.append((prefix + entry.name, (status.st_size, status.st_mtime_ns)))
    return listed_files(folder, found, bad, lambda name: (folder / name).read_bytes())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: it is said when it is read
        return False
