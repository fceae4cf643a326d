"""Whether pictures fit a model, asked before it computes."""

from __future__ import annotations

import numpy as np

from unalter.models.model import Model
from unalter.support.errors import InputError


def check_shape(model: Model, images: np.ndarray, where: object) -> None:
    """Refuse pictures, uint8 [N, C, H, W], of another size than a model's, or in colour where it takes grey ones.

    Raises:
        InputError: says where they are, what they are, and how they are brought to the model's size.
    """
    channels, height, width = model.image_shape
    found = images.shape[1:]
    if found[1:] != (height, width):
        way = f"--resize {height}" if height == width else "bringing them to it"
        sizes = f"the pictures have {found[2]} x {found[1]} pixels, and the {model.name} takes {width} x {height}"
        raise InputError(f"{where}: {sizes}: help by {way}")
    if found[0] > channels:
        raise InputError(
            f"{where}: there are colour pictures, and the {model.name} takes grey ones; turn them grey first"
        )
