"""Maps on disk: one npz file an epoch, all kinds of codes of a model in it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from unalter.maps.layout import PointMap
from unalter.support.files import atomic_write


@dataclass(frozen=True)
class StoredMaps:
    """The maps of one model after one epoch."""

    rows: np.ndarray
    """int64 [N], in the sorted altered folder"""
    labels: np.ndarray
    """int64 [N]"""
    maps: dict[str, PointMap]
    """codes; or means and sampled"""


def save_maps(path: Path, stored: StoredMaps) -> None:
    """Write an npz file: `row`, `label`, and of each map `<kind>`, its points, and `<kind>_kl` and so on."""
    values: dict[str, Any] = {"row": stored.rows, "label": stored.labels}
    for kind, one in stored.maps.items():
        values |= {_key(kind, spec.name): getattr(one, spec.name) for spec in fields(PointMap)}
    with atomic_write(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(file, **values)


def load_maps(path: Path) -> StoredMaps:
    """Read what `save_maps` wrote."""
    with np.load(path) as values:
        kinds = [name.removesuffix("_kl") for name in values.files if name.endswith("_kl")]
        maps = {
            kind: PointMap(**{spec.name: _number_or_array(values[_key(kind, spec.name)]) for spec in fields(PointMap)})
            for kind in kinds
        }
        return StoredMaps(values["row"], values["label"], maps)


def stored_extent(path: Path) -> float:
    """The largest `extent` of the maps that `save_maps` wrote; nothing else of them is read."""
    with np.load(path) as values:
        kinds = [name.removesuffix("_kl") for name in values.files if name.endswith("_kl")]
        return max(float(np.abs(values[kind]).max()) for kind in kinds)


def _key(kind: str, field: str) -> str:
    return kind if field == "points" else f"{kind}_{field}"


def _number_or_array(value: np.ndarray) -> Any:
    return value if value.ndim else float(value)
