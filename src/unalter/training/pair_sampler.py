"""What a step trains on: true pairs and pairs made by altering clean pictures.

Everything random is a function of (seed, epoch, step), so there is no state to save and any step can be
made again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unalter.alter import KeyedDraws, Recipe, find_backgrounds, fold_in
from unalter.alter.backgrounds import win_back
from unalter.data.dataset import Dataset
from unalter.pairing.pairs import Pairs
from unalter.support.errors import InputError

_VALIDATION_KEY = 2**40
"""Stands where an epoch stands in the keys of validation pictures; no epoch is as large."""
_SAME = 0.02
"""Two pictures that differ by a smaller share of their energy are the same one."""
_AT_ONCE = 1_000
"""Pictures that are compared at a time; bounds the memory."""


@dataclass(frozen=True)
class Batch:
    """Pairs on the device."""

    x_alt: Tensor
    """float32 [N, C, H, W] in 0..1"""
    x: Tensor
    """float32 [N, C, H, W] in 0..1"""
    y: Tensor
    """int64 [N]"""
    homography: Tensor
    """float32 [M, 3, 3]: how the last M pictures, those made here, were moved (see `Recipe.apply_with_homography`)"""


class PairSampler:
    """All pairs that a training can draw, uint8 on the device.

    Clean pictures are split once, by seed, into training and validation; an altered picture goes where its
    clean one goes. Blended pictures without partner give what was blended, to be altered like clean pictures.

    Args:
        folders: the data set.
        pairs: its true pairs.
        recipe: what further pairs are made with; None: true pairs only.
        true_pairs: the share of a batch that is true pairs, where there are both.
        unblend: alter also what blended pictures show without their background.
        identity_fraction: the share of the made pairs that are left unaltered.
        validation: the share of the clean pictures that is kept for validation.

    Raises:
        InputError: nothing to train on, or too few clean pictures to split.
    """

    def __init__(
        self,
        dataset: Dataset,
        pairs: Pairs,
        recipe: Recipe | None,
        *,
        true_pairs: float,
        unblend: bool,
        identity_fraction: float,
        validation: float,
        seed: int,
        device: torch.device,
    ) -> None:
        clean = len(dataset.clean)
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
            raise InputError("no true pair is left to validate on; give more pairs, a recipe, or a larger --validation")
        if recipe is None:
            self._share = 1.0
        else:
            self._share = true_pairs if len(self._paired_training) else 0.0
        self.label_names = dataset.label_names
        """Of the classes, by label; empty where pictures have no labels."""
        self._recipe = recipe
        self._identity_fraction = identity_fraction
        self._seed = seed
        self.device = device
        clean_images, labels = dataset.altered.images[:0], dataset.altered.labels[:0]
        if unblend and recipe is not None:
            clean_images, labels = _won_back(dataset, pairs, self._clean_validation)
        self._sources = np.concatenate([self._clean_training, clean + np.arange(len(clean_images))])
        self._clean = torch.tensor(np.concatenate([dataset.clean.images, clean_images])).to(device)
        self._altered = torch.tensor(dataset.altered.images).to(device)
        self._labels = torch.from_numpy(np.concatenate([dataset.clean.labels, labels])).to(device)

    @property
    def pictures(self) -> int:
        """Pictures an epoch has: as many as there are altered ones."""
        return len(self._altered)

    @property
    def moves(self) -> bool:
        """Whether the recipe moves things, so that pictures have a pose."""
        return self._recipe is not None and self._recipe.moves

    @property
    def clean_images(self) -> tuple[Tensor, Tensor]:
        """The clean pictures that train, with those won back: uint8 [N, C, H, W], and their labels int64 [N]."""
        rows = torch.from_numpy(self._sources)
        return self._clean[rows], self._labels[rows]

    def epoch(self, epoch: int, batch_size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The plan of one epoch: for every step the rows of true pairs (altered) and of pictures to alter (clean).

        Steps have `batch_size` pictures or a few more, so that no picture is dropped and none is left alone.
        """
        steps = max(1, self.pictures // batch_size)
        sizes = np.diff(np.linspace(0, self.pictures, steps + 1).round().astype(int))
        true = np.diff(np.rint(sizes.cumsum() * self._share), prepend=0).astype(int)
        rng = np.random.default_rng([self._seed, 1, epoch])
        altered = _cycled(rng, self._paired_training, int(true.sum()))
        clean = _cycled(rng, self._sources, int((sizes - true).sum()))
        cut_altered, cut_clean = true.cumsum()[:-1], (sizes - true).cumsum()[:-1]
        return list(zip(np.split(altered, cut_altered), np.split(clean, cut_clean), strict=True))

    def batch(self, plan: tuple[np.ndarray, np.ndarray], epoch: int, step: int) -> Batch:
        """The pictures of one step of a plan."""
        altered, clean = plan
        keys = fold_in(self._seed, epoch, step, torch.arange(len(clean)))
        return self._make(altered, clean, keys, self._identity_fraction)

    def validation(self) -> Batch:
        """Every true pair of a validation digit, and every validation digit altered once, always the same."""
        clean = self._clean_validation if self._recipe is not None else np.empty(0, np.int64)
        keys = fold_in(self._seed, _VALIDATION_KEY, torch.from_numpy(clean))
        return self._make(self._paired_validation, clean, keys, identity_fraction=0.0)

    def validation_groups(self) -> list[str]:
        """How each validation picture was altered: `true pair`, or the alterations of the recipe's branch."""
        groups = ["true pair"] * len(self._paired_validation)
        if self._recipe is not None:
            keys = fold_in(self._seed, _VALIDATION_KEY, torch.from_numpy(self._clean_validation))
            groups += [self._recipe.branches[i].title for i in self._recipe.branch_index(KeyedDraws(keys)).tolist()]
        return groups

    def _make(self, altered: np.ndarray, clean: np.ndarray, keys: Tensor, identity_fraction: float) -> Batch:
        true_rows = torch.from_numpy(altered).to(self.device)
        partner = torch.from_numpy(self._partner[altered]).to(self.device)
        made_rows = torch.from_numpy(clean).to(self.device)
        x_alt = _unit(self._altered[true_rows])
        homography = torch.empty(0, 3, 3, device=self.device)
        if self._recipe is not None and len(clean):
            x = _unit(self._clean[made_rows])
            made, homography = self._recipe.apply_with_homography(x, KeyedDraws(keys.to(self.device)))
            left = round(identity_fraction * len(clean))  # the order is random: the first are as good as any
            made[:left], homography[:left] = x[:left], torch.eye(3, device=self.device)
            x_alt = torch.cat([x_alt, made])
        rows = torch.cat([partner, made_rows])
        return Batch(x_alt, _unit(self._clean[rows]), self._labels[rows], homography)


def _won_back(dataset: Dataset, pairs: Pairs, validation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was blended in altered pictures without partner uint8 [K, C, H, W], and its labels int64 [K].

    Less what looks like a validation picture (rows `validation` of the clean ones), whatever its name.
    """
    found = find_backgrounds(dataset.altered.images)
    if found is None:
        return dataset.altered.images[:0], dataset.altered.labels[:0]
    rows, clean_images = win_back(dataset.altered.images, found)
    alone = pairs.clean[rows] < 0
    rows, clean_images = rows[alone], clean_images[alone]
    own = torch.from_numpy(clean_images).flatten(1)
    held = torch.from_numpy(np.array(dataset.clean.images[validation])).float().flatten(1)
    new = torch.cat([_far(some.float(), held) for some in own.split(_AT_ONCE)]).numpy()
    return clean_images[new], dataset.altered.labels[rows[new]]


def _far(own: Tensor, held: Tensor) -> Tensor:
    """Which of the pictures float32 [N, P] look like none of those held: bool [N]."""
    return torch.cdist(own, held).amin(1) ** 2 > _SAME * own.square().sum(1)


def _unit(pixels: Tensor) -> Tensor:
    return pixels.float() / 255


def _cycled(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of `rows` in random order, each as often as any other, give or take one."""
    rounds = -(-count // max(1, len(rows)))
    shuffled = [rng.permutation(rows) for _ in range(rounds)]
    return np.concatenate([*shuffled, np.empty(0, np.int64)])[:count]
