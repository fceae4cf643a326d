"""`unalter map`: the map of any data under a trained model, or their places in a run's own map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.data.dataset import ImageSet, read_altered
from unalter.data.options import AS_FOUND, DataOptions
from unalter.maps.draw import Placed, draw_map
from unalter.maps.layout import LEAST_POINTS, chosen_rows, map_codes, place_codes, placed_accuracy
from unalter.maps.run_page import series_name, write_page
from unalter.maps.store import load_maps
from unalter.models.files import find_model
from unalter.models.model import Model, load
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.runs.folder import RunFolder
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.support.files import check_output


def map_data(model: Model, data: Path, out: Path, most: int = 0, seed: int = 0, reading: DataOptions = AS_FOUND) -> int:
    """Map a data set's altered pictures (codes of an AE, means of a VAE) into `out`, a PNG or an HTML page.

    Args:
        model: what encodes.
        data: a data set with an altered part, or a folder or file that holds the pictures itself.
        out: ends in .png, or in .html for a page to move about in.
        most: map only so many pictures; 0: all.
        seed: of the map.
        reading: how pictures are read.

    Returns:
        How many pictures were mapped.

    Raises:
        InputError: the folder or its pictures cannot be used, or they are too few; `out` cannot be written.
    """
    if out.suffix.lower() not in (".png", ".html"):
        raise InputError(f"{out}: must end in .png for a picture or in .html for a page")
    check_output(out)
    pictures = _pictures(model, data, reading, most, seed)
    if len(pictures) < LEAST_POINTS:
        raise InputError(f"{data}: {len(pictures)} pictures are too few for a map; it takes {LEAST_POINTS}")
    kind = _kind(model)
    codes = model.encode(np.array(pictures.images), pictures.labels)
    one = map_codes(codes, pictures.labels, seed, device=model.device.type)
    if out.suffix.lower() == ".html":
        write_page(out, model, pictures, {kind: one})
    else:
        draw_map(out, one, pictures.labels, series_name(model.name, kind), pictures.label_names)
    return len(pictures)


def map_onto(
    run: Path, new: Path, out: Path, name: str | None = None, device: str = "auto", data: Path | None = None,
    most: int = 0, seed: int = 0, reading: DataOptions = AS_FOUND,
) -> tuple[int, str]:  # fmt: skip
    """Draw new pictures in the last map that a run has of a model; the map stays as it is.

    Args:
        run: the run folder, or the folder of one of its models.
        new: as `map_data`'s `data`; one picture will do.
        out: ends in .png.
        name: which model: ae, vae or cvae; None: the best on validation.
        device: auto, cpu or cuda.
        data: what the run was trained on, where that lies elsewhere now.
        most: place only so many pictures; 0: all.
        seed: of their choice.
        reading: how the new pictures are read.

    Returns:
        How many pictures were placed, and the name of the model.

    Raises:
        InputError: pictures cannot be used; the run has no map, or not its data; `out` cannot be written.
    """
    if out.suffix.lower() != ".png":
        raise InputError(f"{out}: new pictures are drawn in a run's map as a picture; give a name that ends in .png")
    check_output(out)
    folder = find_model(run, name)
    stored = folder.stored_maps()
    if not stored:
        raise InputError(f"{folder.path}: has no map to place pictures in; leave --onto out, or train with --map-every")
    settings = saved_settings(RunFolder(folder.path.parent), data, {})
    model = load(folder.path, device=device)
    pictures = _pictures(model, new, reading, most, seed)
    trained = saved_experiment(RunFolder(folder.path.parent), *settings, Console(quiet=True)).dataset.altered
    epoch = max(stored)
    maps, kind = load_maps(stored[epoch]), _kind(model)
    mapped, one = trained.rows(maps.rows), maps.maps[kind]
    old, codes = (model.encode(np.array(part.images), part.labels) for part in (mapped, pictures))
    points = place_codes(codes, old, one)
    labels = pictures.labels if pictures.label_names else None
    note = f"{len(points):,} new"
    if labels is not None and len(np.unique(maps.labels)) > 1:
        note += f", label 5-NN accuracy {placed_accuracy(points, labels, one.points, maps.labels):.3f}"
    title = f"{series_name(model.name, kind)}, epoch {epoch}: new pictures in the map"
    draw_map(out, one, maps.labels, title, trained.label_names, placed=Placed(points, labels, note))
    return len(points), model.name


def _pictures(model: Model, data: Path, reading: DataOptions, most: int, seed: int) -> ImageSet:
    pictures = read_altered(data, reading, known=model.label_names)
    if model.classes and not pictures.label_names:
        raise InputError(f"{data}: the CVAE needs labels, and these pictures have none; use --model ae or vae")
    return pictures.rows(chosen_rows(len(pictures), most, seed))


def _kind(model: Model) -> str:
    """Of the codes that are mapped."""
    return "means" if model.network.config.variational else "codes"
