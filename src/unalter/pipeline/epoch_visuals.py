"""What a person looks at while a model trains: sample pictures and maps, every so many epochs."""

from __future__ import annotations

import time

import numpy as np
import torch

from unalter.data.dataset import Dataset
from unalter.images.convert import to_uint8
from unalter.images.sheet import contact_sheet, write_picture
from unalter.maps.draw import draw_map
from unalter.maps.layout import LEAST_POINTS, PointMap, axes_reach, chosen_rows, map_codes
from unalter.maps.run_page import series_name
from unalter.maps.store import StoredMaps, load_maps, save_maps, stored_extent
from unalter.models.model import Model
from unalter.runs.folder import MODELS, ModelFolder, RunFolder
from unalter.support.console import Console
from unalter.support.files import atomic_write
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler
from unalter.training.trainer import Trainer

_SAMPLES = 20
_EVERY = 10
"""Sample pictures every so many epochs where no maps are asked for."""


class EpochVisuals:
    """Takes samples and maps of one model; they use no randomness of its training and change nothing in it."""

    def __init__(
        self,
        folder: ModelFolder,
        dataset: Dataset,
        sampler: PairSampler,
        options: TrainOptions,
        console: Console,
    ) -> None:
        self._folder = folder
        self._altered = dataset.altered
        self._options = options
        self._console = console
        count = len(sampler.validation)
        rows = torch.linspace(0, count - 1, min(_SAMPLES, count)).long()
        self._x_alt, self._x, self._y = sampler.validation.rows(rows)

    def next_due(self, epoch: int) -> int:
        """The epoch after this one that is looked at next."""
        every = self._options.map_every or _EVERY
        return (epoch // every + 1) * every

    def take(self, trainer: Trainer) -> bool:
        """Write what is due after the trainer's last epoch and not there yet; returns whether anything was."""
        epoch, every = trainer.state.epoch, self._options.map_every
        if not (trainer.state.finished or self.next_due(epoch - 1) == epoch):
            return False
        trainer.save()  # a map can take minutes
        model = Model(trainer.averaged, self._folder.name, next(trainer.averaged.parameters()).device)
        wrote = False
        if not self._folder.samples(epoch).exists():
            self._write_samples(model, epoch)
            wrote = True
        if every and not self._folder.map_points(epoch).exists():
            wrote |= self._write_maps(model, epoch)
        return wrote

    def _write_samples(self, model: Model, epoch: int) -> None:
        x_hat = model.denoise(self._x_alt, self._y)
        altered, output, clean = (to_uint8(part) for part in (self._x_alt, x_hat, self._x))
        with atomic_write(self._folder.sample_arrays(epoch)) as aside, open(aside, "wb") as file:
            np.savez_compressed(file, altered=altered, output=output, clean=clean)
        write_picture(self._folder.samples(epoch), contact_sheet([altered, output, clean]))

    def _write_maps(self, model: Model, epoch: int) -> bool:
        rows = chosen_rows(len(self._altered), self._options.map_points, self._options.seed)
        name, seed = self._folder.name, self._options.seed
        if len(rows) < LEAST_POINTS:
            self._console.say(f"{name}: no map: {len(rows)} pictures are too few for one")
            return False
        start = time.monotonic()
        images, labels = np.array(self._altered.images[rows]), self._altered.labels[rows]
        codes = {"means" if model.network.config.variational else "codes": model.encode(images, labels)}
        if model.network.config.variational:
            codes["sampled"] = model.encode(images, labels, sample=True, seed=seed)
        before = self._maps_before(epoch, rows)
        maps: dict[str, PointMap] = {}
        for kind, values in codes.items():
            # sampled codes begin where the means are, which have been mapped first
            maps[kind] = map_codes(values, labels, seed, before.get(kind) or maps.get("means"), model.device.type)
        stored = StoredMaps(rows, labels, maps)
        self._draw(epoch, stored)
        save_maps(self._folder.map_points(epoch), stored)
        spent = time.monotonic() - start
        self._console.say(f"{name:<4} epoch {epoch:>3}  {len(maps)} map{'s'[: len(maps) > 1]} drawn in {spent:.0f} s")
        return True

    def _draw(self, epoch: int, new: StoredMaps) -> None:
        """Draw maps on the axes of the run's widest; where that is one of them, those of before once more.

        They are stored afterwards: until then a run that is killed has this to do again.
        """
        folders = map(RunFolder(self._folder.path.parent).model, MODELS)
        there = [(folder, at, path) for folder in folders for at, path in folder.stored_maps().items()]
        extents = [stored_extent(path) for _, _, path in there]
        reach = axes_reach([*extents, *(one.extent for one in new.maps.values())])
        if extents and reach > axes_reach(extents):
            for folder, at, path in there:
                self._draw_on(reach, folder, at, load_maps(path))
        self._draw_on(reach, self._folder, epoch, new)

    def _draw_on(self, reach: float, folder: ModelFolder, epoch: int, stored: StoredMaps) -> None:
        for kind, one in stored.maps.items():
            title = f"{series_name(folder.name, kind)}, epoch {epoch}"
            picture = folder.map_picture(epoch, kind == "sampled")
            draw_map(picture, one, stored.labels, title, self._altered.label_names, reach)

    def _maps_before(self, epoch: int, rows: np.ndarray) -> dict[str, PointMap]:
        """The maps that new ones go on from: of the latest epoch before, where it mapped the same pictures."""
        earlier = [path for other, path in self._folder.stored_maps().items() if other < epoch]
        stored = load_maps(earlier[-1]) if earlier else None
        return stored.maps if stored is not None and np.array_equal(stored.rows, rows) else {}
