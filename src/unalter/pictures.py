"""Pictures as users have them and as PNG: numpy, torch or PIL in, the same out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.files import whole_file


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [H, W], [1, H, W] or [3, H, W] as a PNG file; it appears whole or not at all."""
    from PIL import Image

    if pixels.ndim == 3:
        pixels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    with whole_file(path) as aside:
        Image.fromarray(np.ascontiguousarray(pixels)).save(aside, format="PNG")
