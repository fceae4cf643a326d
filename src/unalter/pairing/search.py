"""Which clean picture each altered one looks to have come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter import PictureRandom, Recipe, picture_keys
from unalter.alter.operations import Invert, Operation
from unalter.alter.recipe import Branch
from unalter.pairing.alignment import Poses, align, grounded, small, spread_out
from unalter.pairing.explanation import Explainer
from unalter.pairing.matcher import Matcher
from unalter.pictures import to_uint8

_SHORTLIST = 48
"""Candidates that are aligned; the matcher has nine of ten partners among so many."""
_ALIGNED = 16
"""Candidates that are aligned once more, at full size,"""
_EXPLAINED = 3
"""and those that are explained."""
_POSES = 1_000
_STARTS = 2
"""Poses that a candidate is aligned from,"""
_STARTS_EXPLAINED = 6
"""and draws that it is explained from."""
_ALIGN_STEPS = 10
_HOPS = 16
_LIKENESS = 6.0
"""What a cosine of 1 in the matcher's eyes counts beside the logarithm of what alignment leaves unexplained."""
_ROWS = 48
"""Altered pictures at a time; bounds the memory."""


@dataclass(frozen=True)
class Candidates:
    """The clean pictures that explain each altered one best."""

    clean: np.ndarray
    """int64 [N, K], best first; -1 where there are fewer"""
    error: np.ndarray
    """float64 [N, K]: the share of the altered picture's energy that is left unexplained; inf where there is none"""


class Search:
    """Search a gallery of clean pictures for the origins of pictures altered by one sequence of steps.

    Args:
        images: uint8 [N, C, H, W], the gallery.
        labels: int64 [N]; only pictures of the same label are compared.
        steps: the alterations, less any blend.
        seed: of everything random.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, steps: tuple[Operation, ...], seed: int) -> None:
        self._images = torch.from_numpy(np.array(images))
        self._labels = torch.from_numpy(labels)
        self._steps = steps
        self._seed = seed
        self._explainer = Explainer(steps, self._images[:256].float() / 255, seed)
        self._unsigned = any(isinstance(step, Invert) for step in steps)
        self._grounded = grounded(images, self._unsigned)
        self._small = small(self._grounded)
        self._poses = None
        if self.moves:
            rows = spread_out(self._explainer.homographies, _POSES)
            self._poses = Poses(self._explainer.homographies[rows], self._small)

    @property
    def moves(self) -> bool:
        """Whether the steps move anything; then `find` needs a matcher."""
        return self._explainer.moves

    def find(
        self, altered: np.ndarray, labels: np.ndarray, matcher: Matcher | None, on_progress: Callable[[int], object]
    ) -> Candidates:
        """The best candidates of altered pictures uint8 [M, C, H, W] with labels int64 [M].

        Args:
            matcher: trained on the steps; may be left out where they move nothing.
            on_progress: called with the number of pictures done, a few at a time.
        """
        if self.moves and matcher is None:
            raise ValueError("steps that move things need a matcher")
        matcher = matcher if self.moves else None
        gallery = F.normalize(self._small.flatten(1), dim=1)
        if matcher is not None:
            gallery = matcher.embed_clean(self._images.numpy())
        clean, error = [np.empty((0, _EXPLAINED), np.int64)], [np.empty((0, _EXPLAINED))]
        for start in range(0, len(altered), _ROWS):
            part = slice(start, start + _ROWS)
            if matcher is not None:
                places = matcher.embed_altered(altered[part])
            else:
                places = F.normalize(small(grounded(altered[part], self._unsigned)).flatten(1), dim=1)
            rows, errors = self._find(altered[part], torch.from_numpy(labels[part]), places @ gallery.T)
            clean.append(rows.numpy())
            error.append(errors.double().numpy())
            on_progress(len(rows))
        return Candidates(np.concatenate(clean), np.concatenate(error))

    def explain(self, altered: np.ndarray, clean: np.ndarray) -> np.ndarray:
        """The error, float64 [M], of altered pictures uint8 [M, C, H, W] explained by one clean row each, int64 [M]."""
        errors = [torch.empty(0)]
        for start in range(0, len(altered), _ROWS):
            part = slice(start, start + _ROWS)
            rows = torch.from_numpy(clean[part])[:, None]
            errors.append(self._explain(altered[part], rows, torch.zeros(rows.shape), 2 * _STARTS)[1][:, 0])
        return torch.cat(errors).double().numpy()

    def imitate(self, rows: np.ndarray) -> np.ndarray:
        """Pictures of the gallery (int64 [M]) altered by the steps, each anew: uint8 [M, C, H, W]."""
        recipe = Recipe("imitation", (Branch(1.0, self._steps),))
        keys = picture_keys(self._seed, 3, torch.arange(len(rows)))
        made = recipe(self._images[torch.from_numpy(rows)].float() / 255, PictureRandom(keys))
        return to_uint8(made.numpy())

    def _find(self, altered: np.ndarray, labels: Tensor, likeness: Tensor) -> tuple[Tensor, Tensor]:
        """Candidates [n, K] and their errors, best first, from likeness [n, N]; row -1 and error inf for none."""
        likeness = likeness.masked_fill(labels[:, None] != self._labels, -torch.inf)
        likeness, rows = likeness.topk(min(_SHORTLIST, len(self._labels)), 1)
        rows, error = self._explain(altered, rows, likeness, _STARTS)
        error, order = error.sort(1)
        rows = rows.gather(1, order).masked_fill(error == torch.inf, -1)
        missing = _EXPLAINED - rows.shape[1]
        return F.pad(rows, (0, missing), value=-1), F.pad(error, (0, missing), value=torch.inf)

    def _explain(self, altered: np.ndarray, rows: Tensor, likeness: Tensor, poses: int) -> tuple[Tensor, Tensor]:
        """The best [n, K'] of the candidates [n, K], and their errors [n, K']; inf where likeness was -inf.

        The field narrows from step to step: alignment of small copies, of whole ones, explanation.
        """
        copies = grounded(altered, self._unsigned)
        if self._poses is None:
            rows, likeness, _ = _narrow(_ALIGNED, -likeness, rows, likeness, rows)
            homographies = torch.eye(3).expand(*rows.shape, 3, 3)
            error = -likeness
        else:
            starts = self._poses.best(small(copies), rows, poses)
            homographies, left = _align(small(copies), self._small, rows, starts)
            order = left.log() - _LIKENESS * likeness
            rows, likeness, homographies = _narrow(_ALIGNED, order, rows, likeness, homographies)
            homographies, left = _align(copies, self._grounded, rows, homographies[:, :, None])
            error = left.masked_fill(likeness == -torch.inf, torch.inf)
        rows, homographies, error = _narrow(_EXPLAINED, error, rows, homographies, error)
        n, count = rows.shape
        clean = self._images[rows.flatten()].float() / 255
        target = (torch.from_numpy(np.array(altered)).float() / 255).repeat_interleave(count, 0)
        draws = self._explainer.start(clean, target, homographies.flatten(0, 1), _STARTS_EXPLAINED)
        each = draws.shape[1]
        clean, target = clean.repeat_interleave(each, 0), target.repeat_interleave(each, 0)
        found = self._explainer.improve(clean, target, draws.flatten(0, 1), 4)
        found.error[(error == torch.inf).flatten().repeat_interleave(each)] = torch.inf
        best = torch.arange(n) * count * each + found.error.reshape(n, -1).argmin(1)
        fine = self._explainer.improve(clean[best], target[best], found.draws[best], 2, 0.3)
        fine = self._explainer.hop(clean[best], target[best], fine, _HOPS, self._seed)
        found.error[best] = torch.where(found.error[best] < torch.inf, fine.error, torch.inf)
        return rows, found.error.reshape(n, count, each).min(2).values


def _align(altered: Tensor, gallery: Tensor, rows: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Align [n, 1, h, w] with the gallery's rows [n, K] from starts [n, K, S, 3, 3]: [n, K, 3, 3] and [n, K]."""
    n, count, each = starts.shape[:3]
    moved = gallery[rows.flatten().repeat_interleave(each)]
    homographies, left = align(altered.repeat_interleave(count * each, 0), moved, starts.flatten(0, 2), _ALIGN_STEPS)
    left, best = left.reshape(n * count, each).min(1)
    homographies = homographies.reshape(n * count, each, 3, 3)[torch.arange(n * count), best]
    return homographies.reshape(n, count, 3, 3), left.reshape(n, count)


def _narrow(count: int, order: Tensor, *columns: Tensor) -> list[Tensor]:
    """The `count` entries of each row of [n, K, ...] that are lowest in `order` [n, K]."""
    kept = order.topk(min(count, order.shape[1]), 1, largest=False).indices
    return [column[torch.arange(len(kept))[:, None], kept] for column in columns]
