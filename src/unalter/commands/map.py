"""`unalter map`: the map of any data under a trained model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unalter.data.dataset import ImageSet, read_altered
from unalter.data.memory import as_pictures
from unalter.data.options import DataOptions
from unalter.maps.draw import draw_map
from unalter.maps.layout import LEAST_POINTS, PointMap, chosen_rows, map_codes
from unalter.maps.run_page import series_name, write_page
from unalter.models.model import Model, as_model
from unalter.models.shape import check_shape
from unalter.support.arguments import as_path, as_seed, as_whole, is_path
from unalter.support.caller import guest
from unalter.support.errors import InputError
from unalter.support.files import check_output

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CodeMap:
    """The map of some pictures' codes."""

    points: np.ndarray
    """float32 [N, 3]"""
    codes: np.ndarray
    """float32 [N, latent]: what was mapped"""
    names: list[str]
    """Of the pictures; of those in memory their rows."""
    labels: list[str] | None
    """Their classes; None where they have none."""
    quality: PointMap
    """How good the map is: its `kl`, `recall` and `accuracy`."""

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        return f"<map of {len(self):,} pictures: {self.quality.note}>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame with the columns name, label, x, y and z."""
        import pandas

        x, y, z = self.points.T
        return pandas.DataFrame({"name": self.names, "label": self.labels, "x": x, "y": y, "z": z})


@guest()
def map(
    run: str | os.PathLike[str] | Model, data: Any, out: str | os.PathLike[str] | None = None, *, labels: Any = None,
    points: int = 0, seed: int = 0, model: str | None = None, device: str | torch.device = "auto", **reading: Any,
) -> CodeMap:  # fmt: skip
    """Map pictures in three dimensions, near codes near one another (codes of an AE, means of a VAE).

    Args:
        run: a run folder, a `Run`, one model's folder, or a `Model`.
        data: a data set with an altered part, a folder or file that holds the pictures itself, or pictures in memory.
        out: a file to write: .png, or .html for a page to move about in; None: nothing is written.
        labels: of pictures in memory, one a picture; of files a CSV file.
        points: map only so many pictures; 0: all.
        seed: of the map.
        model: which of a run: ae, vae or cvae; None: the best on validation.
        device: auto, cpu or cuda.
        reading: other fields of `DataOptions`.

    Raises:
        InputError: the pictures cannot be used, or they are too few; `out` cannot be written.
    """
    path = None if out is None else as_path(out, "out")
    if path is not None:
        if path.suffix.lower() not in (".png", ".html"):
            raise InputError(f"{path}: must end in .png for a picture or in .html for a page")
        check_output(path)
    if is_path(labels):
        reading, labels = {**reading, "labels": labels}, None
    seed, most = as_seed(seed), as_whole(points, "points", 0)
    chosen = as_model(run, model, device)
    where = as_pictures(data, labels)
    pictures = read_altered(where, DataOptions.from_values(reading), known=chosen.label_names)
    check_shape(chosen, pictures.images, where)
    if chosen.classes and not pictures.label_names:
        raise InputError(f"{where}: the CVAE needs labels, and these pictures have none; use --model ae or vae")
    rows = chosen_rows(len(pictures), most, seed)
    if len(rows) < LEAST_POINTS:
        raise InputError(f"{where}: {len(rows)} pictures are too few for a map; it takes {LEAST_POINTS}")
    pictures = pictures.rows(rows)
    codes = chosen.by_number.encode(np.array(pictures.images), pictures.labels)
    made = map_codes(codes, pictures.labels, seed, device=chosen.device.type)
    if path is not None:
        _write(path, chosen, pictures, made)
    names = [pictures.label_names[label] for label in pictures.labels] if pictures.label_names else None
    return CodeMap(made.points, codes, pictures.names, names, made)


def _write(path: Path, model: Model, pictures: ImageSet, made: PointMap) -> None:
    kind = "means" if model.network.config.variational else "codes"
    if path.suffix.lower() == ".html":
        write_page(path, model, pictures, {kind: made})
    else:
        draw_map(path, made, pictures.labels, series_name(model.name, kind), pictures.label_names)
