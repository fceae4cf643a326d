"""A page's arrays as HTML elements; `viewer/src/page.js` reads them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from unalter.maps.thumbnails import atlases, thumbnail_size

if TYPE_CHECKING:
    from unalter.maps.contents import MapPage, MapSeries

UNKNOWN = 65535
"""A quantised error that is not known."""


def packed_page(page: MapPage, thumbnails: bool) -> Iterator[str]:
    """The elements, one at a time: blocks of base64, most of them gzipped, and the JSON that describes them."""
    mapped = page.images
    classes, label = np.unique(mapped.labels, return_inverse=True)
    yield _zipped("names", json.dumps(list(mapped.names)).encode())
    yield _zipped("label", label.astype("<u2").tobytes())
    yield _zipped("partner", mapped.partner.astype("<i4").tobytes())
    for number, series in enumerate(page.series):
        yield from _packed_series(number, series)
    hats, hat_of = _distinct_reconstructions(page.series)
    kinds = {"altered": mapped.x_alt, "clean": mapped.clean} | {f"hat-{i}": x_hat for i, x_hat in enumerate(hats)}
    total = sum(map(len, kinds.values()))
    size = thumbnail_size(mapped.x_alt.shape[1:], total) if thumbnails else None
    if size is not None:
        for kind, images in kinds.items():
            for number, file in enumerate(atlases(images, size)):
                yield _block(f"{kind}-{number}", file)
    about = {
        "title": page.title,
        "facts": page.facts,
        "count": len(mapped.names),
        "classes": [mapped.label_names[i] if mapped.label_names else str(i) for i in classes.tolist()],
        "thumbnails": size and {"height": size[0], "width": size[1]},
        "kinds": [_described(series, hat) for series, hat in zip(page.series, hat_of, strict=True)],
    }
    yield _element("page", "application/json", json.dumps(about).replace("<", "\\u003c"))


def quantised_points(points: np.ndarray) -> np.ndarray:
    """Points float [E, N, 3] in the cube about them, as uint16: 0 and 65535 are its faces.

    All epochs share the cube, all axes its scale, so shapes stay. Off by half a step at most, 1/131070 of the side.
    """
    low, high = points.min((0, 1)), points.max((0, 1))
    centre, half = (low + high) / 2, max(float((high - low).max()) / 2, np.finfo(np.float32).tiny)
    return np.rint(((points.astype(np.float64) - centre) / half + 1) / 2 * 65535).clip(0, 65535).astype("<u2")


def quantised_errors(error: np.ndarray) -> tuple[np.ndarray, float]:
    """Errors float [N] as uint16, and the error that 65534 stands for; NaN is `UNKNOWN`, less than 0 is 0."""
    known = np.nan_to_num(error, nan=0.0).clip(0)
    most = float(known.max()) or 1.0
    return np.where(np.isnan(error), UNKNOWN, np.rint(known / most * (UNKNOWN - 1))).astype("<u2"), most


def _packed_series(number: int, series: MapSeries) -> Iterator[str]:
    for epoch, points in enumerate(quantised_points(series.points)):
        yield _zipped(f"points-{number}-{epoch}", points.tobytes())
    yield _zipped(f"neighbours-{number}", series.neighbours.astype("<i4").tobytes())
    yield _zipped(f"error-{number}", quantised_errors(series.error)[0].tobytes())


def _described(series: MapSeries, hat: int | None) -> dict[str, Any]:
    return {
        "name": series.name,
        "epochs": [int(epoch) for epoch in series.epochs],
        "notes": series.notes,
        "neighbourCount": series.neighbours.shape[1],
        "errorMost": quantised_errors(series.error)[1],
        "hat": hat,
    }


def _distinct_reconstructions(series: tuple[MapSeries, ...]) -> tuple[list[np.ndarray], list[int | None]]:
    """Reconstructions that differ (samples share those of the means), and which of them each series has."""
    distinct: list[np.ndarray] = []
    places: dict[bytes, int] = {}
    of_series: list[int | None] = []
    for one in series:
        if one.x_hat is None:
            of_series.append(None)
            continue
        key = blake2b(np.ascontiguousarray(one.x_hat).data).digest()
        if key not in places:
            places[key] = len(distinct)
            distinct.append(one.x_hat)
        of_series.append(places[key])
    return distinct, of_series


def _zipped(name: str, data: bytes) -> str:
    return _block(name, gzip.compress(data, 6, mtime=0))


def _block(name: str, data: bytes) -> str:
    return _element(name, "text/plain", base64.b64encode(data).decode())


def _element(name: str, kind: str, text: str) -> str:
    return f'<script id="{name}" type="{kind}">{text}</script>\n'
