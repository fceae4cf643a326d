"""Picture files to one uint8 array."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np

from unalter.data.listing import FileList
from unalter.errors import raise_together


def read_picture(path: str | Path) -> np.ndarray:
    """Read one picture as uint8 [H, W] or, where its channels differ, [H, W, 3].

    Of 16 bits the upper 8 are taken; what is transparent lies on black; a camera's note of how it was held is obeyed.

    Raises:
        OSError, ValueError: the file cannot be read or is not a picture.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError  # the parser of `--help` does not need it

    try:
        opened = Image.open(io.BytesIO(Path(path).read_bytes()))
    except UnidentifiedImageError:
        raise ValueError("this is no picture, or one of an unknown format") from None
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None
    with opened as picture:
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
        pixels = np.asarray(picture)
    if pixels.ndim == 3:
        first = pixels[..., 0]
        if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
            return first
    return pixels


def decode(lists: list[FileList]) -> np.ndarray:
    """Decode all files of `lists`, in order, to uint8 [N, C, H, W].

    C is 1 where every picture is grey (equal channels count as grey), else 3.

    Raises:
        InputError: files that cannot be read, or sizes that differ; all of them in one message.
    """
    pictures, problems = _read_all(lists)
    raise_together(problems, "Some pictures cannot be used; mend, resize or remove them:")
    channels = max(3 if picture.ndim == 3 else 1 for picture in pictures)
    images = np.empty((len(pictures), channels, *pictures[0].shape[:2]), np.uint8)
    for row, picture in zip(images, pictures, strict=True):
        row[:] = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
    return images


def faults(lists: list[FileList]) -> list[str]:
    """What `decode` would complain of."""
    return _read_all(lists)[1]


def _read_all(lists: list[FileList]) -> tuple[list[np.ndarray], list[str]]:
    """The pictures that can be read, and what is wrong with the others or with their sizes."""
    pictures, paths, problems = [], [], []
    # one thread: for small files Pillow holds the interpreter's lock, and two threads took four times as long
    for path in (files.folder / name for files in lists for name in files.names):
        try:
            pictures.append(read_picture(path))
            paths.append(path)
        except (OSError, SyntaxError, ValueError) as error:
            problems.append(f"{path}: cannot be read as a picture ({error})")
    sizes = Counter(picture.shape[:2] for picture in pictures)
    if len(sizes) > 1:
        (height, width), _ = sizes.most_common(1)[0]
        problems += [
            f"{path}: {picture.shape[1]} x {picture.shape[0]} pixels where most have {width} x {height}"
            for path, picture in zip(paths, pictures, strict=True)
            if picture.shape[:2] != (height, width)
        ]
    return pictures, problems
