"""Which pictures a fit looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unalter.images.convert import to_float


@dataclass(frozen=True)
class LabelledImages:
    """Pictures, and what they show where that is known."""

    images: np.ndarray
    """uint8 [N, C, H, W]"""
    labels: np.ndarray | None
    """int64 [N]"""

    def rows(self, which: np.ndarray) -> LabelledImages:
        """Some of them."""
        return LabelledImages(self.images[which], None if self.labels is None else self.labels[which])

    @property
    def tensors(self) -> tuple[Tensor, Tensor | None]:
        """float32 [N, C, H, W] in 0..1, and int64 [N]."""
        return to_float(self.images), None if self.labels is None else torch.from_numpy(self.labels.astype(np.int64))


def draw_like(
    labels: np.ndarray | None, pool: np.ndarray, like: np.ndarray | None, count: int, draw: np.random.Generator
) -> np.ndarray:
    """Rows of a pool of clean pictures, their labels as frequent as among the altered ones (`like`)."""
    if labels is None or like is None:
        return _tiled(pool, count, draw)
    wanted = draw.choice(like, count)
    rows = np.empty(count, np.int64)
    for label in np.unique(wanted):
        where = np.flatnonzero(wanted == label)
        same = pool[labels[pool] == label]
        rows[where] = _tiled(same if len(same) else pool, len(where), draw)
    return rows


def _tiled(pool: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    """So many of the pool, each as often as any other, or once less."""
    return np.concatenate([draw.permutation(pool) for _ in range(-(-count // len(pool)))])[:count]
