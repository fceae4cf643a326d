"""Pictures and charts as they stand in a page: data URIs and SVG."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup, escape

_LARGEST = 64
"""Pixels of a side that a picture is shown with; larger ones are made smaller."""
_GAP = 2
_STILL = 880
"""Pixels across a map is shown with."""


@dataclass(frozen=True)
class Image:
    """A picture for an `img` element."""

    uri: str
    width: int
    height: int


def sheet(rows: Sequence[np.ndarray]) -> Image:
    """Pictures side by side, what is between them transparent.

    Args:
        rows: uint8 [N, C, H, W] each, of one shape but for N.
    """
    rows = [shown(row) for row in rows if len(row)]
    height, width = rows[0].shape[2:]
    columns = max(map(len, rows))
    canvas = np.zeros((len(rows) * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 4), np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            place = canvas[r * (height + _GAP) :, c * (width + _GAP) :][:height, :width]
            place[..., :3] = picture.transpose(1, 2, 0)
            place[..., 3] = 255
    grey = np.array_equal(canvas[..., 0], canvas[..., 1]) and np.array_equal(canvas[..., 0], canvas[..., 2])
    return _encoded(canvas[..., [0, 3]] if grey else canvas, "PNG")


def shown(images: np.ndarray) -> np.ndarray:
    """uint8 [N, C, H, W], made smaller where they are large."""
    from skimage.transform import resize

    height, width = images.shape[2:]
    if max(height, width) <= _LARGEST:
        return images
    scale = _LARGEST / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    smaller = [np.asarray(resize(one, (len(one), *size), anti_aliasing=True, preserve_range=True)) for one in images]
    return np.stack(smaller).astype(np.uint8)


def still(path: Path) -> Image:
    """A map's PNG file, smaller."""
    from PIL import Image as Pillow

    with Pillow.open(path) as picture:
        height = round(picture.height * _STILL / picture.width)
        return _encoded(np.asarray(picture.convert("RGB").resize((_STILL, height))), "WEBP", quality=82)


def _encoded(pixels: np.ndarray, kind: str, **how: object) -> Image:
    from PIL import Image as Pillow

    content = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(content, format=kind, **how)
    text = base64.b64encode(content.getvalue()).decode()
    return Image(f"data:image/{kind.lower()};base64,{text}", pixels.shape[1], pixels.shape[0])


def line_chart(title: str, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], digits: int) -> Markup:
    """Curves over epochs as SVG; a curve's name is the class of its colour.

    Args:
        title: what the curves are of.
        curves: by name, epochs and values.
        digits: after the point, of the values.
    """
    from matplotlib.ticker import MaxNLocator

    width, height, left, right, top, bottom = 400, 250, 46, 12, 30, 30
    xs = np.concatenate([np.asarray(x, float) for x, _ in curves.values()])
    ys = np.concatenate([np.asarray(y, float) for _, y in curves.values()])
    x_ticks = MaxNLocator(6, integer=True).tick_values(xs.min(), max(xs.max(), xs.min() + 1))
    y_ticks = MaxNLocator(5).tick_values(ys.min(), ys.max() if ys.max() > ys.min() else ys.min() + 1)
    low_x, high_x = xs.min(), max(xs.max(), xs.min() + 1)
    low_y, high_y = y_ticks[0], y_ticks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        across = left + (x - low_x) / (high_x - low_x) * (width - left - right)
        return across, height - bottom - (y - low_y) / (high_y - low_y) * (height - top - bottom)

    decimals = len(f"{y_ticks[1] - y_ticks[0]:.9f}".rstrip("0").partition(".")[2])
    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
        f'<text class="title" x="{left}" y="16">{escape(title)}</text>',
    ]
    for tick in y_ticks:
        _, y = at(low_x, tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 3.5:.1f}" text-anchor="end">{tick:.{decimals}f}</text>')
    for tick in x_ticks:
        if low_x <= tick <= high_x:
            x, _ = at(tick, low_y)
            parts.append(f'<text x="{x:.1f}" y="{height - 12}" text-anchor="middle">{tick:g}</text>')
    for name, (epochs, values) in curves.items():
        places = [at(x, y) for x, y in zip(epochs, values, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="curve {escape(name)}" points="{line}"/>')
        for (x, y), epoch, value in zip(places, epochs, values, strict=True):
            said = f"{name.upper()}, epoch {epoch:g}: {value:.{digits}f}"
            parts.append(
                f'<circle class="dot {escape(name)}" cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{said}</title></circle>'
            )
    return Markup("".join([*parts, "</svg>"]))
