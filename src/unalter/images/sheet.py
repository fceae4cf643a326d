"""A picture as a PNG file; many side by side on a contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.support.files import atomic_write


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [H, W], [1, H, W] or [3, H, W] as a PNG file; it appears whole or not at all."""
    with atomic_write(path) as aside:
        save_picture(aside, pixels)


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """The same, in place: for folders that appear as a whole."""
    from PIL import Image

    if pixels.ndim == 3:
        pixels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG")


def contact_sheet(rows: list[np.ndarray], scale: int = 2, gap: int = 2) -> np.ndarray:
    """Rows of pictures on one, with mid grey between them and where a row is shorter.

    Args:
        rows: uint8 [N, C, H, W] each, all of one shape but for N.
        scale: pixels a pixel.
        gap: pixels between pictures, before scaling.

    Returns:
        uint8 [C, height, width].
    """
    channels, height, width = rows[0].shape[1:]
    columns = max(map(len, rows))
    canvas = np.full((channels, len(rows) * (height + gap) + gap, columns * (width + gap) + gap), 96, np.uint8)
    for r, pictures in enumerate(rows):
        for c, picture in enumerate(pictures):
            top, left = gap + r * (height + gap), gap + c * (width + gap)
            canvas[:, top : top + height, left : left + width] = picture
    return canvas.repeat(scale, 1).repeat(scale, 2)
