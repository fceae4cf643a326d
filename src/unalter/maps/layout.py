"""From codes to points in space."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unalter.data import read_altered
from unalter.errors import InputError
from unalter.files import whole_file
from unalter.inference import Model
from unalter.maps.draw import draw_map

LEAST_POINTS = 10
"""Fewer points make no map."""
_PERPLEXITY = 30.0


@dataclass(frozen=True)
class PointMap:
    """A 3D t-SNE embedding."""

    points: np.ndarray
    """float32 [N, 3]"""
    kl: float
    """The KL divergence that t-SNE reached, in nats."""


def map_codes(codes: np.ndarray, seed: int = 0) -> PointMap:
    """Embed codes, float32 [N, latent] with N >= `LEAST_POINTS`, in three dimensions."""
    from unalter.tsne import TSNE  # scikit-learn is slow to import, and many runs draw no map

    perplexity = min(_PERPLEXITY, (len(codes) - 1) / 3)
    init = "pca" if codes.shape[1] >= 3 else "random"
    tsne = TSNE(n_components=3, perplexity=perplexity, init=init, random_state=seed, n_jobs=os.cpu_count())
    points = tsne.fit_transform(np.ascontiguousarray(codes, np.float32))
    return PointMap(points.astype(np.float32), float(tsne.kl_divergence_))


def chosen_rows(count: int, most: int, seed: int) -> np.ndarray:
    """All rows, or a fixed random subset of `most` (0: all), ascending: int64."""
    if most == 0 or most >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 2]).choice(count, most, replace=False))


def save_points(path: Path, rows: np.ndarray, labels: np.ndarray, **maps: PointMap) -> None:
    """Write an npz file: `row` (in the sorted altered folder), `label`, and per map its points by name."""
    with whole_file(path) as aside, open(aside, "wb") as file:
        named: dict[str, Any] = {name: one.points for name, one in maps.items()}
        np.savez_compressed(file, row=rows, label=labels, **named)


def map_data(model: Model, data: Path, out: Path, most: int = 0, seed: int = 0) -> int:
    """Draw the map of a data set's altered pictures (codes of an AE, means of a VAE) into the PNG file `out`.

    Args:
        model: what encodes.
        data: a folder with aug/, or one that holds the pictures itself.
        most: map only so many pictures; 0: all.

    Returns:
        How many pictures were mapped.

    Raises:
        InputError: the folder or its pictures cannot be used, or they are too few.
    """
    pictures = read_altered(data / "aug" if (data / "aug").is_dir() else data)
    rows = chosen_rows(len(pictures), most, seed)
    if len(rows) < LEAST_POINTS:
        raise InputError(f"{data}: {len(rows)} pictures are too few for a map; it takes {LEAST_POINTS}")
    labels = pictures.labels[rows]
    embedded = map_codes(model.encode(np.array(pictures.images[rows]), labels), seed)
    draw_map(out, embedded.points, labels, f"{model.name.upper()}: {len(rows):,} pictures, KL {embedded.kl:.2f}")
    return len(rows)
