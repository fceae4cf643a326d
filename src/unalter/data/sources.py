"""The pictures of one part of a data set, listed without decoding a picture file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Kinds of files that pictures are read from, in lower case."""
TEXTS = {".txt", ".md", ".csv", ".tsv", ".json", ".yaml", ".yml", ".html", ".xml", ".log"}
"""Kinds of files that lie beside pictures and are none."""
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
"""What systems leave in folders without being asked, in lower case."""
_NUMBER = re.compile("([0-9]+)")


@dataclass(frozen=True)
class Source:
    """The pictures of one part of a data set, clean or altered, listed."""

    where: Path
    """Said in messages."""
    names: list[str]
    """Below `where`, with /, in natural order."""
    stamps: list[tuple[int, int]]
    """Of every picture two numbers that change when its file does."""
    read: Callable[[str], bytes | np.ndarray]
    """By name: the bytes of a picture file, or the picture itself, uint8 [H, W] or [H, W, 3]."""
    labels: list[str] | None = None
    """Where they came with the pictures."""
    is_array: bool = False
    """Whether names are only the rows of an array."""
    in_memory: bool = False
    """Whether they lie in no file: nothing of them goes into the cache."""
    said: tuple[str, ...] = ()
    """What was assumed of them, for people."""

    def __len__(self) -> int:
        return len(self.names)

    def path(self, name: str) -> str:
        """What a picture is called in messages."""
        return f"{self.where}: picture {name}" if self.is_array else str(self.where / name)

    def rows_without(self, paths: Collection[str]) -> list[int]:
        """The rows of all pictures but some, called by `path`."""
        if not paths:
            return list(range(len(self)))
        return [i for i, name in enumerate(self.names) if self.path(name) not in paths]

    def without(self, paths: Collection[str]) -> Source:
        """The same, less some pictures, called by `path`."""
        if not paths:
            return self
        keep = self.rows_without(paths)
        labels = None if self.labels is None else [self.labels[i] for i in keep]
        return replace(self, names=[self.names[i] for i in keep], stamps=[self.stamps[i] for i in keep], labels=labels)


Listed = tuple[Source, list[str], list[str]]
"""A source; what is wrong with it as a whole; and what is wrong with single files, which are not in it."""


def nothing(where: Path, problem: str) -> Listed:
    """A source of no picture, and why."""
    return Source(where, [], [], lambda name: b""), [problem], []


def listed_files(
    where: Path, found: list[tuple[str, tuple[int, int]]], bad: list[str], read: Callable[[str], bytes]
) -> Listed:
    """Picture files by what they are called below `where`, with their stamps; and what is wrong with others."""
    found.sort(key=lambda item: (natural(item[0]), item[0]))
    problems = [] if found or bad else [f"{where}: the folder is empty; it needs pictures named X_I_L.png"]
    return Source(where, [name for name, _ in found], [stamp for _, stamp in found], read), problems, sorted(bad)


def no_picture_file(path: str) -> str:
    """What is wrong with a file of another kind."""
    return f"{path}: no picture file; pictures are read from {' '.join(SUFFIXES)}"


def is_litter(name: str) -> bool:
    """Whether a file of this name is hidden, or one that a system leaves in folders without being asked."""
    return name.startswith(".") or name.lower() in _LITTER


def natural(name: str) -> list[str | int]:
    """A key that sorts names as people do: `a_9` before `a_10`."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(name))]
