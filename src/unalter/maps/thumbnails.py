"""Many small pictures in few image files, for the page."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np

PER_ATLAS = 1024
"""32 x 32 pictures in a file: little to decode for the first picture of it, few files."""
_MOST = 32
"""Pixels of the longer side, where there are few pictures."""
_LEAST = 16
"""Less shows nothing: then there are no thumbnails."""
_PIXELS = 90e6
"""All thumbnails together; about 12 MB."""
_COLOUR = 1.5
"""A colour picture takes about so many times the bytes of a grey one."""
_FEW = 10e6
"""Pixels up to which they are kept finer."""
_QUALITY, _FINE_QUALITY = 30, 75
"""Of WebP: 94 and 135 bytes an altered digit of 28 x 28, 33 and 38 dB. A JPEG of 135 bytes reaches 30 dB."""


def thumbnail_size(shape: tuple[int, int, int], count: int) -> tuple[int, int] | None:
    """Height and width of the thumbnails of `count` pictures of one shape (C, H, W); None: too many for any.

    The longer side is 32 pixels at most, less where many pictures share 90 million pixels, and never enlarged.
    """
    channels, height, width = shape
    longer = max(height, width)
    share = np.sqrt(_PIXELS / (count * height * width * (_COLOUR if channels == 3 else 1)))  # of each side
    scale = min(1.0, _MOST / longer, share)
    if scale * longer < min(longer, _LEAST):
        return None
    return max(1, int(scale * height)), max(1, int(scale * width))


def atlases(pictures: np.ndarray, size: tuple[int, int]) -> Iterator[bytes]:
    """WebP files with `PER_ATLAS` pictures each, row by row, 32 across; `pictures` is uint8 [N, C, H, W]."""
    from PIL import Image

    across = int(PER_ATLAS**0.5)
    height, width = size
    quality = _FINE_QUALITY if len(pictures) * height * width <= _FEW else _QUALITY
    for start in range(0, len(pictures), PER_ATLAS):
        part = pictures[start : start + PER_ATLAS]
        sheet = Image.new("L" if part.shape[1] == 1 else "RGB", (across * width, -(-len(part) // across) * height))
        for place, picture in enumerate(part):
            pixels = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
            small = Image.fromarray(np.ascontiguousarray(pixels))
            if small.size != (width, height):
                small = small.resize((width, height), Image.Resampling.BOX)
            sheet.paste(small, (place % across * width, place // across * height))
        file = io.BytesIO()
        sheet.save(file, "WEBP", quality=quality, method=4)
        yield file.getvalue()
