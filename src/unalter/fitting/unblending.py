"""Subjects of pictures that were blended with fixed backgrounds, as a fit compares them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from unalter.alter.backgrounds import Backgrounds, blend, unblend
from unalter.alter.draws import KeyedDraws, fold_in
from unalter.images.convert import to_float, to_uint8


def with_whole_percent(found: Backgrounds) -> Backgrounds:
    """The same backgrounds with the weight in whole percent: it was read off a value between 0 and 255."""
    floors = np.rint(found.images * (1 - found.weight))
    weight = min(max(round(found.weight, 2), 0.01), 0.99)
    images = np.clip(np.rint(floors / (1 - weight)), 0, 255).astype(np.uint8)
    return replace(found, weight=weight, images=images)


def unblended(images: np.ndarray, found: Backgrounds, members: np.ndarray, rows: Tensor) -> Tensor:
    """The subjects of blended pictures as float32 in 0..1; a grain over them hides how the sums were rounded.

    Args:
        rows: int64 [N], the numbers of the pictures: each has its own grain.
    """
    subjects = to_float(unblend(images, found, members))
    grain = KeyedDraws(fold_in(0, rows)).between(-1, 1, *subjects.shape[1:])
    return ((255 * subjects + grain / found.weight).round() / 255).clamp(0, 1)


def rounded_otherwise(found: Backgrounds, seed: int) -> Backgrounds:
    """Backgrounds that would have been found as these were, where a sum is rounded, and so does not tell its parts."""
    floors = np.rint(found.images * (1 - found.weight))
    before = (floors + np.random.default_rng(seed).uniform(-0.5, 0.5, floors.shape)) / (1 - found.weight)
    return replace(found, images=np.clip(np.rint(before), 0, 255).astype(np.uint8))


def blended_and_back(x: Tensor, rows: Tensor, like: Backgrounds) -> Tensor:
    """What is left of subjects when they were blended, stored in 256 values, and unblended as real ones are.

    Args:
        rows: int64 [N], the numbers of the pictures; they take the backgrounds in turn.
    """
    members = rows.numpy() % len(like.images)
    return unblended(blend(to_uint8(x.numpy()), like, members), with_whole_percent(like), members, rows)
