"""What a step trains on: name pairs and pairs made by altering clean pictures.

Everything random is a function of (seed, epoch, step), so there is no state to save and any step can be
made again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unalter.alter import PictureRandom, Recipe, picture_keys
from unalter.data import Folders
from unalter.errors import InputError
from unalter.pairing import Pairs

_VALIDATION_KEY = 2**40
"""Stands where an epoch stands in the keys of validation pictures; no epoch is as large."""


@dataclass(frozen=True)
class Batch:
    """Pairs on the device."""

    x_alt: Tensor
    """float32 [N, C, H, W] in 0..1"""
    x: Tensor
    """float32 [N, C, H, W] in 0..1"""
    y: Tensor
    """int64 [N]"""


class PairSource:
    """All pairs that a training can draw, uint8 on the device.

    Clean pictures are split once, by seed, into training and validation; an altered picture goes where its
    clean one goes. Pictures without partner train nothing here.

    Args:
        folders: the data set.
        pairs: its true pairs.
        recipe: what further pairs are made with; None: true pairs only.
        name_pairs: the share of a batch that is true pairs, where there are both.
        validation: the share of the clean pictures that is kept for validation.

    Raises:
        InputError: nothing to train on, or too few clean pictures to split.
    """

    def __init__(
        self,
        folders: Folders,
        pairs: Pairs,
        recipe: Recipe | None,
        *,
        name_pairs: float,
        validation: float,
        seed: int,
        device: torch.device,
    ) -> None:
        clean = len(folders.clean)
        if clean < 2:
            raise InputError("the clean folder has one picture; training needs at least two, one of them to validate")
        kept = min(max(1, round(validation * clean)), clean - 1)
        order = np.random.default_rng([seed, 0]).permutation(clean)
        self._clean_validation = np.sort(order[:kept])
        self._clean_training = np.sort(order[kept:])
        is_validation = np.zeros(clean, bool)
        is_validation[self._clean_validation] = True
        paired = pairs.altered
        self._partner = pairs.clean
        held = is_validation[pairs.clean[paired]]
        self._paired_training, self._paired_validation = paired[~held], paired[held]
        if recipe is None and len(self._paired_training) == 0:
            raise InputError("no altered picture has its clean one here, and no recipe was given to make pairs with")
        if recipe is None and len(self._paired_validation) == 0:
            raise InputError("no name pair is left to validate on; give more pairs, a recipe, or a larger --validation")
        if recipe is None:
            self._share = 1.0
        else:
            self._share = name_pairs if len(self._paired_training) else 0.0
        self._recipe = recipe
        self._seed = seed
        self._device = device
        self._clean = torch.tensor(folders.clean.images).to(device)
        self._altered = torch.tensor(folders.altered.images).to(device)
        self._labels = torch.from_numpy(folders.clean.labels).to(device)

    @property
    def pictures(self) -> int:
        """Pictures an epoch has: as many as there are altered ones."""
        return len(self._altered)

    def epoch(self, epoch: int, batch_size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The plan of one epoch: for every step the rows of name pairs (altered) and of pictures to alter (clean).

        Steps have `batch_size` pictures or a few more, so that no picture is dropped and none is left alone.
        """
        steps = max(1, self.pictures // batch_size)
        sizes = np.diff(np.linspace(0, self.pictures, steps + 1).round().astype(int))
        true = np.diff(np.rint(sizes.cumsum() * self._share), prepend=0).astype(int)
        rng = np.random.default_rng([self._seed, 1, epoch])
        altered = _cycled(rng, self._paired_training, int(true.sum()))
        clean = _cycled(rng, self._clean_training, int((sizes - true).sum()))
        cut_altered, cut_clean = true.cumsum()[:-1], (sizes - true).cumsum()[:-1]
        return list(zip(np.split(altered, cut_altered), np.split(clean, cut_clean), strict=True))

    def batch(self, plan: tuple[np.ndarray, np.ndarray], epoch: int, step: int) -> Batch:
        """The pictures of one step of a plan."""
        altered, clean = plan
        return self._make(altered, clean, picture_keys(self._seed, epoch, step, torch.arange(len(clean))))

    def validation(self) -> Batch:
        """Every name pair of a validation digit, and every validation digit altered once, always the same."""
        clean = self._clean_validation if self._recipe is not None else np.empty(0, np.int64)
        keys = picture_keys(self._seed, _VALIDATION_KEY, torch.from_numpy(clean))
        return self._make(self._paired_validation, clean, keys)

    def _make(self, altered: np.ndarray, clean: np.ndarray, keys: Tensor) -> Batch:
        true_rows = torch.from_numpy(altered).to(self._device)
        partner = torch.from_numpy(self._partner[altered]).to(self._device)
        made_rows = torch.from_numpy(clean).to(self._device)
        x_alt = _unit(self._altered[true_rows])
        if self._recipe is not None and len(clean):
            made = self._recipe(_unit(self._clean[made_rows]), PictureRandom(keys.to(self._device)))
            x_alt = torch.cat([x_alt, made])
        rows = torch.cat([partner, made_rows])
        return Batch(x_alt, _unit(self._clean[rows]), self._labels[rows])


def _unit(pixels: Tensor) -> Tensor:
    return pixels.float() / 255


def _cycled(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of `rows` in random order, each as often as any other, give or take one."""
    rounds = -(-count // max(1, len(rows)))
    shuffled = [rng.permutation(rows) for _ in range(rounds)]
    return np.concatenate([*shuffled, np.empty(0, np.int64)])[:count]
