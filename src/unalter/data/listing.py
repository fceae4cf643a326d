"""The files of a folder and what their names say, without opening one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Kinds of files that pictures are read from, in lower case."""
NAME = re.compile(rf".+_(\d+)_(\d+)(?:{'|'.join(map(re.escape, SUFFIXES))})", re.IGNORECASE)
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
"""What systems leave in folders without being asked, in lower case."""
_DIGITS = 18
"""An index of more digits does not fit into 64 bits."""
_LARGEST_LABEL = 999
"""More classes than this are a misread name rather than a data set of small pictures."""


@dataclass(frozen=True)
class FileList:
    """The pictures of one folder in natural order (by index, then label)."""

    folder: Path
    names: list[str]
    index: np.ndarray
    """The `I` of `X_I_L.png`, int64 [N]."""
    labels: np.ndarray
    """The `L` of `X_I_L.png`, int64 [N]."""
    stamps: list[tuple[int, int]]
    """Size in bytes and modification time in nanoseconds of every file."""

    def __len__(self) -> int:
        return len(self.names)


def is_litter(name: str) -> bool:
    """Whether a file of this name is hidden, or one that a system leaves in folders without being asked."""
    return name.startswith(".") or name.lower() in _LITTER


def list_pictures(folder: Path) -> tuple[FileList, list[str]]:
    """List `folder` without opening a picture; returns the files and what is wrong with the folder.

    Hidden files (a leading dot) and what systems leave in folders are passed over.
    """
    if not folder.is_dir():
        return FileList(folder, [], np.empty(0, np.int64), np.empty(0, np.int64), []), [
            f"{folder}: there is no such folder; the data folder needs clean/ and aug/"
        ]
    found, problems = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_litter(entry.name):
                continue
            match = NAME.fullmatch(entry.name)
            if match is None or len(match[1]) > _DIGITS or int(match[2]) > _LARGEST_LABEL:
                form = f"X_I_L.png (index I of at most {_DIGITS} digits, label L of 0..{_LARGEST_LABEL}; or another"
                form += f" of {' '.join(SUFFIXES)})"
                problems.append(f"{entry.path}: the name is not of the form {form}")
                continue
            try:
                status = entry.stat()
            except OSError as error:
                problems.append(f"{entry.path}: cannot be read ({error.strerror})")
                continue
            found.append((int(match[1]), int(match[2]), entry.name, (status.st_size, status.st_mtime_ns)))
    found.sort()
    if not found and not problems:
        problems.append(f"{folder}: the folder is empty; it needs pictures named X_I_L.png")
    index = np.array([f[0] for f in found], dtype=np.int64)
    labels = np.array([f[1] for f in found], dtype=np.int64)
    return FileList(folder, [f[2] for f in found], index, labels, [f[3] for f in found]), sorted(problems)
