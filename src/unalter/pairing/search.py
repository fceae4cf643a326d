"""Which clean picture each altered one looks to have come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter import KeyedDraws, Recipe, fold_in
from unalter.alter.alteration import Alteration
from unalter.alter.geometric import Resampled
from unalter.alter.kinds.invert import Invert
from unalter.alter.recipe import Branch
from unalter.images.convert import to_float, to_uint8
from unalter.pairing.alignment import Poses, align, downsample, grey_foreground, spread_out
from unalter.pairing.inversion import RecipeInverter
from unalter.pairing.matcher import Matcher
from unalter.pairing.options import DEFAULTS, PairingOptions, fewer
from unalter.support.parallel import parallel_map
from unalter.support.processes import ALONE, Processes
from unalter.support.progress import ProgressCallback

_ALIGNED = 16
"""Candidates that are aligned once more, at full size, and explained,"""
_KEPT = 3
"""and those that are told of."""
_STARTS = 2
"""Poses that a candidate is aligned from."""
_ALIGN_STEPS = 10
_LIKENESS = 6.0
"""What a cosine of 1 in the matcher's eyes counts beside the logarithm of what alignment leaves unexplained."""
_ROWS = 48
"""Altered pictures at a time, less of large ones; bounds the memory, and the time between two words of progress."""
_EXAMPLES = 256
"""Clean pictures on which it is measured what alterations change, less of large ones."""


@dataclass(frozen=True)
class Candidates:
    """The clean pictures that explain each altered one best."""

    clean: np.ndarray
    """int64 [N, K], best first; -1 where there are fewer"""
    error: np.ndarray
    """float64 [N, K]: the share of the altered picture's energy that is left unexplained; inf where there is none"""


class GallerySearch:
    """Search a gallery of clean pictures for the origins of pictures altered by one chain of alterations.

    Args:
        images: uint8 [N, C, H, W], the gallery.
        labels: int64 [N]; only pictures of the same label are compared.
        steps: the alterations, less any blend.
        seed: of everything random.
        options: how thoroughly.
        processes: who share out the altered pictures.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, steps: tuple[Alteration, ...], seed: int,
        options: PairingOptions = DEFAULTS, processes: Processes = ALONE,
    ) -> None:  # fmt: skip
        self._images = torch.from_numpy(np.array(images))
        self._labels = torch.from_numpy(labels)
        self._steps = steps
        self._seed = seed
        self._options = options
        self._processes = processes
        self._inverter = RecipeInverter(
            steps, to_float(self._images[: fewer(_EXAMPLES, self._images.shape)]), options.samples, seed
        )
        self._unsigned = any(isinstance(step, Invert) for step in steps)
        values = [step.fill for step in steps if isinstance(step, Resampled) and isinstance(step.fill, float)]
        self._fill = next((value for value in values if value > 0), None)
        self._foregrounds = grey_foreground(images, self._unsigned)
        self._small = downsample(self._foregrounds)
        self._poses = None
        if self.moves:
            rows = spread_out(self._inverter.homographies, options.poses)
            self._poses = Poses(self._inverter.homographies[rows], self._small)

    @property
    def moves(self) -> bool:
        """Whether the steps move anything."""
        return self._inverter.moves

    @property
    def needs_matcher(self) -> bool:
        """Whether `find` needs a matcher: where things move and some label has more pictures than can be aligned."""
        return self.moves and int(torch.bincount(self._labels).max()) > self._options.shortlist

    def find(
        self, altered: np.ndarray, labels: np.ndarray, matcher: Matcher | None, on_progress: Callable[[int], object],
        without: np.ndarray | None = None,
    ) -> Candidates:  # fmt: skip
        """The best candidates of altered pictures uint8 [M, C, H, W] with labels int64 [M].

        Args:
            matcher: trained on the steps, where one is needed.
            on_progress: called with the number of pictures done, a few at a time.
            without: int64 [M], for each picture a row of the gallery that is no candidate.
        """
        if self.needs_matcher and matcher is None:
            raise ValueError("so many pictures need a matcher")
        likeness_of = self._likeness(matcher)

        def found(part: slice) -> tuple[Tensor, Tensor]:
            others = torch.from_numpy(labels[part])[:, None] != self._labels
            likeness = likeness_of(altered[part]).masked_fill(others, -torch.inf)
            if without is not None:
                likeness[torch.arange(len(likeness)), torch.from_numpy(without[part])] = -torch.inf
            return self._find(altered[part], likeness)

        clean, error = [np.empty((0, _KEPT), np.int64)], [np.empty((0, _KEPT))]
        with parallel_map(self._processes) as run:
            for rows, errors in run(found, _parts(altered)):
                clean.append(rows.numpy())
                error.append(errors.double().numpy())
                on_progress(len(rows))
        return Candidates(np.concatenate(clean), np.concatenate(error))

    def explain(
        self, altered: np.ndarray, clean: np.ndarray, on_progress: Callable[[int], object] = lambda more: None,
        enough: float = 0.0,
    ) -> np.ndarray:  # fmt: skip
        """The error, float64 [M], of altered pictures uint8 [M, C, H, W] explained by one clean row each, int64 [M].

        An error below `enough` may be larger than it need be: it is quicker.
        """

        def explained(part: slice) -> Tensor:
            rows = torch.from_numpy(clean[part])[:, None]
            return self._explain(altered[part], rows, torch.zeros(rows.shape), 2 * _STARTS, enough)[1][:, 0]

        error = [np.empty(0)]
        with parallel_map(self._processes) as run:
            for errors in run(explained, _parts(altered)):
                error.append(errors.double().numpy())
                on_progress(len(errors))
        return np.concatenate(error)

    def imitate(self, rows: np.ndarray) -> np.ndarray:
        """Pictures of the gallery (int64 [M]) altered by the steps, each anew: uint8 [M, C, H, W]."""
        recipe = Recipe("imitation", (Branch(1.0, self._steps),))
        keys = fold_in(self._seed, 3, torch.arange(len(rows)))
        made = recipe(to_float(self._images[torch.from_numpy(rows)]), KeyedDraws(keys))
        return to_uint8(made.numpy())

    def _likeness(self, matcher: Matcher | None) -> Callable[[np.ndarray], Tensor]:
        """How alike altered pictures uint8 [n, C, H, W] and the gallery are, before anything is aligned: [n, N]."""
        if not self.moves:
            copies = F.normalize(self._small.flatten(1), dim=1)
            return lambda altered: (
                F.normalize(downsample(grey_foreground(altered, self._unsigned, self._fill)).flatten(1), dim=1)
                @ copies.T
            )
        if matcher is None:
            return lambda altered: torch.zeros(len(altered), len(self._labels))
        gallery = matcher.embed_clean(self._images.numpy())
        return lambda altered: matcher.embed_altered(altered) @ gallery.T

    def _find(self, altered: np.ndarray, likeness: Tensor) -> tuple[Tensor, Tensor]:
        """Candidates [n, K] and their errors, best first, from likeness [n, N]; row -1 and error inf for none."""
        likeness, rows = likeness.topk(min(self._options.shortlist, len(self._labels)), 1)
        rows, error = self._explain(altered, rows, likeness, _STARTS)
        rows = rows.masked_fill(error == torch.inf, -1)
        missing = _KEPT - rows.shape[1]
        return F.pad(rows, (0, missing), value=-1), F.pad(error, (0, missing), value=torch.inf)

    def _explain(
        self, altered: np.ndarray, rows: Tensor, likeness: Tensor, poses: int, enough: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """The best [n, K'] of the candidates [n, K], best first, and their errors; inf where likeness was -inf.

        The field narrows from step to step: alignment of small copies, of whole ones, explanation.
        """
        copies = grey_foreground(altered, self._unsigned, self._fill)
        if self._poses is None:
            rows, likeness, _ = _narrow(_ALIGNED, -likeness, rows, likeness, rows)
            homographies = torch.eye(3).expand(*rows.shape, 3, 3)
        else:
            starts = self._poses.best(downsample(copies), rows, poses)
            homographies, unexplained = _align(downsample(copies), self._small, rows, starts)
            order = unexplained.log() - _LIKENESS * likeness
            rows, likeness, homographies = _narrow(_ALIGNED, order, rows, likeness, homographies)
            homographies, _ = _align(copies, self._foregrounds, rows, homographies[:, :, None])
        target = to_float(altered)
        clean = to_float(self._images[rows])
        error = self._inverter.explain(clean, target, homographies, likeness > -torch.inf, self._seed, enough)
        rows, error = _narrow(_KEPT, error, rows, error)
        return rows, error


def progress_counter(what: str, total: int, on_progress: ProgressCallback) -> Callable[[int], None]:
    """Tells the share that is done, when it is told how many more are."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        on_progress(what, done / total)

    return count


def _parts(images: np.ndarray) -> list[slice]:
    """Some of pictures [N, C, H, W] at a time."""
    count, each = len(images), fewer(_ROWS, images.shape)
    return [slice(start, min(start + each, count)) for start in range(0, count, each)]


def _align(altered: Tensor, gallery: Tensor, rows: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Align [n, 1, h, w] with the gallery's rows [n, K] from starts [n, K, S, 3, 3]: [n, K, 3, 3] and [n, K]."""
    each = starts.shape[2]
    moved = gallery[rows.repeat_interleave(each, 1)][:, :, 0]
    homographies, unexplained = align(altered, moved, starts.flatten(1, 2), _ALIGN_STEPS)
    unexplained, best = unexplained.unflatten(1, (-1, each)).min(2)
    homographies = homographies.unflatten(1, (-1, each)).take_along_dim(best[:, :, None, None, None], 2)
    return homographies[:, :, 0], unexplained


def _narrow(count: int, order: Tensor, *columns: Tensor) -> list[Tensor]:
    """The `count` entries of each row of [n, K, ...] that are lowest in `order` [n, K]."""
    kept = order.topk(min(count, order.shape[1]), 1, largest=False).indices
    return [column[torch.arange(len(kept))[:, None], kept] for column in columns]
