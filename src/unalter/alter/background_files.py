"""Backgrounds as PNG in a folder beside their recipe."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
from torch import Tensor

from unalter.data.decode import read_picture
from unalter.images.convert import to_float, to_uint8
from unalter.images.sheet import write_picture
from unalter.support.errors import InputError


def load_backgrounds(folder: Path) -> Tensor:
    """All PNGs of a folder in the order of their names: float32 [K, C, H, W] in 0..1.

    Raises:
        InputError: there are none, one cannot be read, or they differ in size.
    """
    try:
        pictures = [read_picture(path) for path in sorted(folder.glob("*.png"))]
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{folder}: a background cannot be read ({error})") from None
    if not pictures:
        raise InputError(f"{folder}: no PNG in the folder of backgrounds")
    if len({picture.shape[:2] for picture in pictures}) > 1:
        raise InputError(f"{folder}: the backgrounds differ in size")
    if any(picture.ndim == 3 for picture in pictures):
        pictures = [np.dstack([picture] * 3) if picture.ndim == 2 else picture for picture in pictures]
    stacked = to_float(np.stack(pictures))
    return stacked[:, None] if stacked.ndim == 3 else stacked.permute(0, 3, 1, 2)


def save_backgrounds(folder: Path, backgrounds: Tensor) -> Path:
    """Write backgrounds [K, C, H, W] as PNG (256 levels) into a folder of their own.

    Returns:
        The folder; with a number behind its name where there is one already with anything else in it.
    """
    digits = max(2, len(str(len(backgrounds) - 1)))  # names that sort as their numbers do
    pictures = {f"{number:0{digits}d}.png": pixels for number, pixels in enumerate(to_uint8(backgrounds.numpy()))}
    names = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    own = next(name for name in names if _has_nothing_but(name, pictures))
    for name, pixels in pictures.items():
        write_picture(own / name, pixels)
    return own


def _has_nothing_but(folder: Path, pictures: dict[str, np.ndarray]) -> bool:
    if not folder.is_dir():
        return not folder.exists()
    return all(file.name in pictures and _holds(file, pictures[file.name]) for file in folder.iterdir())


def _holds(file: Path, pixels: np.ndarray) -> bool:
    """Whether a file is the picture uint8 [C, H, W]."""
    try:
        found = read_picture(file)
    except (OSError, SyntaxError, ValueError):
        return False
    found = found[None] if found.ndim == 2 else found.transpose(2, 0, 1)
    return found.shape[1:] == pixels.shape[1:] and bool((found == pixels).all())
