"""`unalter map`: the map of any data under a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.data.classes import called
from unalter.data.dataset import read_altered
from unalter.data.options import AS_FOUND, DataOptions
from unalter.maps.draw import draw_map
from unalter.maps.layout import LEAST_POINTS, chosen_rows, map_codes
from unalter.maps.run_page import series_name, write_page
from unalter.models.model import Model
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
    pictures = read_altered(data, reading, known=model.label_names)
    if model.classes and not pictures.label_names:
        raise InputError(f"{data}: the CVAE needs labels, and these pictures have none; use --model ae or vae")
    rows = chosen_rows(len(pictures), most, seed)
    if len(rows) < LEAST_POINTS:
        raise InputError(f"{data}: {len(rows)} pictures are too few for a map; it takes {LEAST_POINTS}")
    pictures = pictures.rows(rows)
    kind = "means" if model.network.config.variational else "codes"
    codes = model.encode(np.array(pictures.images), called(pictures.labels, pictures.label_names))
    one = map_codes(codes, pictures.labels, seed, device=model.device.type)
    if out.suffix.lower() == ".html":
        write_page(out, model, pictures, {kind: one})
    else:
        draw_map(out, one, pictures.labels, series_name(model.name, kind), pictures.label_names)
    return len(rows)
