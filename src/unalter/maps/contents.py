"""What a page of maps shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unalter.support.errors import InputError


@dataclass(frozen=True)
class MappedImages:
    """The pictures whose codes are mapped."""

    names: Sequence[str]
    labels: np.ndarray
    """int64 [N]; all the same where there are no labels"""
    x_alt: np.ndarray
    """uint8 [N, C, H, W], C is 1 or 3"""
    clean: np.ndarray
    """uint8 [M, C, H, W]: the known clean pictures, each once"""
    partner: np.ndarray
    """int64 [N]: the row in `clean`, -1 where it is not known"""
    label_names: Sequence[str] = ()
    """Of the classes, by label; without them labels are called by their numbers."""


@dataclass(frozen=True)
class MapSeries:
    """The maps of one kind of code over the epochs, in common axes."""

    name: str
    """As the reader sees it: AE, VAE means, VAE samples."""
    epochs: tuple[int, ...]
    """Ascending."""
    points: np.ndarray
    """float32 [E, N, 3]"""
    notes: tuple[str, ...]
    """What is said of each map, [E]."""
    neighbours: np.ndarray
    """int32 [N, K]: the nearest in code space after the last epoch, nearest first, without the picture itself"""
    error: np.ndarray
    """float32 [N]: 1 - SSIM of the reconstruction against the clean picture, NaN where that is not known"""
    x_hat: np.ndarray | None = None
    """uint8 [N, C, H, W]: the reconstructions after the last epoch; series may share one array"""


@dataclass(frozen=True)
class MapPage:
    """What one page shows."""

    title: str
    facts: tuple[str, ...]
    """Said in the line below the title."""
    images: MappedImages
    series: tuple[MapSeries, ...]


def check_page(page: MapPage) -> None:
    """Refuse a page whose arrays do not belong together.

    Raises:
        InputError: says which array, what was expected and what came.
    """
    mapped = page.images
    count = len(mapped.names)
    if count == 0 or not page.series:
        raise InputError("a page of maps needs at least one picture and one series")
    shape = mapped.x_alt.shape[1:]
    _expect("x_alt", mapped.x_alt, (count, *shape[:3]), "u")
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise InputError(f"x_alt: expected pictures of 1 or 3 channels, [N, C, H, W], got {list(mapped.x_alt.shape)}")
    _expect("labels", mapped.labels, (count,), "iu")
    if mapped.label_names:
        _expect_rows("labels", mapped.labels, 0, len(mapped.label_names))
    _expect("clean", mapped.clean, (len(mapped.clean), *shape), "u")
    _expect("partner", mapped.partner, (count,), "iu")
    _expect_rows("partner", mapped.partner, -1, len(mapped.clean))
    for series in page.series:
        name, epochs = series.name, len(series.epochs)
        if epochs == 0 or any(a >= b for a, b in zip(series.epochs, series.epochs[1:], strict=False)):
            raise InputError(f"{name}: expected ascending epochs, at least one, got {list(series.epochs)}")
        if len(series.notes) != epochs:
            raise InputError(f"{name}: expected a note for each of {epochs} epochs, got {len(series.notes)}")
        _expect(f"{name}: points", series.points, (epochs, count, 3), "f")
        if not np.isfinite(series.points).all():
            raise InputError(f"{name}: points that are not finite cannot be shown")
        _expect(f"{name}: neighbours", series.neighbours, (count, (*series.neighbours.shape, 0)[1]), "iu")
        _expect_rows(f"{name}: neighbours", series.neighbours, 0, count)
        _expect(f"{name}: error", series.error, (count,), "f")
        if series.x_hat is not None:
            _expect(f"{name}: x_hat", series.x_hat, mapped.x_alt.shape, "u")


def _expect(name: str, array: np.ndarray, shape: tuple[int, ...], kinds: str) -> None:
    if array.shape != shape or array.dtype.kind not in kinds or (kinds == "u" and array.dtype != np.uint8):
        kind = {"u": "uint8", "f": "floats", "iu": "integers"}[kinds]
        raise InputError(f"{name}: expected {kind} of shape {list(shape)}, got {array.dtype} {list(array.shape)}")


def _expect_rows(name: str, rows: np.ndarray, least: int, end: int) -> None:
    if rows.size and (rows.min() < least or rows.max() >= end):
        raise InputError(f"{name}: expected rows from {least} to {end - 1}, got {rows.min()} to {rows.max()}")
