"""What comes in at the border of altered pictures that were moved, told before a chain of alterations is searched for.

A corner of a picture that was moved shows what it was filled with: a value that covers little of the rest of the
picture, and that corners of clean pictures do not show.
"""

from __future__ import annotations

import numpy as np

from unalter.alter.geometric import Fill

_NEAR = 6
"""Grey values, of 255, that are the same one: noise is little, and interpolation is at its edge only."""
_COVERS = 0.6
"""The ground of a picture covers a larger share of it than what comes in from outside."""
_SHARE = 0.2
"""Of all corners show a fill: fewer may be noise, or things that reach into corners."""
_PLAIN = 0.9
"""This share of clean borders of one value is a plain ground, which is drawn out, or mirrored, as that value."""
_WHITE = 250
"""What is as bright was meant to be white."""


def likely_fills(clean: np.ndarray, altered: np.ndarray) -> list[Fill]:
    """What altered pictures, uint8 [M, C, H, W], may have been filled with, beside black; the likeliest first.

    Args:
        clean: uint8 [N, C, H, W].
    """
    found: list[Fill] = []
    shown = _corner_values(altered) - _corner_values(clean)
    black = False
    for _ in range(2):  # a value and, where half of the pictures were inverted, its counterpart
        together = np.convolve(shown, np.ones(2 * _NEAR + 1), "same")
        if together.max() < _SHARE:
            break
        near = slice(max(int(together.argmax()) - _NEAR, 0), int(together.argmax()) + _NEAR + 1)
        value = np.average(np.arange(256)[near], weights=shown[near].clip(0))
        black |= value <= _NEAR
        if value > _NEAR:
            found.append(_fill(float(value)))
        shown[near] = 0
    if found or black:
        return found
    border = np.concatenate([clean[:, :, 0], clean[:, :, -1], clean[..., 0], clean[..., -1]], 2).ravel()
    ground = int(np.bincount(border, minlength=256).argmax())
    if (np.abs(border.astype(int) - ground) <= _NEAR).mean() < _PLAIN:
        return ["edge", "mirror"]
    return [] if ground <= _NEAR else [_fill(ground)]


def _fill(grey: float) -> float:
    return 1.0 if grey >= _WHITE else round(grey / 255, 2)


def _corner_values(images: np.ndarray) -> np.ndarray:
    """Which share of all corners shows a value that does not cover its picture: float64 [256]."""
    grey = np.rint(images.mean(1)).astype(np.int16)
    corners = grey[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    covered = np.stack([(np.abs(grey - at[:, None, None]) <= _NEAR).mean((1, 2)) for at in corners.T], 1)
    return np.bincount(corners[covered < _COVERS], minlength=256) / corners.size
