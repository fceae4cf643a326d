"""`unalter map`: the map of any data under a trained model, or their places in a run's own map."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unalter.data.dataset import ImageSet, read_altered
from unalter.data.memory import InMemory, as_pictures
from unalter.data.options import DataOptions
from unalter.maps.draw import Placed, draw_map
from unalter.maps.layout import LEAST_POINTS, PointMap, chosen_rows, map_codes, place_codes, placed_accuracy
from unalter.maps.run_page import series_name, write_page
from unalter.maps.store import load_maps
from unalter.models.files import find_model
from unalter.models.model import Model, as_model, load
from unalter.models.shape import check_shape
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.runs.folder import RunFolder
from unalter.support.arguments import as_path, as_seed, as_whole, is_path
from unalter.support.caller import guest
from unalter.support.console import Console
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
    pictures = _pictures(chosen, where, reading, most, seed)
    if len(pictures) < LEAST_POINTS:
        raise InputError(f"{where}: {len(pictures)} pictures are too few for a map; it takes {LEAST_POINTS}")
    codes = chosen.by_number.encode(np.array(pictures.images), pictures.labels)
    made = map_codes(codes, pictures.labels, seed, device=chosen.device.type)
    if path is not None:
        _write(path, chosen, pictures, made)
    names = [pictures.label_names[label] for label in pictures.labels] if pictures.label_names else None
    return CodeMap(made.points, codes, pictures.names, names, made)


def _write(path: Path, model: Model, pictures: ImageSet, made: PointMap) -> None:
    kind = _kind(model)
    if path.suffix.lower() == ".html":
        write_page(path, model, pictures, {kind: made})
    else:
        draw_map(path, made, pictures.labels, series_name(model.name, kind), pictures.label_names)


@guest()
def map_onto(
    run: str | os.PathLike[str], new: Any, out: str | os.PathLike[str], data: str | os.PathLike[str] | None = None, *,
    labels: Any = None, points: int = 0, seed: int = 0, model: str | None = None, device: str | torch.device = "auto",
    **reading: Any,
) -> tuple[int, str]:  # fmt: skip
    """Draw new pictures in the last map that a run has of a model; the map stays as it is.

    Args:
        run: the run folder, or the folder of one of its models.
        new: as `data` of `map`; one picture will do.
        out: ends in .png.
        data: what the run was trained on, where that lies elsewhere now.
        labels: of pictures in memory, one a picture; of files a CSV file.
        points: place only so many pictures; 0: all.
        seed: of their choice.
        model: ae, vae or cvae; None: the best on validation.
        device: auto, cpu or cuda.
        reading: how the new pictures are read, fields of `DataOptions`.

    Returns:
        How many pictures were placed, and the name of the model.

    Raises:
        InputError: pictures cannot be used; the run has no map, or not its data; `out` cannot be written.
    """
    path = as_path(out, "out")
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: new pictures are drawn in a run's map as a picture; give a name that ends in .png")
    check_output(path)
    if is_path(labels):
        reading, labels = {**reading, "labels": labels}, None
    folder = find_model(run, model)
    stored = folder.stored_maps()
    if not stored:
        raise InputError(f"{folder.path}: has no map to place pictures in; leave --onto out, or train with --map-every")
    of_run = RunFolder(folder.path.parent)
    settings = saved_settings(of_run, None if data is None else as_path(data, "data"), {})
    chosen = load(folder.path, device=device)
    where = as_pictures(new, labels)
    pictures = _pictures(chosen, where, reading, as_whole(points, "points", 0), as_seed(seed))
    trained = saved_experiment(of_run, *settings, Console(quiet=True)).dataset.altered
    epoch = max(stored)
    maps, kind = load_maps(stored[epoch]), _kind(chosen)
    mapped, one = trained.rows(maps.rows), maps.maps[kind]
    old, codes = (chosen.by_number.encode(np.array(part.images), part.labels) for part in (mapped, pictures))
    places = place_codes(codes, old, one)
    told = pictures.labels if pictures.label_names else None
    note = f"{len(places):,} new"
    if told is not None and len(np.unique(maps.labels)) > 1:
        note += f", label 5-NN accuracy {placed_accuracy(places, told, one.points, maps.labels):.3f}"
    title = f"{series_name(chosen.name, kind)}, epoch {epoch}: new pictures in the map"
    draw_map(path, one, maps.labels, title, trained.label_names, placed=Placed(places, told, note))
    return len(places), chosen.name


def _pictures(model: Model, where: Path | InMemory, reading: dict[str, Any], most: int, seed: int) -> ImageSet:
    """Those to map, `most` of them (0: all), that the model takes."""
    pictures = read_altered(where, DataOptions.from_values(reading), known=model.label_names)
    check_shape(model, pictures.images, where)
    if model.classes and not pictures.label_names:
        raise InputError(f"{where}: the CVAE needs labels, and these pictures have none; use --model ae or vae")
    return pictures.rows(chosen_rows(len(pictures), most, seed))


def _kind(model: Model) -> str:
    """Of the codes that are mapped."""
    return "means" if model.network.config.variational else "codes"
