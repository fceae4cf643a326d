"""Picture files to one uint8 array."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unalter.data.depth import Depth, narrowed
from unalter.data.picture_file import picture_values, pillow_values, plain
from unalter.data.sources import Source
from unalter.support.errors import InputError, raise_together
from unalter.support.memory import check_memory
from unalter.support.progress import ProgressCallback, no_progress, with_progress

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_FIRST = 200
"""So many pictures tell what the memory will be needed for."""


@dataclass(frozen=True)
class Decoded:
    """The pictures of some sources."""

    images: np.ndarray
    """uint8 [N, C, H, W], C is 1 where every picture is grey (equal channels count as grey), else 3"""
    bad: dict[str, str]
    """What could not be used, by path: what is wrong with it"""
    notes: tuple[str, ...] = ()
    """What was assumed, a line each."""


def read_picture(path: str | Path) -> np.ndarray:
    """One picture file by itself, uint8 [H, W] or [H, W, 3].

    Raises:
        OSError: it cannot be read.
        ValueError: it is cut short, is not a picture, or holds several.
    """
    return narrowed(picture_values(Path(path).read_bytes(), os.fspath(path)))


def pixels_of(picture: PillowImage) -> np.ndarray:
    """A picture of Pillow by itself, uint8 [H, W] or, where its channels differ, [H, W, 3]; see `pillow_values`.

    Raises:
        ValueError: it holds several pictures.
    """
    return narrowed(pillow_values(picture))


def fitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture [H, W] or [H, W, 3] of another size: proportions kept, in the middle, the rest black (0)."""
    from PIL import Image, ImageOps

    if picture.shape[:2] == (height, width):
        return picture
    if picture.dtype != np.uint8:  # Pillow resamples floats, a channel at a time
        channels = [picture] if picture.ndim == 2 else list(picture.transpose(2, 0, 1))
        scaled = [
            np.asarray(ImageOps.pad(Image.fromarray(one.astype(np.float32)), (width, height), Image.Resampling.BICUBIC))
            for one in channels
        ]
        stacked = np.clip(scaled[0] if picture.ndim == 2 else np.stack(scaled, 2), min(0, picture.min()), picture.max())
        return (stacked if picture.dtype.kind == "f" else np.rint(stacked)).astype(picture.dtype)
    return plain(np.asarray(ImageOps.pad(Image.fromarray(picture), (width, height), Image.Resampling.BICUBIC)))


def decode(
    sources: list[Source], resize: int = 0, skip_bad: bool = False, on_progress: ProgressCallback = no_progress
) -> Decoded:
    """Decode all pictures of `sources`, in order.

    Args:
        sources: what to decode.
        resize: bring every picture to so many pixels square; 0: they must be of one size.
        skip_bad: leave out what cannot be read, and pictures of another size than most.
        on_progress: told how far it is.

    Raises:
        InputError: pictures that cannot be used, all of them in one message; or they would not fit into memory.
    """
    pictures, paths, bad, depth = [], [], {}, Depth()
    names = [(source, name) for source in sources for name in source.names]
    # one thread: for small files Pillow holds the interpreter's lock, and two threads took four times as long
    for source, name in with_progress(names, "", on_progress):
        try:
            content = source.read(name)
            values = picture_values(content, name) if isinstance(content, bytes) else plain(content)
            depth.see(values)
            pictures.append(fitted(values, resize, resize) if resize else values)
            paths.append(source.path(name))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            bad[source.path(name)] = f"{source.path(name)}: cannot be read as a picture ({reason})"
        if len(pictures) == _FIRST:
            _check_size(pictures, len(names))
    sizes = Counter(picture.shape[:2] for picture in pictures)
    height, width = sizes.most_common(1)[0][0] if sizes else (0, 0)
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape[:2] != (height, width):
            size = f"{picture.shape[1]} x {picture.shape[0]} pixels"
            bad[path] = f"{path}: {size} where most have {width} x {height}"
    if bad and not skip_bad:
        ways = "mend or remove them, or leave them out by --skip-bad"
        if len(sizes) > 1:
            ways += f"; bring all to one size by --resize {max(height, width)}"
        raise_together(bad.values(), f"Some pictures cannot be used; {ways}:")
    good = [(path, picture) for path, picture in zip(paths, pictures, strict=True) if path not in bad]
    if not good:
        raise InputError("no picture is left that can be used:\n" + "\n".join(list(bad.values())[:5]))
    coloured = [path for path, picture in good if picture.ndim == 3]
    images = np.empty((len(good), 3 if coloured else 1, height, width), np.uint8)
    for row, (_, values) in zip(images, good, strict=True):
        picture = depth.narrowed(values)
        row[:] = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
    notes = depth.said()
    if 0 < len(coloured) < len(good):
        notes.append(
            f"{len(coloured):,} of {len(good):,} pictures are in colour (such as {coloured[0]}), so all are taken as "
            "pictures in colour"
        )
    return Decoded(images, bad, tuple(notes))


def _check_size(pictures: list[np.ndarray], total: int) -> None:
    """Refuse what would not fit into memory: the decoded pictures, twice for a moment."""
    largest = max(pictures, key=np.size)
    need = 2 * total * sum(picture.nbytes for picture in pictures) // len(pictures)
    check_memory(need, f"{total:,} pictures of {largest.shape[1]} x {largest.shape[0]} pixels", "--resize")
