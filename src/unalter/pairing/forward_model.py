"""A chain of alterations as a function: of a clean picture, and of the numbers that are drawn for it."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter import Geometric, KeyedDraws, fold_in
from unalter.alter.alteration import Alteration, Noise
from unalter.alter.draws import Draws, ReplayedDraws
from unalter.images.foreground import foreground

_CHANGE = 0.02
"""A difference changes a picture by this share of its energy: enough to see past the edges of pixels."""
_LOUD = 0.9
"""Limits lie above what noise leaves unexplained in this share of the pictures."""


class ForwardModel:
    """What a chain of alterations makes of clean pictures, with draws that are given.

    Noise is taken on average: of it strength is a draw, what every pixel drew is not. Where there is some, pictures
    are compared smoothed, which leaves a fourteenth of white noise and most of what tells one picture from another.

    Args:
        steps: the alterations.
        examples: float32 [N, C, H, W] in 0..1, clean pictures; sizes of differences are measured on them.
        samples: how many random draws to take.
        seed: of the samples.
    """

    def __init__(self, steps: tuple[Alteration, ...], examples: Tensor, samples: int, seed: int) -> None:
        self._steps = steps
        self.noisy = any(isinstance(step, Noise) for step in steps)
        recorder = _Recorder()
        edges = [0]
        for step in steps:
            _without_noise(step, examples[:1], recorder)
            edges.append(recorder.count)
        self._draws_of = [slice(first, end) for first, end in pairwise(edges)]
        self.samples = torch.rand(samples, recorder.count, generator=torch.Generator().manual_seed(seed))
        """Random draws, float32 [samples, D]."""
        height, width = examples.shape[-2:]
        self._size = height, width
        choices = [i for i in range(recorder.count) if i not in recorder.decisions]
        self.numbers = torch.tensor(choices, dtype=torch.int64)
        """Which draws can be chosen, int64 [P]: those that are no decisions and change something."""
        self.differences, effective = self._sizes(examples[:256])
        """By how much to change each of them in order to see what it does, float32 [P]."""
        self.numbers, self.differences = self.numbers[effective], self.differences[effective]
        moving = [part for step, part in zip(steps, self._draws_of, strict=True) if isinstance(step, Geometric)]
        self.moving = torch.cat([self.numbers[:0], *map(self._numbers_in, moving)])
        """Those of the numbers that say how things move."""
        self.noise = self._noise_share(examples[:256], seed)
        """The error that noise leaves in all but a few pictures, altered by the very draws that explain the rest."""

    def apply(self, clean: Tensor, draws: Tensor) -> Tensor:
        """What draws [n, D] make of clean pictures: float32 [n, C, H, W] to the same."""
        return self._continued(0, clean, draws)

    def homography(self, draws: Tensor) -> Tensor:
        """How things move with draws [n, D], from altered to clean places: [n, 3, 3]."""
        total = torch.eye(3).repeat(len(draws), 1, 1)
        for step, part in zip(self._steps, self._draws_of, strict=True):
            if isinstance(step, Geometric):
                total = total @ step.homography(self._size, ReplayedDraws(draws[:, part]))
        return total

    def smoothed(self, x: Tensor) -> Tensor:
        """Pictures [N, C, H, W] as they are compared: smoothed where there is noise."""
        if not self.noisy:
            return x
        height, width = x.shape[-2:]
        return _smoothing(height) @ x @ _smoothing(width).T

    def slopes(self, clean: Tensor, draws: Tensor, made: Tensor, differences: Tensor) -> Tensor:
        """How pictures change with each of the numbers, per difference: [n, P, pixels].

        Args:
            made: what the draws make of the clean pictures, smoothed, [n, pixels].
        """
        signed = torch.where(draws[:, self.numbers] + differences > 1, -differences, differences)
        changed = []
        for number, part in enumerate(self._draws_of):
            numbers = self._numbers_in(part)
            if count := len(numbers):
                shifted = draws[:, None].repeat(1, count, 1)
                shifted[:, torch.arange(count), numbers] += signed[:, torch.isin(self.numbers, numbers)]
                each = self._continued(number, clean.repeat_interleave(count, 0), shifted.flatten(0, 1))
                changed.append(self.smoothed(each).unflatten(0, (-1, count)).flatten(2))
            if self.numbers[-1] < part.stop:
                break
            # what comes before a step is the same for all its numbers: made once
            clean = _without_noise(self._steps[number], clean, ReplayedDraws(draws[:, part]))
        return (torch.cat(changed, 1) - made[:, None]) * (differences / signed)[:, :, None]

    def _continued(self, number: int, x: Tensor, draws: Tensor) -> Tensor:
        """What is made of pictures by the steps from the one of this number on."""
        for step, part in zip(self._steps[number:], self._draws_of[number:], strict=True):
            x = _without_noise(step, x, ReplayedDraws(draws[:, part]))
        return x

    def _numbers_in(self, part: slice) -> Tensor:
        return self.numbers[(self.numbers >= part.start) & (self.numbers < part.stop)]

    def _sizes(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """For each number the difference that changes pictures by `_CHANGE`, and which numbers change any."""
        draws = self.samples[: len(examples)] * 0.8
        made = self.apply(examples, draws)
        total = foreground_energy(made).mean()
        sizes = torch.full((len(self.numbers),), 0.1)
        effective = torch.zeros(len(self.numbers), dtype=torch.bool)
        for i, number in enumerate(self.numbers):
            for _ in range(12):
                shifted = draws.clone()
                shifted[:, number] += sizes[i]
                change = (self.apply(examples, shifted) - made).square().flatten(1).sum(1)
                visible = change[change > 1e-8]
                effective[i] |= len(visible) > 0
                if len(visible) == 0 or visible.mean() / total < _CHANGE:
                    break
                sizes[i] *= 0.7
        return sizes, effective

    def _noise_share(self, examples: Tensor, seed: int) -> float:
        every = torch.arange(len(examples))
        random = KeyedDraws(fold_in(seed, 6, every))
        noisy = quiet = examples
        for step in self._steps:
            same = random[every]
            noisy = step(noisy, random)
            quiet = _without_noise(step, quiet, same)
        noisy, quiet = self.smoothed(noisy), self.smoothed(quiet)
        return float(((noisy - quiet).square().sum((1, 2, 3)) / foreground_energy(noisy)).quantile(_LOUD))


def foreground_energy(x: Tensor) -> Tensor:
    """The sum of squares of the foreground, and never 0: float32 [N, C, H, W] to [N]."""
    return foreground(x).square().sum((1, 2, 3)).clamp_min(1e-6)


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


def _without_noise(step: Alteration, x: Tensor, random: Draws) -> Tensor:
    """What a step makes of pictures, noise on average."""
    return step.average(x, random) if isinstance(step, Noise) else step(x, random)


@lru_cache
def _smoothing(size: int) -> Tensor:
    """A matrix [size, size] that averages five neighbours with binomial weights; faster than a convolution."""
    padded = F.pad(torch.eye(size)[None], (2, 2), mode="reflect")
    weights = torch.tensor([[[1.0, 4, 6, 4, 1]]]) / 16
    return F.conv1d(padded.transpose(0, 1), weights)[:, 0].T.contiguous()
