"""What a step trains on: true pairs and pairs made by altering clean pictures.

Everything random is a function of (seed, epoch, step), so there is no state to save and any step can be
made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from unalter.alter import KeyedDraws, Recipe, fold_in
from unalter.data.dataset import Dataset
from unalter.images.convert import to_float
from unalter.pairing.pairs import Pairs
from unalter.support.processes import ALONE, Processes
from unalter.training.split import Split

_VALIDATION_KEY = 2**40
"""Stands where an epoch stands in the keys of validation pictures; no epoch is as large."""
_SAME = 0.02
"""Two pictures that differ by a smaller share of their energy are the same one."""
_AT_ONCE = 1_000
"""Pictures that are compared, or altered for validation, at a time; bounds the memory."""

Step = tuple[np.ndarray, np.ndarray]
"""What a step trains on, int64: rows of true pairs (altered), and of pictures to alter (clean)."""
PlacedStep = tuple[Tensor, Tensor]
"""The same on the device."""


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
    labels: Tensor
    """int64: of the whole batch, where processes have a share of it each; else y"""
    made: int
    """So many pictures of the whole batch are made here."""


@dataclass(frozen=True)
class ValidationSet:
    """Pairs that are always the same, on the device, in the 256 values that they have anyway."""

    x_alt: Tensor
    """uint8 [N, C, H, W]"""
    x: Tensor
    """uint8 [N, C, H, W]"""
    y: Tensor
    """int64 [N]"""

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, which: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some of the pairs (rows int64 [M]) as numpy: x_alt and x float32 in 0..1 [M, C, H, W], y [M]."""
        which = which.to(self.y.device)
        x_alt, x = (to_float(part[which]).cpu().numpy() for part in (self.x_alt, self.x))
        return x_alt, x, self.y[which].cpu().numpy()

    def parts(self, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The pairs, `size` at a time: x_alt and x float32 in 0..1, y."""
        for x_alt, x, y in zip(self.x_alt.split(size), self.x.split(size), self.y.split(size), strict=True):
            yield to_float(x_alt), to_float(x), y


class PairSampler:
    """All pairs that a training can draw, uint8 on the device.

    Clean pictures are split once, by seed, into training and validation; an altered picture goes where its
    clean one goes. Blended pictures without partner give what was blended, to be altered like clean pictures.

    Args:
        dataset: the data set.
        pairs: its true pairs.
        recipe: what further pairs are made with; None: true pairs only.
        true_pairs: the share of a batch that is true pairs, where there are both.
        unblend: alter also what blended pictures show without their background.
        identity_fraction: the share of the made pairs that are left unaltered.
        validation: the share of the clean pictures that is kept for validation.
        seed: of everything random.
        device: where the pictures are kept and altered.
        processes: who have a share each of a batch.

    Raises:
        InputError: see `Split`.
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
        processes: Processes = ALONE,
    ) -> None:
        self._split = Split(len(dataset.clean), pairs, validation, seed, needs_true_pairs=recipe is None)
        self._share = 1.0 if recipe is None else true_pairs if len(self._split.paired_training) else 0.0
        self.label_names = dataset.label_names
        """Of the classes, by label; empty where pictures have no labels."""
        self.device = device
        """Where batches are made."""
        self._partner = torch.from_numpy(pairs.clean).to(device)
        self._recipe = None if recipe is None else recipe.to(device)
        self._identity_fraction = identity_fraction
        self._seed = seed
        self._processes = processes
        shown, labels = dataset.altered.images[:0], dataset.altered.labels[:0]
        if unblend and recipe is not None and not dataset.one_folder:
            shown, labels = _unblended(dataset, pairs, recipe, self._split.clean_validation)
        self._clean_training = np.concatenate([self._split.clean_training, len(dataset.clean) + np.arange(len(shown))])
        self._clean = torch.tensor(np.concatenate([dataset.clean.images, shown])).to(device)
        self._altered = torch.tensor(dataset.altered.images).to(device)
        self._labels = torch.from_numpy(np.concatenate([dataset.clean.labels, labels])).to(device)

    @property
    def clean_images(self) -> tuple[Tensor, Tensor]:
        """The clean pictures that train, with those unblended: uint8 [N, C, H, W], and their labels int64 [N]."""
        rows = torch.from_numpy(self._clean_training).to(self.device)
        return self._clean[rows], self._labels[rows]

    def plan(self, epoch: int, batch_size: int) -> list[Step]:
        """One epoch.

        All steps are alike: of `batch_size` pictures or a few more, as many in each, so that no altered picture is one
        too many, and with as many true pairs, one at the least where there are any. So an epoch is as many pictures
        as there are altered ones, or a few more.
        """
        count = len(self._altered)
        steps = max(1, count // batch_size)
        size = -(-count // steps)
        true = round(size * self._share)
        if 0 < self._share < 1:
            true = min(max(true, 1), size - 1)
        rng = np.random.default_rng([self._seed, 1, epoch])
        altered = _cycled(rng, self._split.paired_training, steps * true).reshape(steps, true)
        clean = _cycled(rng, self._clean_training, steps * (size - true)).reshape(steps, size - true)
        return list(zip(altered, clean, strict=True))

    def placed(self, plan: list[Step]) -> list[PlacedStep]:
        """The steps of a plan on the device: brought there at once, so that no step has to be."""
        parts = (torch.from_numpy(np.stack(rows)).to(self.device).unbind() for rows in zip(*plan, strict=True))
        return list(zip(*parts, strict=True))

    def batch(self, plan: Step | PlacedStep, epoch: int, step: int) -> Batch:
        """The pictures of one step of a plan, or this process's share of them."""
        altered, clean = (torch.as_tensor(rows, device=self.device) for rows in plan)
        keys = fold_in(self._seed, epoch, step, torch.arange(len(clean), device=self.device))
        left = round(self._identity_fraction * len(clean))
        if self._processes.world == 1:
            return self._make(altered, clean, keys, left)
        share, true = self._processes.share, len(altered)
        batch = self._make(share(altered), share(clean, true), share(keys, true), len(share(range(left), true)))
        rows = torch.cat([self._partner[altered], clean])
        return replace(batch, labels=self._labels[rows], made=len(clean))

    @cached_property
    def validation(self) -> ValidationSet:
        """Every true pair of a validation digit, and every validation digit altered once."""
        true, made = (
            torch.from_numpy(rows).to(self.device)
            for rows in (self._split.paired_validation, self._altered_for_validation)
        )
        parts = []
        for start in range(0, len(true), _AT_ONCE):
            parts.append(self._make(true[start : start + _AT_ONCE], made[:0], self._validation_keys(made[:0]), 0))
        for start in range(0, len(made), _AT_ONCE):
            rows = made[start : start + _AT_ONCE]
            parts.append(self._make(true[:0], rows, self._validation_keys(rows), 0))
        x_alt = torch.cat([_to_bytes(part.x_alt) for part in parts])
        x = torch.cat([_to_bytes(part.x) for part in parts])
        return ValidationSet(x_alt, x, torch.cat([part.y for part in parts]))

    def validation_groups(self) -> list[str]:
        """How each validation picture was altered: `true pair`, or the alterations of the recipe's branch."""
        groups = ["true pair"] * len(self._split.paired_validation)
        if self._recipe is not None:
            draws = KeyedDraws(self._validation_keys(torch.from_numpy(self._altered_for_validation)))
            groups += [self._recipe.branches[i].title for i in self._recipe.branch_index(draws).tolist()]
        return groups

    @property
    def _altered_for_validation(self) -> np.ndarray:
        """Rows of clean pictures."""
        return self._split.clean_validation if self._recipe is not None else np.empty(0, np.int64)

    def _validation_keys(self, rows: Tensor) -> Tensor:
        return fold_in(self._seed, _VALIDATION_KEY, rows)

    def _make(self, altered: Tensor, clean: Tensor, keys: Tensor, left: int) -> Batch:
        rows = torch.cat([self._partner[altered], clean])
        x, x_alt = to_float(self._clean[rows]), to_float(self._altered[altered])
        homography = torch.empty(0, 3, 3, device=self.device)
        if self._recipe is not None and len(clean):
            originals = x[len(altered) :]
            made, homography = self._recipe.apply_with_homography(originals, KeyedDraws(keys))
            if left:  # unaltered: the order is random, the first are as good as any
                made[:left], homography[:left] = originals[:left], torch.eye(3, device=self.device)
            x_alt = torch.cat([x_alt, made])
        y = self._labels[rows]
        return Batch(x_alt, x, y, homography, y, len(homography))


def sampler_memory(dataset: Dataset, validation: float) -> int:
    """Bytes that the pairs of a training take, about: all pictures, those to validate on, and a part at work on."""
    an_image = dataset.clean.images[:1].nbytes
    held = len(dataset.clean) + len(dataset.altered)
    at_work = 8 * 4 * _AT_ONCE  # some eight arrays of float32
    return int(an_image * (held + 2 * validation * held + at_work))


def _to_bytes(x: Tensor) -> Tensor:
    """Multiples of 1/255 as the uint8 that they are."""
    return (x * 255).round().to(torch.uint8)


def _unblended(dataset: Dataset, pairs: Pairs, recipe: Recipe, validation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was blended in altered pictures without partner uint8 [K, C, H, W], and its labels int64 [K].

    Less what looks like a validation picture (rows `validation` of the clean ones), whatever its name.
    """
    unblended = recipe.unblend(dataset.altered.images)
    alone = pairs.clean[unblended.rows] < 0
    rows, images = unblended.rows[alone], unblended.images[alone]
    own = torch.from_numpy(images).flatten(1)
    held = torch.from_numpy(np.array(dataset.clean.images[validation])).float().flatten(1)
    new = torch.cat(
        [torch.empty(0, dtype=torch.bool), *(_far(some.float(), held) for some in own.split(_AT_ONCE))]
    ).numpy()
    return images[new], dataset.altered.labels[rows[new]]


def _far(own: Tensor, held: Tensor) -> Tensor:
    """Which of the pictures float32 [N, P] look like none of those held: bool [N]."""
    return torch.cdist(own, held).amin(1) ** 2 > _SAME * own.square().sum(1)


def _cycled(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of `rows` in random order, each as often as any other, give or take one."""
    rounds = -(-count // max(1, len(rows)))
    shuffled = [rng.permutation(rows) for _ in range(rounds)]
    return np.concatenate([*shuffled, np.empty(0, np.int64)])[:count]
