"""What pictures must be like for a recipe to be fitted to them."""

from __future__ import annotations

import numpy as np

from unalter.images.metrics import LEAST_SIZE
from unalter.support.errors import InputError

FEWEST = 40
"""Pictures below which there is nothing to fit to."""
_FLAT = 1
"""Grey values, of 255, between the darkest and the brightest pixel of a picture that shows nothing."""
_MOST = 0.9
"""This share of the pictures must show nothing for a folder to be refused: a few empty ones are common."""
_WAY_OUT = "give one by --recipe: a preset or a YAML file"


def check_pictures(clean: np.ndarray, altered: np.ndarray) -> None:
    """Refuse pictures, uint8 [N, C, H, W] and [M, C, H, W], that tell nothing.

    Raises:
        InputError: they are too few, too small, all but constant, or all the same.
    """
    if min(len(clean), len(altered)) < FEWEST:
        few = f"{len(clean)} clean and {len(altered)} altered ones"
        raise InputError(
            f"a recipe can be fitted to {FEWEST} pictures or more of either folder; these are {few}; {_WAY_OUT}"
        )
    height, width = clean.shape[2:]
    if min(height, width) < LEAST_SIZE:
        raise InputError(
            f"a recipe can be fitted to pictures of {LEAST_SIZE} x {LEAST_SIZE} pixels or more; "
            f"these are {height} x {width} (height x width); {_WAY_OUT}"
        )
    for what, images in (("clean", clean), ("altered", altered)):
        values = images.reshape(len(images), -1)
        flat = int((values.max(1) - values.min(1) <= _FLAT).sum())
        if flat > _MOST * len(images):
            # masks of 0 and 1 in files, where white is 255
            raise InputError(
                f"{flat:,} of the {len(images):,} {what} pictures are all but constant (such as one with values from "
                f"{values[0].min()} to {values[0].max()} of 255): they do not tell how they were altered; {_WAY_OUT}"
            )
    if (altered == altered[0]).all():
        raise InputError(f"all {len(altered):,} altered pictures are the same: they do not tell how; {_WAY_OUT}")
