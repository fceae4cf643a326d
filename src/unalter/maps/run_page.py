"""From the maps of a run, or of one model and any data, to the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from unalter.data.classes import called
from unalter.data.dataset import Dataset, ImageSet
from unalter.images.convert import to_float, to_uint8
from unalter.images.metrics import ssim
from unalter.maps.contents import MapPage, MappedImages, MapSeries
from unalter.maps.layout import PointMap
from unalter.maps.store import StoredMaps, load_maps
from unalter.maps.viewer import write_viewer
from unalter.models.model import Model, load
from unalter.pairing.pairs import Pairs
from unalter.runs.folder import RunFolder

_BATCH = 2_000


def write_run_page(run: RunFolder, dataset: Dataset, pairs: Pairs) -> bool:
    """Write maps.html of a run: every map of every model so far.

    Reconstructions, errors and neighbours are those of each model's saved weights and last map.

    Returns:
        Whether there was any map to show.
    """
    series: list[MapSeries] = []
    mapped, rows = None, None
    for folder in run.trained():
        files = folder.stored_maps()
        if not files:
            continue
        stored = {epoch: load_maps(path) for epoch, path in files.items()}
        last = stored[max(stored)]
        if mapped is None or rows is None:
            rows = last.rows
            mapped = mapped_images(dataset.altered.rows(rows), dataset.clean.images, pairs.clean[rows])
        stored = {epoch: maps for epoch, maps in stored.items() if np.array_equal(maps.rows, rows)}
        series += _series(load(folder.path), stored, mapped)
    if mapped is None or not series:
        return False
    kind = "pictures" if dataset.regular else "altered pictures"
    facts = (f"{len(mapped.names):,} {kind}", f"{sum(len(one.epochs) for one in series)} maps")
    title = f"{run.path.absolute().name}: maps of the codes"
    write_viewer(run.map_page, MapPage(title, facts, mapped, tuple(series)))
    return True


def write_page(path: Path, model: Model, altered: ImageSet, maps: dict[str, PointMap]) -> None:
    """Write the page of maps of one model's codes of any pictures, whose clean ones are not known."""
    none = np.empty((0, *altered.images.shape[1:]), np.uint8)
    mapped = mapped_images(altered, none, np.full(len(altered), -1))
    stored = {0: StoredMaps(np.arange(len(altered)), altered.labels, maps)}
    title, facts = f"{model.name.upper()}: map of the codes", (f"{len(altered):,} pictures",)
    write_viewer(path, MapPage(title, facts, mapped, tuple(_series(model, stored, mapped))))


def series_name(model: str, kind: str) -> str:
    """AE, VAE means, VAE samples."""
    return model.upper() + {"codes": "", "means": " means", "sampled": " samples"}[kind]


def mapped_images(altered: ImageSet, clean: np.ndarray, partner: np.ndarray) -> MappedImages:
    """The pictures of a page, with just the clean ones that belong to them."""
    known, place = np.unique(partner[partner >= 0], return_inverse=True)
    rows = np.full(len(partner), -1)
    rows[partner >= 0] = place
    return MappedImages(
        altered.names, altered.labels, np.array(altered.images), np.array(clean[known]), rows, altered.label_names
    )


def _series(model: Model, stored: dict[int, StoredMaps], mapped: MappedImages) -> Iterable[MapSeries]:
    x_hat = to_uint8(model.denoise(mapped.x_alt, called(mapped.labels, mapped.label_names)))
    error = errors_of(x_hat, mapped)
    epochs = sorted(stored)
    for kind, last in stored[epochs[-1]].maps.items():
        of = [stored[epoch].maps[kind] for epoch in epochs]
        yield MapSeries(
            series_name(model.name, kind), tuple(epochs), np.stack([one.points for one in of]),
            tuple(one.note for one in of), last.neighbours, error, x_hat,
        )  # fmt: skip


def errors_of(x_hat: np.ndarray, mapped: MappedImages) -> np.ndarray:
    """1 - SSIM, float32 [N]; NaN where the clean picture is not known."""
    result = np.full(len(x_hat), np.nan, np.float32)
    rows = np.flatnonzero(mapped.partner >= 0)
    for part in np.array_split(rows, max(1, len(rows) // _BATCH)):
        clean = mapped.clean[mapped.partner[part]]
        result[part] = 1 - ssim(to_float(x_hat[part]), to_float(clean)).numpy()
    return result
