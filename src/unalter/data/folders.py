"""Two folders of pictures, `clean/` and `aug/`, with names `X_I_L.png`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unalter.data.cache import cached_pixels
from unalter.data.decode import decode, faults
from unalter.data.listing import FileList, list_pictures
from unalter.errors import InputError, raise_together

_MOST = 0.9
"""Folders are swapped where this share of the names say so."""
_SLIPS = 0.05
"""Labels that disagree in a smaller share of the pairs are slips; in a larger one, names mean nothing."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of one folder, decoded."""

    images: np.ndarray
    """uint8 [N, C, H, W], C = 1 (grey) or 3 (colour); usually memory-mapped, never to be written to."""
    index: np.ndarray
    labels: np.ndarray
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, which: np.ndarray) -> Pictures:
        """The pictures at the rows `which` (int64 [M])."""
        return Pictures(self.images[which], self.index[which], self.labels[which], [self.names[i] for i in which])


@dataclass(frozen=True)
class Folders:
    """A data set: clean pictures and altered ones, of one size and number of channels."""

    clean: Pictures
    altered: Pictures

    @property
    def classes(self) -> int:
        """The number of classes: the largest label + 1."""
        return int(max(self.clean.labels.max(), self.altered.labels.max())) + 1


def read_folders(data: Path, cache: Path | None = None) -> Folders:
    """Read `data/clean` and `data/aug`.

    Decoded once; later calls map the decoded array from the user's cache folder (`cache` in its place when
    given). Every fault of both folders is found and reported before anything else is done.

    Raises:
        InputError: a folder is missing or empty, names do not parse, pictures cannot be read or differ in
            size, folders are swapped, labels disagree inside a pair; all faults in one message.
    """
    if not data.is_dir():
        raise InputError(f"{data}: there is no such folder; give a folder that holds clean/ and aug/")
    clean, problems = list_pictures(data / "clean")
    altered, more = list_pictures(data / "aug")
    problems += more + _swapped(clean, altered) + _disagreeing(clean, altered)
    if problems:
        raise_together([*problems, *faults([clean, altered])], f"{data} cannot be used:")
    images = cached_pixels([clean, altered], lambda: decode([clean, altered]), cache)
    split = len(clean)
    return Folders(
        Pictures(images[:split], clean.index, clean.labels, clean.names),
        Pictures(images[split:], altered.index, altered.labels, altered.names),
    )


def read_altered(folder: Path, cache: Path | None = None) -> Pictures:
    """Read one folder of pictures with names `X_I_L.png`; errors and cache as in `read_folders`."""
    files, problems = list_pictures(folder)
    if problems:
        raise_together([*problems, *faults([files])], f"{folder} cannot be used:")
    images = cached_pixels([files], lambda: decode([files]), cache)
    return Pictures(images, files.index, files.labels, files.names)


def _swapped(clean: FileList, altered: FileList) -> list[str]:
    """What is wrong where names say that each folder is the other one."""
    wrong = sum(name.lower().startswith("aug") for name in clean.names)
    wrong_too = sum(name.lower().startswith("clean") for name in altered.names)
    if min(len(clean), len(altered)) and wrong > _MOST * len(clean) and wrong_too > _MOST * len(altered):
        return [f"{clean.folder} holds pictures named aug_... and {altered.folder} clean_...: are the folders swapped?"]
    return []


def _disagreeing(clean: FileList, altered: FileList) -> list[str]:
    """Pictures of one index whose labels differ, where most others of one index have one label."""
    times = Counter(clean.index.tolist())
    of = {i: row for row, i in enumerate(clean.index.tolist()) if times[i] == 1}
    pairs = [(row, of[i]) for row, i in enumerate(altered.index.tolist()) if i in of]
    differ = [(row, other) for row, other in pairs if altered.labels[row] != clean.labels[other]]
    if len(differ) > _SLIPS * len(pairs):
        return []
    path, names = altered.folder, clean.names
    return [
        f"{path / altered.names[row]} and {names[other]} have one index and two labels; mend the wrong one"
        for row, other in differ
    ]
