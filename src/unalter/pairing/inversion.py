"""Analysis by synthesis: the draws of a recipe's branch that turn a clean picture into an altered one.

A recipe is a function of a clean picture and of the random numbers that it draws. For a true pair there are
numbers with which it gives the altered picture almost exactly; for another clean picture there are none.
Found by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963) with differences for derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter import Geometric, KeyedDraws, fold_in
from unalter.alter.alteration import Alteration, Noise
from unalter.alter.draws import Draws, ReplayedDraws
from unalter.pairing.alignment import corners

_LIBRARY = 20_000
_NEAREST = 16
"""Entries of the library that are tried as starts: those that move things alike,"""
_SCREENED = 12
"""or, where nothing moves, the first ones, so many for each number that can be chosen."""
_AT_ONCE = 32
"""Candidates whose starts are tried at a time; bounds the memory."""
_LAYING_STEPS, _LAYING_DIFFERENCE, _LAYING_DAMPING = 3, 0.02, 1e-3
"""Gauss-Newton steps by which such an entry is made to move things as it should."""
_STARTS = 6
"""Draws that each candidate is explained from."""
_HOPS, _NOISY_HOPS = 24, 4
"""Where there is noise, no pair is ever explained wholly, so nothing would end the hops early."""
_HOPELESS, _PATIENCE, _NEARLY = 0.03, 0.85, 0.003
"""What hops has an error below the first, times the second with every hop, but not below the third; else another
picture is meant."""
_LOUD = 0.9
"""Limits lie above what noise leaves unexplained in this share of the pictures."""
_EXPLAINED = 3e-4
"""Errors below it are the rounding of grey values and the last fraction of a degree."""
_CHANGE = 0.02
"""A difference changes a picture by this share of its energy: enough to see past the edges of pixels."""
_BEYOND = 0.02
"""Draws may leave 0..1 by so much: a full turn has no end, and fitted ranges are not exact."""


class _Recorder(KeyedDraws):
    """Notes which draws decide whether something happens, and how many there are."""

    def __init__(self) -> None:
        super().__init__(torch.zeros(1, dtype=torch.int64))
        self.decisions: list[int] = []
        self.count = 0

    def chance(self, probability: float) -> Tensor:
        self.decisions.append(self._drawn)
        super().chance(probability)
        return torch.ones(1, dtype=torch.bool)

    def uniform(self, *shape: int) -> Tensor:
        values = super().uniform(*shape)
        self.count = self._drawn
        return values


@dataclass(frozen=True)
class Inversion:
    """How well, and with which draws, clean pictures become altered ones."""

    draws: Tensor
    """float32 [n, D]"""
    error: Tensor
    """float32 [n]: squared error over the energy of the altered picture about its ground; 0 is exact"""


class RecipeInverter:
    """Explains altered pictures by one sequence of alterations.

    Noise is explained on average: of it strength is a draw, what every pixel drew is not. Where there is some, pictures
    are compared smoothed, which leaves a fourteenth of white noise and most of what tells one picture from another.

    Args:
        steps: the alterations.
        examples: float32 [N, C, H, W] in 0..1, clean pictures; sizes of differences are measured on them.
        seed: of the library of draws.
    """

    def __init__(self, steps: tuple[Alteration, ...], examples: Tensor, seed: int) -> None:
        self._steps = steps
        self._noisy = any(isinstance(step, Noise) for step in steps)
        recorder = _Recorder()
        self._warps: list[tuple[Geometric, slice]] = []
        for step in self._steps:
            first = recorder.count
            _without_noise(step, examples[:1], recorder)
            if isinstance(step, Geometric):
                self._warps.append((step, slice(first, recorder.count)))
        decisions = torch.tensor([i in recorder.decisions for i in range(recorder.count)], dtype=torch.bool)
        generator = torch.Generator().manual_seed(seed)
        self._library = torch.rand(_LIBRARY, recorder.count, generator=generator)
        self.homographies = torch.cat(
            [self._apply(examples[:1].expand(len(part), -1, -1, -1), part)[1] for part in self._library.split(500)]
        )
        self._corners = corners(self.homographies)
        self.moves = bool((self._corners - self._corners[0]).abs().max() > 1e-6)
        """Whether these alterations move anything."""
        self._numbers = torch.nonzero(~decisions).squeeze(1)
        self._differences, effective = self._sizes(examples[:256])
        self._numbers, self._differences = self._numbers[effective], self._differences[effective]
        height, width = examples.shape[-2:]
        self._size = height, width
        inside = torch.zeros(recorder.count, dtype=torch.bool)
        for _, part in self._warps:
            inside[part] = True
        self._moving = self._numbers[inside[self._numbers]]  # those that say how things move
        self._noise = self._noise_share(examples[:256], seed)

    def explain(self, clean: Tensor, altered: Tensor, homography: Tensor, possible: Tensor, seed: int) -> Tensor:
        """How much of altered pictures [n, C, H, W] their candidates leave unexplained: float32 [n, K].

        The field narrows from round to round; what was given up keeps the error that it had by then.

        Args:
            clean: the candidates, float32 [n, K, C, H, W].
            homography: what moves them about as the altered one, float32 [n, K, 3, 3].
            possible: bool [n, K]; the error of other candidates is infinite.
            seed: of the hops.
        """
        n, count = possible.shape
        fine = (altered - self.seen(altered)).square().sum((1, 2, 3)).clamp_min(1e-6)
        altered = self.seen(altered)
        start = self.start(clean.flatten(0, 1), _repeat(altered, count), homography.flatten(0, 1), _STARTS)
        each = start.error.shape[1]
        error = start.error.reshape(n, -1).masked_fill(~possible.repeat_interleave(each, 1), torch.inf)
        draws = start.draws.reshape(n, count * each, -1)
        candidate = torch.arange(count).repeat_interleave(each).expand(n, -1)
        least = error.reshape(n, count, each).min(2).values
        rounds = [  # so many starts of a picture go on, those whose error is below a limit
            (12, 0.3, partial(self.improve, steps=2)),
            (4, 0.1, partial(self.improve, steps=3)),
            (2, 0.05, partial(self.improve, steps=2, fineness=0.3)),
            (2, _HOPELESS, partial(self.hop, hops=_HOPS if self._noise < _NEARLY else _NOISY_HOPS, seed=seed)),
        ]
        for kept, limit, better in rounds:
            best = error.topk(min(kept, error.shape[1]), 1, largest=False).indices
            error, draws, candidate = (column[torch.arange(n)[:, None], best] for column in (error, draws, candidate))
            row, place = (error < limit + self._noise).nonzero(as_tuple=True)
            found = better(
                clean[row, candidate[row, place]], altered[row], Inversion(draws[row, place], error[row, place])
            )
            draws[row, place], error[row, place] = found.draws, found.error
            least.scatter_reduce_(1, candidate, error, "amin")
        # noise is not equally strong in all pictures: what smoothing took away says how much of it there is
        return least * (energy(altered) / fine)[:, None] if self._noisy else least

    def seen(self, x: Tensor) -> Tensor:
        """Pictures [N, C, H, W] as they are compared."""
        if not self._noisy:
            return x
        height, width = x.shape[-2:]
        return _smoothing(height) @ x @ _smoothing(width).T

    def start(self, clean: Tensor, altered: Tensor, homography: Tensor, count: int) -> Inversion:
        """The best of a few draws that move things as `homography` [n, 3, 3]: draws [n, count, D], error [n, count].

        The altered pictures, here and below, are as `seen`.
        """
        if self.moves:
            target = corners(homography)
            near = torch.cdist(target, self._corners).topk(_NEAREST, 1, largest=False).indices
            tried = self._laid(self._library[near].flatten(0, 1), _repeat(target, _NEAREST))
        else:
            near = torch.arange(max(1, _SCREENED * len(self._numbers))).expand(len(clean), -1)
            tried = self._library[near].flatten(0, 1)
        each = near.shape[1]
        errors = [
            self._left(_repeat(some, each), _repeat(their, each), draws)[1]
            for some, their, draws in zip(
                clean.split(_AT_ONCE), altered.split(_AT_ONCE), tried.split(_AT_ONCE * each), strict=True
            )
        ]
        error = torch.cat(errors).reshape(len(clean), each)
        error, best = error.topk(min(count, each), 1, largest=False)
        draws = tried.reshape(len(clean), each, -1)[torch.arange(len(clean))[:, None], best]
        return Inversion(draws, error / energy(altered)[:, None])

    def _laid(self, draws: Tensor, target: Tensor) -> Tensor:
        """Draws [n, D] changed so that corners come to lie at the target [n, 8], as nearly as they can."""
        numbers, count = self._moving, len(self._moving)
        for _ in range(_LAYING_STEPS):
            signed = torch.where(draws[:, numbers] > 0.5, -_LAYING_DIFFERENCE, _LAYING_DIFFERENCE)
            shifted = draws[:, None].repeat(1, count + 1, 1)
            shifted[:, torch.arange(count), numbers] += signed
            lying = corners(self._homography(shifted.flatten(0, 1))).reshape(len(draws), count + 1, 8)
            slope = (lying[:, :count] - lying[:, count:]) / signed[:, :, None]
            square = slope @ slope.transpose(1, 2) + _LAYING_DAMPING * torch.eye(count)
            toward = slope @ (target - lying[:, count])[:, :, None]
            draws = draws.clone()
            draws[:, numbers] = (draws[:, numbers] + torch.linalg.solve(square, toward).squeeze(2)).clamp(0, 1)
        return draws

    def improve(self, clean: Tensor, altered: Tensor, start: Inversion, steps: int, fineness: float = 1.0) -> Inversion:
        """Gauss-Newton steps; `fineness` scales the differences, smaller ones later on."""
        draws, target = start.draws, altered.flatten(1)
        made, error = self._left(clean, altered, draws)
        damping = torch.full((len(clean),), 0.01)
        differences = self._differences * fineness
        for _ in range(steps if len(self._numbers) else 0):
            slope = self._slopes(clean, draws, made, differences)
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
                tried[:, self._numbers] = (origin[:, self._numbers] + change).clamp(-_BEYOND, 1 + _BEYOND)
                draws, made, error = self._keep_better(clean, target, tried, draws, made, error)
            damping = torch.where(error < before, damping * 0.5, damping * 6).clamp(1e-5, 1e3)
        return Inversion(draws, error / energy(altered))

    def hop(self, clean: Tensor, altered: Tensor, start: Inversion, hops: int, seed: int) -> Inversion:
        """Go on from a random place near the best so far, again and again (basin hopping, Wales and Doye 1997).

        It gets over the jumps that sampling the nearest pixel makes. What is explained already, or not at all,
        is left as it is.
        """
        draws, error = start.draws.clone(), start.error.clone()
        generator = torch.Generator().manual_seed(seed)
        for k in range(hops if len(self._numbers) else 0):
            limit = self._noise + max(_HOPELESS * _PATIENCE**k, _NEARLY)
            open_ = torch.nonzero((error > _EXPLAINED) & (error < limit)).squeeze(1)
            if len(open_) == 0:
                break
            noise = torch.randn(len(open_), len(self._numbers), generator=generator)
            tried = draws[open_]
            tried[:, self._numbers] += noise * self._differences
            found = self.improve(clean[open_], altered[open_], Inversion(tried, error[open_]), 3, 0.3)
            better = found.error < error[open_]
            draws[open_[better]], error[open_[better]] = found.draws[better], found.error[better]
        return Inversion(draws, error)

    def _keep_better(
        self, clean: Tensor, target: Tensor, tried: Tensor, draws: Tensor, made: Tensor, error: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        new, new_error = self._left(clean, target, tried)
        better = new_error < error
        row = better[:, None]
        return torch.where(row, tried, draws), torch.where(row, new, made), torch.where(better, new_error, error)

    def _slopes(self, clean: Tensor, draws: Tensor, made: Tensor, differences: Tensor) -> Tensor:
        """How the pictures change with each number, per difference: [n, numbers, pixels]."""
        count = len(self._numbers)
        signed = torch.where(draws[:, self._numbers] + differences > 1, -differences, differences)
        shifted = draws[:, None].repeat(1, count, 1)
        shifted[:, torch.arange(count), self._numbers] += signed
        changed = self.seen(self._apply(_repeat(clean, count), shifted.flatten(0, 1))[0])
        changed = changed.unflatten(0, (-1, count)).flatten(2)
        return (changed - made[:, None]) * (differences / signed)[:, :, None]

    def _left(self, clean: Tensor, altered: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        """What draws make of clean pictures, [n, pixels], and the squared error of it, [n]."""
        made = self.seen(self._apply(clean, draws)[0]).flatten(1)
        return made, (made - altered.flatten(1)).square().sum(1)

    def _homography(self, draws: Tensor) -> Tensor:
        """What moves things about as the draws do, [n, 3, 3]."""
        total = torch.eye(3).repeat(len(draws), 1, 1)
        for warp, part in self._warps:
            total = total @ warp.homography(self._size, ReplayedDraws(draws[:, part]))
        return total

    def _apply(self, clean: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        random = ReplayedDraws(draws)
        total = torch.eye(3).repeat(len(clean), 1, 1)
        for step in self._steps:
            clean, homography = _without_noise(step, clean, random)
            total = total if homography is None else total @ homography
        return clean, total

    def _sizes(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """For each number the difference that changes pictures by `_CHANGE`, and which numbers change any."""
        draws = self._library[: len(examples)] * 0.8
        made = self._apply(examples, draws)[0]
        total = energy(made).mean()
        sizes = torch.full((len(self._numbers),), 0.1)
        effective = torch.zeros(len(self._numbers), dtype=torch.bool)
        for i, number in enumerate(self._numbers):
            for _ in range(12):
                shifted = draws.clone()
                shifted[:, number] += sizes[i]
                change = (self._apply(examples, shifted)[0] - made).square().flatten(1).sum(1)
                seen = change[change > 1e-8]
                effective[i] |= len(seen) > 0
                if len(seen) == 0 or seen.mean() / total < _CHANGE:
                    break
                sizes[i] *= 0.7
        return sizes, effective

    def _noise_share(self, examples: Tensor, seed: int) -> float:
        """The error that noise leaves in all but a few pictures, altered by the very draws that explain the rest."""
        every = torch.arange(len(examples))
        random = KeyedDraws(fold_in(seed, 6, every))
        noisy = quiet = examples
        for step in self._steps:
            same = random[every]
            noisy = step(noisy, random)
            quiet = _without_noise(step, quiet, same)[0]
        noisy, quiet = self.seen(noisy), self.seen(quiet)
        return float(((noisy - quiet).square().sum((1, 2, 3)) / energy(noisy)).quantile(_LOUD))


def energy(altered: Tensor) -> Tensor:
    """Sum of squares about the ground, the median of the border: float32 [N, C, H, W] to [N]."""
    border = torch.cat([altered[:, :, 0], altered[:, :, -1], altered[..., 0], altered[..., -1]], 2)
    ground = border.median(2).values[:, :, None, None]
    return (altered - ground).square().sum((1, 2, 3)).clamp_min(1e-6)


def _without_noise(step: Alteration, x: Tensor, random: Draws) -> tuple[Tensor, Tensor | None]:
    """What a step makes of pictures, noise on average, and how it moves them."""
    return (step.average(x, random), None) if isinstance(step, Noise) else step.apply_with_homography(x, random)


@lru_cache
def _smoothing(size: int) -> Tensor:
    """A matrix [size, size] that averages five neighbours with binomial weights; faster than a convolution."""
    padded = F.pad(torch.eye(size)[None], (2, 2), mode="reflect")
    weights = torch.tensor([[[1.0, 4, 6, 4, 1]]]) / 16
    return F.conv1d(padded.transpose(0, 1), weights)[:, 0].T.contiguous()


def _repeat(x: Tensor, times: int) -> Tensor:
    return x.repeat_interleave(times, 0)
