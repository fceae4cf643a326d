"""What moved pictures were filled with is told before the search."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unalter.alter import (
    Alteration,
    Branch,
    GaussianNoise,
    Invert,
    KeyedDraws,
    Recipe,
    Rotate,
    Scale,
    Translate,
    fold_in,
)
from unalter.data.digits import load_digits
from unalter.fitting.fills import likely_fills
from unalter.images.convert import to_float, to_uint8

DIGITS = load_digits("train")[0][:400, None]
CLEAN, OTHERS = DIGITS[:200], DIGITS[200:]
TEXTURE = np.random.default_rng(0).integers(0, 255, (1, 1, 40, 40)).astype(np.uint8)


def altered(images: np.ndarray, *steps: Alteration) -> np.ndarray:
    random = KeyedDraws(fold_in(7, torch.arange(len(images))))
    return to_uint8(Recipe("made", [Branch(1, steps)])(to_float(images), random).numpy())


@pytest.mark.parametrize(
    ("steps", "fills"),
    [
        ([Rotate(degrees=(-40, 40), fill=1)], [1.0]),
        ([Rotate(degrees=(-40, 40), fill=0.5), GaussianNoise(sigma=(0.01, 0.02))], [0.5]),
        ([Translate(fill=0.3)], [0.3]),
        ([Scale(factor=(0.6, 0.9), fill=1), Invert()], [1.0]),
        ([Rotate(degrees=(-40, 40))], []),
        ([Rotate(), Invert()], []),
        ([GaussianNoise(sigma=(0.1, 0.3))], []),
        ([], []),
    ],
    ids=lambda value: "+".join(f"{step.name}" for step in value if isinstance(step, Alteration)) or None,
)
def test_a_value_is_told_from_things_that_look_like_one(steps, fills):
    assert likely_fills(CLEAN, altered(OTHERS, *steps)) == pytest.approx(fills, abs=0.02)


@pytest.mark.parametrize(("fill", "fills"), [("edge", ["edge", "mirror"]), ("mirror", ["edge", "mirror"]), (0.0, [])])
def test_where_borders_are_no_plain_ground_edge_and_mirror_are_possible(fill, fills):
    offsets = np.random.default_rng(1).integers(0, 20, (200, 2))
    images = np.stack([TEXTURE[0, :, i : i + 20, j : j + 20] for i, j in offsets])
    assert likely_fills(images[:100], altered(images[100:], Rotate(degrees=(-40, 40), fill=fill))) == fills


def test_a_white_ground_is_what_edges_and_mirrors_of_it_are():
    assert likely_fills(255 - CLEAN, altered(255 - OTHERS, Rotate(degrees=(-40, 40), fill="edge"))) == [1.0]
