"""Analysis by synthesis: the draws of a chain of alterations that turn a clean picture into an altered one.

For a true pair there are draws with which the chain gives the altered picture almost exactly; for another clean
picture there are none. They are found by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963), with differences
for derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from unalter.alter.alteration import Alteration
from unalter.pairing.alignment import corners
from unalter.pairing.forward_model import ForwardModel, foreground_energy
from unalter.pairing.options import fewer

_NEAREST = 16
"""Random draws that are tried as starts: those that move things alike,"""
_SCREENED = 12
"""or, where nothing moves, the first ones, so many for each number that can be chosen."""
_AT_ONCE = 32
"""Candidates whose starts are tried at a time, less of large pictures; bounds the memory."""
_MATCHING_STEPS, _MATCHING_DIFFERENCE, _MATCHING_DAMPING = 3, 0.02, 1e-3
"""Gauss-Newton steps by which such draws are made to move things as they should."""
_STARTS = 6
"""Draws that each candidate is explained from."""
_HOPS, _NOISY_HOPS = 24, 4
"""Where there is noise, no pair is ever explained wholly, so nothing would end the hops early."""
_HOPELESS, _PATIENCE, _NEARLY = 0.03, 0.85, 0.003
"""What hops has an error below the first, times the second with every hop, but not below the third; else another
picture is meant."""
_EXPLAINED = 3e-4
"""Errors below it are the rounding of grey values and the last fraction of a degree."""
_BEYOND = 0.02
"""Draws may leave 0..1 by so much: a full turn has no end, and fitted ranges are not exact."""


@dataclass(frozen=True)
class Inversion:
    """How well, and with which draws, clean pictures become altered ones."""

    draws: Tensor
    """float32 [n, D]"""
    error: Tensor
    """float32 [n]: squared error over the energy of the foreground of the altered picture; 0 is exact"""


class RecipeInverter:
    """Explains altered pictures by one chain of alterations (see `ForwardModel`).

    Args:
        steps: the alterations.
        examples: float32 [N, C, H, W] in 0..1, clean pictures; sizes of differences are measured on them.
        samples: how many random draws to choose starts from.
        seed: of these.
    """

    def __init__(self, steps: tuple[Alteration, ...], examples: Tensor, samples: int, seed: int) -> None:
        self._model = ForwardModel(steps, examples, samples, seed)
        self.smoothed = self._model.smoothed
        self.homographies = self._model.homography(self._model.samples)
        """How things move with each of the random draws, [samples, 3, 3]."""
        self._corners = corners(self.homographies)
        self.moves = bool((self._corners - self._corners[0]).abs().max() > 1e-6)
        """Whether these alterations move anything."""

    def explain(
        self, clean: Tensor, altered: Tensor, homography: Tensor, possible: Tensor, seed: int, enough: float = 0.0
    ) -> Tensor:
        """How much of altered pictures [n, C, H, W] their candidates leave unexplained: float32 [n, K].

        The field narrows from round to round; what was given up keeps the error that it had by then.

        Args:
            clean: the candidates, float32 [n, K, C, H, W].
            homography: what moves them about as the altered one, float32 [n, K, 3, 3].
            possible: bool [n, K]; the error of other candidates is infinite.
            seed: of the hops.
            enough: pictures with a candidate whose error is below it are not explained any better. Not heeded where
                there is noise, as it is never wholly explained.
        """
        n, count = possible.shape
        model = self._model
        enough = 0.0 if model.noisy else enough
        fine = (altered - self.smoothed(altered)).square().sum((1, 2, 3)).clamp_min(1e-6)
        altered = self.smoothed(altered)
        start = self.initial_draws(clean.flatten(0, 1), _repeat(altered, count), homography.flatten(0, 1), _STARTS)
        each = start.error.shape[1]
        error = start.error.reshape(n, -1).masked_fill(~possible.repeat_interleave(each, 1), torch.inf)
        draws = start.draws.reshape(n, count * each, -1)
        candidate = torch.arange(count).repeat_interleave(each).expand(n, -1)
        least = error.reshape(n, count, each).min(2).values
        hops = _HOPS if model.noise < _NEARLY else _NOISY_HOPS
        rounds = [  # so many starts of a picture go on, those whose error is below a limit
            (12, 0.3, partial(self.improve, steps=2)),
            (4, 0.1, partial(self.improve, steps=3)),
            (2, 0.05, partial(self.improve, steps=2, fineness=0.3)),
            (2, _HOPELESS, partial(self.basin_hop, hops=hops, seed=seed, enough=enough)),
        ]
        for kept, limit, better in rounds:
            best = error.topk(min(kept, error.shape[1]), 1, largest=False).indices
            error, draws, candidate = (column[torch.arange(n)[:, None], best] for column in (error, draws, candidate))
            unexplained = least.min(1, keepdim=True).values >= enough
            row, place = ((error < limit + model.noise) & unexplained).nonzero(as_tuple=True)
            found = better(
                clean[row, candidate[row, place]], altered[row], Inversion(draws[row, place], error[row, place])
            )
            draws[row, place], error[row, place] = found.draws, found.error
            least.scatter_reduce_(1, candidate, error, "amin")
        # noise is not equally strong in all pictures: what smoothing took away says how much of it there is
        return least * (foreground_energy(altered) / fine)[:, None] if model.noisy else least

    def initial_draws(self, clean: Tensor, altered: Tensor, homography: Tensor, count: int) -> Inversion:
        """The best of a few draws that move things as `homography` [n, 3, 3]: draws [n, count, D], error [n, count].

        The altered pictures, here and below, are as `smoothed` gives them.
        """
        if self.moves:
            target = corners(homography)
            near = torch.cdist(target, self._corners).topk(_NEAREST, 1, largest=False).indices
            tried = self._match_corners(self._model.samples[near].flatten(0, 1), _repeat(target, _NEAREST))
        else:
            near = torch.arange(max(1, _SCREENED * len(self._model.numbers))).expand(len(clean), -1)
            tried = self._model.samples[near].flatten(0, 1)
        each = near.shape[1]
        at_once = fewer(_AT_ONCE, clean.shape)
        errors = [
            self._synthesize(_repeat(some, each), _repeat(their, each), draws)[1]
            for some, their, draws in zip(
                clean.split(at_once), altered.split(at_once), tried.split(at_once * each), strict=True
            )
        ]
        error = torch.cat(errors).reshape(len(clean), each)
        error, best = error.topk(min(count, each), 1, largest=False)
        draws = tried.reshape(len(clean), each, -1)[torch.arange(len(clean))[:, None], best]
        return Inversion(draws, error / foreground_energy(altered)[:, None])

    def _match_corners(self, draws: Tensor, target: Tensor) -> Tensor:
        """Draws [n, D] changed so that corners come to lie at the target [n, 8], as nearly as they can."""
        numbers, count = self._model.moving, len(self._model.moving)
        for _ in range(_MATCHING_STEPS):
            signed = torch.where(draws[:, numbers] > 0.5, -_MATCHING_DIFFERENCE, _MATCHING_DIFFERENCE)
            shifted = draws[:, None].repeat(1, count + 1, 1)
            shifted[:, torch.arange(count), numbers] += signed
            lying = corners(self._model.homography(shifted.flatten(0, 1))).reshape(len(draws), count + 1, 8)
            slope = (lying[:, :count] - lying[:, count:]) / signed[:, :, None]
            square = slope @ slope.transpose(1, 2) + _MATCHING_DAMPING * torch.eye(count)
            toward = slope @ (target - lying[:, count])[:, :, None]
            draws = draws.clone()
            draws[:, numbers] = (draws[:, numbers] + torch.linalg.solve(square, toward).squeeze(2)).clamp(0, 1)
        return draws

    def improve(self, clean: Tensor, altered: Tensor, start: Inversion, steps: int, fineness: float = 1.0) -> Inversion:
        """Gauss-Newton steps; `fineness` scales the differences, smaller ones later on."""
        numbers, draws, target = self._model.numbers, start.draws, altered.flatten(1)
        made, error = self._synthesize(clean, altered, draws)
        damping = torch.full((len(clean),), 0.01)
        differences = self._model.differences * fineness
        for _ in range(steps if len(numbers) else 0):
            slope = self._model.slopes(clean, draws, made, differences)
            square = slope @ slope.transpose(1, 2)
            toward = (slope @ (made - target)[:, :, None]).squeeze(2)
            diagonal = torch.diagonal(square, dim1=1, dim2=2)
            scale = diagonal + 1e-3 * diagonal.mean(1, keepdim=True)
            before = error
            origin = draws
            for factor in (0.1, 1.0, 10.0):
                damped = square + torch.diag_embed((factor * damping)[:, None] * scale + 1e-6)
                change = -torch.linalg.solve(damped, toward).clamp(-4, 4) * differences
                tried = origin.clone()
                tried[:, numbers] = (origin[:, numbers] + change).clamp(-_BEYOND, 1 + _BEYOND)
                draws, made, error = self._keep_better(clean, target, tried, draws, made, error)
            damping = torch.where(error < before, damping * 0.5, damping * 6).clamp(1e-5, 1e3)
        return Inversion(draws, error / foreground_energy(altered))

    def basin_hop(
        self, clean: Tensor, altered: Tensor, start: Inversion, hops: int, seed: int, enough: float = 0.0
    ) -> Inversion:
        """Go on from a random place near the best so far, again and again (basin hopping, Wales and Doye 1997).

        It gets over the jumps that sampling the nearest pixel makes. What is explained already (`enough`), or not at
        all, is left as it is.
        """
        numbers, draws, error = self._model.numbers, start.draws.clone(), start.error.clone()
        generator = torch.Generator().manual_seed(seed)
        for k in range(hops if len(numbers) else 0):
            limit = self._model.noise + max(_HOPELESS * _PATIENCE**k, _NEARLY)
            open_ = torch.nonzero((error > max(_EXPLAINED, enough)) & (error < limit)).squeeze(1)
            if len(open_) == 0:
                break
            noise = torch.randn(len(open_), len(numbers), generator=generator)
            tried = draws[open_]
            tried[:, numbers] += noise * self._model.differences
            found = self.improve(clean[open_], altered[open_], Inversion(tried, error[open_]), 3, 0.3)
            better = found.error < error[open_]
            draws[open_[better]], error[open_[better]] = found.draws[better], found.error[better]
        return Inversion(draws, error)

    def _keep_better(
        self, clean: Tensor, target: Tensor, tried: Tensor, draws: Tensor, made: Tensor, error: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        new, new_error = self._synthesize(clean, target, tried)
        better = new_error < error
        row = better[:, None]
        return torch.where(row, tried, draws), torch.where(row, new, made), torch.where(better, new_error, error)

    def _synthesize(self, clean: Tensor, altered: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        """What draws make of clean pictures, [n, pixels], and the squared error of it, [n]."""
        made = self.smoothed(self._model.apply(clean, draws)).flatten(1)
        return made, (made - altered.flatten(1)).square().sum(1)


def _repeat(x: Tensor, times: int) -> Tensor:
    return x.repeat_interleave(times, 0)
