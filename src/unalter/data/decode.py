"""Picture files to one uint8 array."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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


def read_picture(path: str | Path) -> np.ndarray:
    """Read one picture file; as `picture_of`, and OSError where it cannot be read."""
    return picture_of(Path(path).read_bytes())


def picture_of(content: bytes) -> np.ndarray:
    """The picture in a file's bytes; as `pixels_of`.

    Raises:
        OSError, SyntaxError, ValueError: it is cut short, or is not a picture.
    """
    from PIL import Image, UnidentifiedImageError  # the parser of `--help` does not need it

    try:
        opened = Image.open(io.BytesIO(content))
    except UnidentifiedImageError:
        raise ValueError("this is no picture, or one of an unknown format") from None
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None
    with opened as picture:
        return pixels_of(picture)


def pixels_of(picture: PillowImage) -> np.ndarray:
    """A picture of Pillow as uint8 [H, W] or, where its channels differ, [H, W, 3].

    Of 16 bits the upper 8 are taken; what is transparent lies on black; a camera's note of how it was held is obeyed.

    Raises:
        ValueError: it has 32 bits.
    """
    from PIL import Image, ImageOps

    if picture.mode.startswith("I;16"):  # Pillow's own conversion turns all above 255 to white
        return (np.asarray(picture) >> 8).astype(np.uint8)
    if picture.mode in ("I", "F"):
        raise ValueError(f"32-bit pixels (mode {picture.mode}); give 8 or 16 bits")
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    if picture.mode not in ("L", "RGB"):
        picture = picture.convert("L" if picture.mode in ("1", "LA") else "RGB")
    return _plain(np.asarray(picture))


def fitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture uint8 [H, W] or [H, W, 3] of another size: proportions kept, in the middle, the rest black."""
    from PIL import Image, ImageOps

    if picture.shape[:2] == (height, width):
        return picture
    return _plain(np.asarray(ImageOps.pad(Image.fromarray(picture), (width, height), Image.Resampling.BICUBIC)))


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
    pictures, paths, bad = [], [], {}
    names = [(source, name) for source in sources for name in source.names]
    # one thread: for small files Pillow holds the interpreter's lock, and two threads took four times as long
    for source, name in with_progress(names, "", on_progress):
        try:
            content = source.read(name)
            picture = picture_of(content) if isinstance(content, bytes) else _plain(content)
            pictures.append(fitted(picture, resize, resize) if resize else picture)
            paths.append(source.path(name))
        except (OSError, SyntaxError, ValueError) as error:
            bad[source.path(name)] = f"{source.path(name)}: cannot be read as a picture ({error})"
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
    good = [picture for path, picture in zip(paths, pictures, strict=True) if path not in bad]
    if not good:
        raise InputError("no picture is left that can be used:\n" + "\n".join(list(bad.values())[:5]))
    channels = max(3 if picture.ndim == 3 else 1 for picture in good)
    images = np.empty((len(good), channels, height, width), np.uint8)
    for row, picture in zip(images, good, strict=True):
        row[:] = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
    return Decoded(images, bad)


def _plain(pixels: np.ndarray) -> np.ndarray:
    """[H, W] in place of [H, W, 3] where the channels are equal."""
    if pixels.ndim == 3:
        first = pixels[..., 0]
        if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
            return first
    return pixels


def _check_size(pictures: list[np.ndarray], total: int) -> None:
    """Refuse what would not fit into memory: the decoded pictures, twice for a moment."""
    largest = max(pictures, key=np.size)
    need = 2 * total * sum(picture.nbytes for picture in pictures) // len(pictures)
    check_memory(need, f"{total:,} pictures of {largest.shape[1]} x {largest.shape[0]} pixels", "--resize")
