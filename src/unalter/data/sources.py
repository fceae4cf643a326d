"""The pictures of one part of a data set, listed without decoding a picture file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif", ".jp2", ".j2k",
    ".pgm", ".ppm", ".pbm", ".pnm", ".npy",
)  # fmt: skip
"""Kinds of files that pictures are read from, in lower case."""
TEXTS = {
    ".txt", ".md", ".csv", ".tsv", ".json", ".yaml", ".yml", ".html", ".xml", ".log", ".ini", ".py", ".ipynb",
}  # fmt: skip
"""Kinds of files that lie beside pictures and are none."""
_TO_PNG = "convert it to PNG, such as by 'magick mogrify -format png'"
_WAYS_OUT = (
    (".heic .heif", f"a phone's HEIF; {_TO_PNG}, or let the phone save JPEG"),
    (".jxl", f"JPEG XL; {_TO_PNG}"),
    (".dcm .dicom .ima", f"DICOM; {_TO_PNG} or dcmj2pnm"),
    (
        ".dng .nef .cr2 .cr3 .arw .raf .orf .rw2 .raw",
        "a camera's raw data; develop it to TIFF or JPEG first",
    ),
    (".czi .lif .nd2 .oib .oif .lsm .ims .svs .vsi", "a microscope's own format; save every picture as TIFF there"),
    (".svg .pdf .eps .psd .ai", f"no picture of pixels alone; {_TO_PNG}"),
    (".mp4 .avi .mov .mkv .webm", "a film; save its frames as PNG, as by ffmpeg"),
    (".exr .hdr .pfm", "a picture of floats; save it as TIFF of floats, or .npy"),
    (".npz .mat .h5 .hdf5", "a file of arrays; give it in place of a folder, or save every picture as .npy"),
    (".nii .mha .mhd .nrrd", "a volume; save its slices as PNG or .npy"),
    (".zip .gz .tar .tgz .7z .rar .bz2 .xz", "packed; unpack it"),
)
OTHER_KINDS = {ending: way for endings, way in _WAYS_OUT for ending in endings.split()}
"""What kinds of files are, by their ending, that people expect to be read; and what they can do about it."""
_LITTER = {
    "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin",
    "system volume information", "lost+found", "icon\r", "__pycache__",
}  # fmt: skip
"""What systems leave in folders without being asked, in lower case."""
_NUMBER = re.compile("([0-9]+)")


@dataclass(frozen=True)
class Source:
    """The pictures of one part of a data set, clean or altered, listed."""

    where: Path
    """Said in messages."""
    names: list[str]
    """Below `where`, with /, in natural order."""
    stamps: list[tuple[int, ...]]
    """Of every picture numbers that change when its file does."""
    read: Callable[[str], bytes | np.ndarray]
    """By name: the bytes of a picture file, or the picture itself, uint8 [H, W] or [H, W, 3]."""
    labels: list[str] | None = None
    """Where they came with the pictures."""
    is_array: bool = False
    """Whether names are only the rows of an array."""
    in_memory: bool = False
    """Whether they lie in no file: nothing of them goes into the cache."""
    notes: tuple[str, ...] = ()
    """What was assumed in finding and reading them, a line each."""
    table: bytes | None = None
    """A table of labels that lay beside them, where only this source can read it."""

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
    where: Path, found: list[tuple[str, tuple[int, ...]]], bad: list[str], read: Callable[[str], bytes],
    table: bytes | None = None,
) -> Listed:  # fmt: skip
    """Picture files by what they are called below `where`, with their stamps; and what is wrong with others."""
    found.sort(key=lambda item: (natural(item[0]), item[0]))
    problems = [] if found or bad else [f"{where}: the folder is empty; it needs pictures named X_I_L.png"]
    names, stamps = [name for name, _ in found], [stamp for _, stamp in found]
    return Source(where, names, stamps, read, table=table), problems, sorted(bad)


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """Numbers that change when a file's content does, also where its size and modification time are put back."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def no_picture_file(path: str) -> str:
    """What is wrong with a file of another kind."""
    kind = OTHER_KINDS.get(PurePosixPath(path).suffix.lower())
    if kind is not None:
        return f"{path}: is not read ({kind})"
    return f"{path}: no picture file; pictures are read from {' '.join(SUFFIXES)}"


def is_litter(name: str) -> bool:
    """Whether a file of this name is hidden, or one that a system leaves in folders without being asked."""
    return name.startswith(".") or name.lower() in _LITTER


def natural(name: str) -> list[str | int]:
    """A key that sorts names as people do: `a_9` before `a_10`."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(name))]
