"""Fixed backgrounds that many altered pictures share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RING = 2
"""Pixels from the border that a subject seldom reaches: there a blend shows its background untouched."""
_RING_EQUAL = 0.6
"""The share of a ring that is untouched even where the subject reaches into it."""
_LEAST_SHARE = 0.01
"""A background that fewer altered pictures than this share have is not looked for."""
_LEAST_FILES = 12
"""So many pictures, at the least, leave no pixel of a background covered in all of them."""


@dataclass(frozen=True)
class Backgrounds:
    """Backgrounds found in altered pictures."""

    images: np.ndarray
    """uint8 [K, C, H, W]"""
    weight: float
    """The subject's weight in the blend, 0..1."""
    members: np.ndarray
    """int64 [N]: which background each altered picture has, -1 for none."""

    @property
    def share(self) -> float:
        """The share of the altered pictures that have one of the backgrounds."""
        return float((self.members >= 0).mean())


@dataclass(frozen=True)
class Unblended:
    """Which altered pictures show known backgrounds, and what they were before."""

    backgrounds: Backgrounds
    """The known ones, and which altered picture has which."""
    rows: np.ndarray
    """int64 [K]: the pictures with a background"""
    images: np.ndarray
    """uint8 [K, C, H, W]: their subjects"""


def find_backgrounds(images: np.ndarray) -> Backgrounds | None:
    """Find the fixed backgrounds that bright subjects on black were blended with.

    Pictures whose border ring is the same to the last bit, and not plain, share a background. The subject
    adds weight * subject >= 0, so the pixelwise minimum over a group is (1 - weight) * background, and the
    largest excess over it is weight * 1.

    Args:
        images: uint8 [N, C, H, W], altered pictures.

    Returns:
        The backgrounds, or None where no ring is shared by enough pictures.
    """
    textured, borders = _textured(images)
    if len(textured) == 0:
        return None
    _, groups, counts = np.unique(borders, axis=0, return_inverse=True, return_counts=True)
    groups = groups.reshape(-1)  # numpy 2.0 gives it another shape
    large = np.flatnonzero(counts >= max(_LEAST_FILES, _LEAST_SHARE * len(images)))
    if len(large) == 0:
        return None
    members = np.full(len(images), -1, np.int64)
    floors, excesses = [], []
    for number, group in enumerate(large):
        floor = images[textured[groups == group]].min(0)
        rows = _standing_on(floor, images, textured, borders, 0)
        members[rows] = number
        floors.append(images[rows].min(0))
        excesses.append(int((images[rows] - floors[-1]).max()))
    weight = min(float(np.median(excesses)) / 255, 1.0)
    scale = 1 / max(1 - weight, 1 / 255)
    backgrounds = np.clip(np.rint(np.stack(floors) * scale), 0, 255).astype(np.uint8)
    return Backgrounds(backgrounds, weight, members)


def recognise(images: np.ndarray, backgrounds: np.ndarray, weight: float) -> Unblended:
    """Tell the pictures that were blended with known backgrounds, as `find_backgrounds` does, and take these off.

    Args:
        images: uint8 [N, C, H, W], altered pictures.
        backgrounds: uint8 [K, C, H, W], as many channels or one; of another size they are in none of the pictures.
        weight: the subjects' in the blend.
    """
    if backgrounds.shape[-2:] != images.shape[-2:]:
        backgrounds = images[:0]
    backgrounds = np.broadcast_to(backgrounds, (len(backgrounds), *images.shape[1:]))
    members = np.full(len(images), -1, np.int64)
    textured, borders = _textured(images)
    for number, background in enumerate(backgrounds):
        floor = np.rint((1 - weight) * background).astype(np.uint8)
        # whoever blended them may have rounded halves the other way
        members[_standing_on(floor, images, textured, borders, 1)] = number
    found = Backgrounds(backgrounds, weight, members)
    rows = np.flatnonzero(members >= 0)
    return Unblended(found, rows, unblend(images[rows], found, members[rows]))


def _textured(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pictures whose ring is not plain, int64 [M], and their rings, uint8 [M, P]."""
    if min(images.shape[-2:]) < 4 * _RING:
        return np.empty(0, np.int64), np.empty((0, 0), np.uint8)
    borders = _ring(images)
    textured = np.flatnonzero(borders.max(1) - borders.min(1) > 8)
    return textured, borders[textured]


def _ring(images: np.ndarray) -> np.ndarray:
    inside = np.zeros(images.shape[-2:], bool)
    inside[_RING:-_RING, _RING:-_RING] = True
    return images[:, :, ~inside].reshape(len(images), -1)


def _standing_on(
    floor: np.ndarray, images: np.ndarray, textured: np.ndarray, borders: np.ndarray, tolerance: int
) -> np.ndarray:
    """The textured pictures, int64 [K], that show a floor [C, H, W]: most of its ring, and nowhere darker."""
    apart = np.abs(borders.astype(np.int16) - _ring(floor[None]))
    near = textured[(apart <= tolerance).mean(1) > _RING_EQUAL]
    # a subject that reaches into the ring only adds to it
    return near[(images[near].astype(np.int16) - floor >= -1).all((1, 2, 3))]


def unblend(images: np.ndarray, found: Backgrounds, which: np.ndarray) -> np.ndarray:
    """What was blended with backgrounds, exact to a few levels: uint8 [N, C, H, W] and int64 [N] to uint8
    [N, C, H, W].
    """
    subjects = (images.astype(np.float32) - (1 - found.weight) * found.images[which]) / max(found.weight, 1 / 255)
    return np.clip(np.rint(subjects), 0, 255).astype(np.uint8)


def blend(images: np.ndarray, found: Backgrounds, which: np.ndarray) -> np.ndarray:
    """Pictures blended with backgrounds: uint8 [N, C, H, W] and int64 [N] to uint8 [N, C, H, W]."""
    mixed = found.weight * images.astype(np.float32) + (1 - found.weight) * found.images[which]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def pattern_backgrounds(channels: int, height: int, width: int) -> np.ndarray:
    """Six plain patterns, uint8 [6, C, H, W], for blends where no altered folder gives backgrounds."""
    y, x = np.mgrid[0:height, 0:width]
    u, v = (x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1
    radius = np.hypot(u, v)
    patterns = [
        0.5 + 0.5 * np.sin(14 * radius),  # rings
        ((x // 4 + y // 4) % 2) * 0.8,  # checkerboard
        0.5 + 0.5 * np.sin(6 * (u + v)),  # diagonal waves
        (radius < 0.95) * (0.35 + 0.3 * np.sin(9 * u) * np.sin(9 * v)),  # a dimpled disc
        0.25 + 0.5 * (np.abs(u) + np.abs(v)) / 2 + 0.2 * (y % 3 == 0),  # ruled paper, darker in the middle
        np.clip(0.6 + 0.4 * np.cos(5 * np.arctan2(v, u)) - 0.5 * radius, 0, 1),  # a star
    ]
    grey = np.rint(255 * np.clip(np.stack(patterns), 0, 1)).astype(np.uint8)
    return np.repeat(grey[:, None], channels, axis=1)
