"""A training of one model on altered shipped digits, for benchmarks of a step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from unalter.alter import load_recipe
from unalter.data.dataset import Dataset, ImageSet
from unalter.data.digits import load_digits
from unalter.nn import Architecture
from unalter.pairing.names import pair_by_name
from unalter.runs.folder import ModelFolder
from unalter.support.errors import Interrupted
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler
from unalter.training.stop import StopRequest
from unalter.training.trainer import Trainer

KINDS = {"ae": {}, "vae": {"variational": True}, "cvae": {"variational": True, "classes": 10, "obedient": True}}


def new_trainer(kind: str, options: TrainOptions, steps: int, folder: Path, device: torch.device) -> Trainer:
    """A trainer of the default net whose epochs have so many steps."""
    images, labels = load_digits("train")
    count = steps * options.batch_size
    dataset = Dataset(_part(images, labels, min(count, len(images))), _part(images, labels, count))
    sampler = PairSampler(
        dataset, pair_by_name(dataset), load_recipe("altered-mnist", (1, 28, 28)), true_pairs=options.true_pairs,
        unblend=False, identity_fraction=options.identity_fraction, validation=options.validation, seed=0,
        device=device,
    )  # fmt: skip
    shape = Architecture(28, 28, latent=options.latent, pose=True, **KINDS[kind])
    return Trainer(ModelFolder(folder / kind), shape, options, sampler, "none", resume=False, device=device)


def take_steps(trainer: Trainer, count: int, after: Callable[[int], object]) -> None:
    """So many steps of the first epoch, which has more; `after` is told how many are done."""

    def on_step(trainer: Trainer) -> None:
        after(trainer.state.total_steps)
        if trainer.state.total_steps == count:
            raise Interrupted

    try:
        trainer.run_epoch(on_step, StopRequest())
    except Interrupted:
        return
    raise AssertionError("the epoch was too short")


def _part(images: np.ndarray, labels: np.ndarray, count: int) -> ImageSet:
    rows = np.arange(count) % len(images)
    names = [f"x_{i}_{label}.png" for i, label in enumerate(labels[rows])]
    return ImageSet(images[rows][:, None], np.arange(count), labels[rows], names)
