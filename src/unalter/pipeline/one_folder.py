"""A run on clean pictures alone: each is its own target, or a recipe makes the altered ones."""

from __future__ import annotations

from dataclasses import replace

from unalter.alter import Recipe
from unalter.alter.pictures import alter_pictures
from unalter.data.dataset import Dataset
from unalter.support.errors import InputError
from unalter.training.options import TrainOptions


def check_one_folder(options: TrainOptions) -> None:
    """Refuse options that need altered pictures.

    Raises:
        InputError: a recipe to be fitted to them, or a search for their pairs.
    """
    if options.recipe == "auto":
        raise InputError(
            "there are no altered pictures to learn a recipe from: give them by DATA or --altered; or choose --recipe "
            "none (regular autoencoders: every picture is its own target), or a preset or YAML file that makes them"
        )
    if options.pairing not in ("auto", "trust"):
        raise InputError(f"there are no altered pictures to find pairs of: leave --pairing {options.pairing} out")


def with_made(dataset: Dataset, recipe: Recipe | None, seed: int) -> Dataset:
    """A data set of one folder with an altered picture made of every clean one; any other as it is.

    They are those that `unalter alter` writes with the same recipe and seed; without a recipe the clean ones.
    """
    if recipe is None or not dataset.one_folder:
        return dataset
    images, _ = alter_pictures(dataset.clean.images, dataset.clean.index, recipe, seed)
    return replace(dataset, altered=replace(dataset.clean, images=images))
