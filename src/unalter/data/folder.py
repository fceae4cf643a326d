"""Picture files in a folder and its sub-folders."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from unalter.data.sources import SUFFIXES, TEXTS, Listed, is_litter, listed_files, no_picture_file, stamp_of


def list_folder(folder: Path) -> Listed:
    """The pictures in a folder and below; links are followed, those that lead round are not."""
    found: list[tuple[str, tuple[int, ...]]] = []
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
            suffix = os.path.splitext(entry.name)[1].lower()
            try:
                status = entry.stat()
            except OSError as error:
                if suffix not in TEXTS:
                    link = "a link that leads nowhere; " if entry.is_symlink() else ""
                    bad.append(f"{entry.path}: cannot be read ({link}{error.strerror})")
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append((place / entry.name, f"{prefix}{entry.name}/"))
            elif suffix in TEXTS:
                continue
            elif suffix not in SUFFIXES:
                bad.append(no_picture_file(entry.path))
            elif not stat.S_ISREG(status.st_mode):  # to open a pipe is to wait for somebody who writes
                bad.append(f"{entry.path}: is a device or pipe, and no file")
            else:
                found.append((prefix + entry.name, stamp_of(status)))
    return listed_files(folder, found, bad, lambda name: (folder / name).read_bytes())
