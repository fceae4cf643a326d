"""What a run trains on and how."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from unalter.alter import Recipe
from unalter.data.dataset import Dataset
from unalter.data.memory import InMemory
from unalter.data.options import DataOptions
from unalter.nn import Architecture, widths_for
from unalter.pairing.pairs import Pairs
from unalter.pipeline.prepare import content_hash
from unalter.runs.folder import RunFolder
from unalter.support.processes import ALONE, Processes
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler

_OF_A_CLASS = 10
"""Components of the prior where each class has one. (10: more varied digits than with 4, and more of them right.)"""


@dataclass(frozen=True)
class Experiment:
    """The data of a run, read, what was learned from them, and its options."""

    run: RunFolder
    data: Path | InMemory | None
    """None where `reading` says where both parts lie, or the clean one, which is alone then."""
    reading: DataOptions
    options: TrainOptions
    dataset: Dataset
    recipe: Recipe | None
    """What further pairs are made with; None: there are true pairs only."""
    pairs: Pairs

    def sampler(self, device: torch.device, processes: Processes = ALONE) -> PairSampler:
        """The pairs that a training draws."""
        names = ("true_pairs", "unblend", "identity_fraction", "validation", "seed")
        given = {name: getattr(self.options, name) for name in names}
        return PairSampler(self.dataset, self.pairs, self.recipe, **given, device=device, processes=processes)

    def architecture(self, model: str) -> Architecture:
        """Of one model."""
        channels, height, width = self.dataset.clean.images.shape[1:]
        widths = widths_for(height, width)
        classes = self.dataset.classes if model == "cvae" else 0
        return Architecture(
            height=height,
            width=width,
            channels=channels,
            latent=self.options.latent,
            variational=model != "ae",
            classes=classes,
            obedient=classes > 0,
            components=_OF_A_CLASS if classes else Architecture.components,
            widths=widths,
            encoder_blocks=(1,) * len(widths),
            decoder_blocks=(1,) * len(widths),
            pose=self.recipe is not None and self.recipe.moves,
        )

    def fingerprint(self) -> str:
        """A hash of the data, wherever they lie, and of the run's pairs and recipe with its backgrounds."""
        digest = hashlib.sha256(content_hash(self.dataset).encode())
        for path in (self.run.pairs, self.run.recipe, *sorted(self.run.backgrounds.glob("*.png"))):
            digest.update(path.read_bytes() if path.is_file() else b"none")
        return digest.hexdigest()

    def summary(self) -> list[str]:
        """What a person wants to know of it before it begins, in lines."""
        dataset = self.dataset
        size = " x ".join(map(str, dataset.clean.images.shape[:-3:-1]))
        classes = f"{dataset.classes} classes" if dataset.classes else "no labels"
        counts = f"{len(dataset.clean):,} clean"
        if not dataset.one_folder:
            counts += f" and {len(dataset.altered):,} altered"
        lines = [f"{counts} pictures of {size} pixels, {classes}", self.pairs.summary()]
        if self.recipe is not None:
            lines.append(self.recipe.summary())
        elif not dataset.one_folder:
            lines.append("no recipe: training on true pairs only")
        return lines


def split_options(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options by name as those of `DataOptions`, and the others."""
    known = {spec.name for spec in fields(DataOptions)}
    of_data = {name: value for name, value in values.items() if name in known}
    return of_data, {name: value for name, value in values.items() if name not in known}
