"""What a step trains on: true pairs and pairs made by altering clean pictures.

Everything random is a function of (seed, epoch, step), so there is no state to save and any step can be
made again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unalter.alter import PictureRandom, Recipe, find_backgrounds, picture_keys
from unalter.alter.backgrounds import win_back
from unalter.data import Folders
from unalter.errors import InputError
from unalter.pairing import Pairs

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
    """float32 [M, 3, 3]: how the last M pictures, those made here, were moved (see `Recipe.traced`)"""


class PairSource:
    """All pairs that a training can draw, uint8 on the device.

    Clean pictures are split once, by seed, into training and validation; an altered picture goes where its
    clean one goes. Blended pictures without partner give what was blended, to be altered like clean pictures.

    Args:
        folders: the data set.
        pairs: its true pairs.
        recipe: what further pairs are made with; None: true pairs only.
        true_pairs: the share of a batch that is true pairs, where there are both.
        won_back: alter also what is won back from blends.
        untouched: the share of the made pairs that are left unaltered.
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
        true_pairs: float,
        won_back: bool,
        untouched: float,
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
            raise InputError("no true pair is left to validate on; give more pairs, a recipe, or a larger --validation")
        if recipe is None:
            self._share = 1.0
        else:
            self._share = true_pairs if len(self._paired_training) else 0.0
        self.label_names = folders.label_names
        """Of the classes, by label; empty where pictures have no labels."""
        self._recipe = recipe
        self._untouched = untouched
        self._seed = seed
        self.device = device
        subjects, labels = folders.altered.images[:0], folders.altered.labels[:0]
        if won_back and recipe is not None:
            subjects, labels = _won_back(folders, pairs, self._clean_validation)
        self._sources = np.concatenate([self._clean_training, clean + np.arange(len(subjects))])
        self._clean = torch.tensor(np.concatenate([folders.clean.images, subjects])).to(device)
        self._altered = torch.tensor(folders.altered.images).to(device)
        self._labels = torch.from_numpy(np.concatenate([folders.clean.labels, labels])).to(device)

    @property
    def pictures(self) -> int:
        """Pictures an epoch has: as many as there are altered ones."""
        return len(self._altered)

    @property
    def moves(self) -> bool:
        """Whether the recipe moves things, so that pictures have a pose."""
        return self._recipe is not None and self._recipe.moves

    @property
    def subjects(self) -> tuple[Tensor, Tensor]:
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
        keys = picture_keys(self._seed, epoch, step, torch.arange(len(clean)))
        return self._make(altered, clean, keys, self._untouched)

    def validation(self) -> Batch:
        """Every true pair of a validation digit, and every validation digit altered once, always the same."""
        clean = self._clean_validation if self._recipe is not None else np.empty(0, np.int64)
        keys = picture_keys(self._seed, _VALIDATION_KEY, torch.from_numpy(clean))
        return self._make(self._paired_validation, clean, keys, untouched=0.0)

    def validation_groups(self) -> list[str]:
        """How each validation picture was altered: `true pair`, or the alterations of the recipe's branch."""
        groups = ["true pair"] * len(self._paired_validation)
        if self._recipe is not None:
            keys = picture_keys(self._seed, _VALIDATION_KEY, torch.from_numpy(self._clean_validation))
            groups += [self._recipe.branches[i].title for i in self._recipe.taken(PictureRandom(keys)).tolist()]
        return groups

    def _make(self, altered: np.ndarray, clean: np.ndarray, keys: Tensor, untouched: float) -> Batch:
        true_rows = torch.from_numpy(altered).to(self.device)
        partner = torch.from_numpy(self._partner[altered]).to(self.device)
        made_rows = torch.from_numpy(clean).to(self.device)
        x_alt = _unit(self._altered[true_rows])
        homography = torch.empty(0, 3, 3, device=self.device)
        if self._recipe is not None and len(clean):
            x = _unit(self._clean[made_rows])
            made, homography = self._recipe.traced(x, PictureRandom(keys.to(self.device)))
            left = round(untouched * len(clean))  # the order is random: the first are as good as any
            made[:left], homography[:left] = x[:left], torch.eye(3, device=self.device)
            x_alt = torch.cat([x_alt, made])
        rows = torch.cat([partner, made_rows])
        return Batch(x_alt, _unit(self._clean[rows]), self._labels[rows], homography)


def _won_back(folders: Folders, pairs: Pairs, validation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was blended in altered pictures without partner uint8 [K, C, H, W], and its labels int64 [K].

    Less what looks like a validation picture (rows `validation` of the clean ones), whatever its name.
    """
    found = find_backgrounds(folders.altered.images)
    if found is None:
        return folders.altered.images[:0], folders.altered.labels[:0]
    rows, subjects = win_back(folders.altered.images, found)
    alone = pairs.clean[rows] < 0
    rows, subjects = rows[alone], subjects[alone]
    own = torch.from_numpy(subjects).flatten(1)
    held = torch.from_numpy(np.array(folders.clean.images[validation])).float().flatten(1)
    new = torch.cat([_far(some.float(), held) for some in own.split(_AT_ONCE)]).numpy()
    return subjects[new], folders.altered.labels[rows[new]]


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
