"""Does the label say what a conditional model draws, and the code how?

Asked of a judge, a classifier that has no part in the model, of a linear probe of the codes, and of two measures of
handwriting that a picture should keep under another label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, zoom

from unalter.images.convert import to_float, to_uint8
from unalter.images.foreground import foreground
from unalter.models.model import Model

Judge = Callable[[np.ndarray], np.ndarray]
"""uint8 [N, C, H, W] -> the labels that it takes the pictures for, [N]"""
_FINER = 4
"""Pixels are divided by so many each way before a stroke's width is taken."""
_FOLDS = 5


@dataclass(frozen=True)
class Conditioning:
    """Shares are 0..1; NaN where there was too little to measure."""

    right: float
    """Of pictures decoded with their own label, the share judged as it."""
    told: np.ndarray
    """[labels]: of pictures decoded with a label that is not their own, the share judged as the label told."""
    stayed: float
    """Of those of all labels, the share that is judged as their own label still."""
    drawn: float
    """Of codes from N(0, I) decoded with a label, the share judged as it."""
    probe: float
    """How often a linear classifier reads the class off codes that it did not learn from."""
    slant: tuple[float, float]
    """Correlation of the slant of clean pictures and of their codes' under every label, mean over the labels; and the
    same within classes: less the mean of the class."""
    stroke_width: tuple[float, float]
    """The same of the width of strokes."""
    retold: np.ndarray
    """uint8 [N, labels, C, H, W]: the pictures under every label."""


def conditioning(
    model: Model,
    judge: Judge,
    x_alt: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    labels: np.ndarray,
    measured: int | None = None,
    seed: int = 0,
) -> Conditioning:
    """Measure how a conditional model uses its label, on pictures that it did not learn from.

    Args:
        model: a CVAE, its classes called by their numbers (`Model.by_number`).
        x_alt: uint8 [N, C, H, W], altered or clean.
        x: uint8 [N, C, H, W], the clean ones.
        y: int64 [N], their labels.
        labels: [K], those that are told.
        measured: of so many pictures the style is measured, which is slow; None: of all.
        seed: of the codes from N(0, I).
    """
    codes = model.encode(to_float(x_alt).numpy(), y)
    retold = np.stack([_decoded(model, codes, int(label)) for label in labels], 1)
    found = judge(retold.reshape(-1, *x.shape[1:])).reshape(len(x), len(labels))
    told, own = found == labels, labels == y[:, None]
    asked = labels[np.arange(len(x)) % len(labels)]
    normal = torch.randn(len(x), codes.shape[1], generator=torch.Generator().manual_seed(seed)).numpy()
    part = slice(measured)
    styles = {}
    for measure in (slant, stroke_width):
        after = measure(retold[part].reshape(-1, *x.shape[1:])).reshape(-1, len(labels))
        styles[measure] = _kept(measure(x[part]), after, y[part])
    return Conditioning(
        right=_mean(told[own]),
        told=np.array([_mean(told[~own[:, k], k]) for k in range(len(labels))]),
        stayed=_mean((found == y[:, None])[~own]),
        drawn=_mean(judge(_decoded(model, normal, asked)) == asked),
        probe=_probe(codes, y),
        slant=styles[slant],
        stroke_width=styles[stroke_width],
        retold=retold,
    )


def slant(images: np.ndarray) -> np.ndarray:
    """The shear of what pictures uint8 [N, C, H, W] show, by its second moments: across for each down, [N]."""
    weight = _subject(images).astype(np.float64)
    weight /= np.maximum(weight.sum((1, 2), keepdims=True), 1e-9)
    down, across = np.mgrid[: images.shape[2], : images.shape[3]]
    v = down - (weight * down).sum((1, 2))[:, None, None]
    u = across - (weight * across).sum((1, 2))[:, None, None]
    return -(weight * u * v).sum((1, 2)) / np.maximum((weight * v * v).sum((1, 2)), 1e-6)


def stroke_width(images: np.ndarray) -> np.ndarray:
    """Of pictures uint8 [N, C, H, W]: twice the mean distance from skeleton to edge (Castro et al. 2019), in pixels."""
    from skimage.morphology import skeletonize

    widths = []
    for image in _subject(images):
        inside = zoom(image, _FINER, order=1) >= 0.5 * max(1 / 255, image.max())
        distances = distance_transform_edt(inside)[skeletonize(inside)]  # pyright: ignore[reportOptionalSubscript]
        widths.append(2 * distances.mean() / _FINER if len(distances) else 0.0)
    return np.array(widths)


def _subject(images: np.ndarray) -> np.ndarray:
    """How much pictures uint8 [N, C, H, W] differ from their ground: float32 [N, H, W]."""
    return foreground(to_float(images)).abs().mean(1).numpy()


def _decoded(model: Model, codes: np.ndarray, labels: int | np.ndarray) -> np.ndarray:
    return to_uint8(model.decode(codes, labels)).reshape(len(codes), *model.image_shape)


def _kept(before: np.ndarray, after: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Correlation of a measure of pictures [N] and of the same under every label [N, K], plain and within classes."""
    _, own = np.unique(y, return_inverse=True)
    return _correlation(before, after), _correlation(_centred(before, own), _centred(after, own))


def _centred(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Values [N, ...] less the mean of their group [N]."""
    means = np.stack([values[groups == k].mean(0) for k in range(groups.max() + 1)])
    return values - means[groups]


def _correlation(before: np.ndarray, after: np.ndarray) -> float:
    """Mean over the columns that vary; NaN where none does."""
    if before.std() < 1e-9:
        return float("nan")
    return _mean(np.array([np.corrcoef(before, column)[0, 1] for column in after.T if column.std() > 1e-9]))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _probe(codes: np.ndarray, y: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = np.unique(y, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < _FOLDS:
        return float("nan")
    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000, random_state=0))
    return float(cross_val_score(reader, codes, y, cv=_FOLDS).mean())
