"""Stored pictures altered, each by its number."""

from __future__ import annotations

import numpy as np
import torch

from unalter.alter.draws import KeyedDraws, fold_in
from unalter.alter.recipe import Recipe
from unalter.images.convert import to_float, to_uint8
from unalter.support.progress import ProgressCallback, no_progress, with_progress

_BATCH = 512


def alter_pictures(
    images: np.ndarray, index: np.ndarray, recipe: Recipe, seed: int, on_progress: ProgressCallback = no_progress
) -> tuple[np.ndarray, list[str]]:
    """Alter uint8 [N, C, H, W] by a recipe, each picture by its index (int64 [N]); also each one's group."""
    results, groups = [], []
    for start in with_progress(range(0, len(images), _BATCH), "altering", on_progress):
        part = slice(start, start + _BATCH)
        keys = fold_in(seed, torch.from_numpy(index[part]))
        results.append(to_uint8(recipe(to_float(images[part]), KeyedDraws(keys)).numpy()))
        groups += [recipe.branches[number].title for number in recipe.branch_index(KeyedDraws(keys)).tolist()]
    return np.concatenate(results), groups
