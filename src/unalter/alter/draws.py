"""Random numbers that belong to a picture, not to a batch.

Every picture has a key; its n-th random number is a hash of key and n (a counter-based generator in the
sense of Salmon et al. 2011, with the finaliser of SplitMix64, Steele et al. 2014). So what happens to a
picture depends on its key alone: not on the batch it is in, nor on what ran before.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)

_FEW = 10
"""The Poisson rate below which the cumulative distribution is summed."""
_SUMMED = 36
"""Terms of that sum: a normal number in float32 stays below 6, and so the Poisson number at a rate of 10 below 36."""


def _shift_right(bits: Tensor, by: int) -> Tensor:
    """Logical shift of int64 (torch's own keeps the sign)."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _mix(bits: Tensor) -> Tensor:
    """The finaliser of SplitMix64: int64 in, int64 out, every bit depends on every bit."""
    bits = (bits ^ _shift_right(bits, 30)) * _MIX_1
    bits = (bits ^ _shift_right(bits, 27)) * _MIX_2
    return bits ^ _shift_right(bits, 31)


def fold_in(*parts: int | Tensor) -> Tensor:
    """Hash numbers (a seed, an epoch, the indices of pictures) into one int64 key per picture.

    The parts broadcast; at least one is a tensor [N].
    """
    key = torch.zeros((), dtype=torch.int64)
    for part in parts:
        key = _mix((key if isinstance(part, int) else key.to(part.device)) + _GOLDEN + part)
    return key


class Draws(ABC):
    """A stream of random numbers for each of N pictures."""

    @abstractmethod
    def __len__(self) -> int:
        """N."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the numbers are made."""

    @abstractmethod
    def __getitem__(self, rows: Tensor) -> Draws:
        """The streams of some of the pictures, each at the place where it is now."""

    @abstractmethod
    def uniform(self, *shape: int) -> Tensor:
        """Uniform in [0, 1): float32 [N, *shape]."""

    def between(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform in [low, high): float32 [N, *shape]."""
        return low + (high - low) * self.uniform(*shape)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal (Box and Muller 1958): float32 [N, *shape]."""
        radius = (-2 * torch.log1p(-self.uniform(*shape))).sqrt()
        return radius * torch.cos(2 * math.pi * self.uniform(*shape))

    def chance(self, probability: float) -> Tensor:
        """True with the given probability: bool [N]."""
        return self.uniform() < probability

    def poisson(self, rate: Tensor) -> Tensor:
        """Poisson distributed about `rate` [N, ...], 0 or more: whole numbers, float32 of the same shape.

        The numbers that stand where standard normal ones stand in their distribution. Exact for low rates. For
        others the expansion of Giles (2016, ACM TOMS 42:7, Q_N2): at a rate of 10 one number in 2,000 differs from
        the exact one, by 1, at 100 one in 60,000; float32 rounds those of 100,000 and more by 1.
        """
        rates, normal = rate.flatten(), self.normal(*rate.shape[1:]).flatten()
        count = torch.zeros_like(rates)
        # as indices: a mask would wait for the device each time that it is used
        few, many = (torch.nonzero(m).squeeze(1) for m in ((rates > 0) & (rates < _FEW), rates >= _FEW))
        # float64: in float32 a normal number above 5.4 has a share of 1, which the sum may never reach
        count[few] = _summed(rates[few].double(), torch.special.ndtr(normal[few].double())).float()
        count[many] = _expanded(rates[many], normal[many])
        return count.reshape(rate.shape)


class KeyedDraws(Draws):
    """Streams that are hashes of keys.

    Args:
        keys: int64 [N], as made by `fold_in`.
    """

    def __init__(self, keys: Tensor) -> None:
        self._keys = keys
        self._drawn = 0

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def device(self) -> torch.device:
        return self._keys.device

    def __getitem__(self, rows: Tensor) -> KeyedDraws:
        part = KeyedDraws(self._keys[rows])
        part._drawn = self._drawn
        return part

    def uniform(self, *shape: int) -> Tensor:
        count = math.prod(shape)
        steps = torch.arange(self._drawn + 1, self._drawn + 1 + count, device=self._keys.device)
        self._drawn += count
        bits = _mix(self._keys[:, None] + steps * _GOLDEN)
        return (_shift_right(bits, 40).float() * 2**-24).reshape(len(self._keys), *shape)


class ReplayedDraws(Draws):
    """Streams whose numbers are given: what an alteration does as a function of its draws.

    Args:
        draws: float32 [N, D] in 0..1, the numbers in the order in which they are asked for.
    """

    def __init__(self, draws: Tensor) -> None:
        self._draws = draws
        self._drawn = 0

    def __len__(self) -> int:
        return len(self._draws)

    @property
    def device(self) -> torch.device:
        return self._draws.device

    def __getitem__(self, rows: Tensor) -> ReplayedDraws:
        part = ReplayedDraws(self._draws[rows])
        part._drawn = self._drawn
        return part

    def uniform(self, *shape: int) -> Tensor:
        count = math.prod(shape)
        self._drawn += count
        return self._draws[:, self._drawn - count : self._drawn].reshape(len(self._draws), *shape).contiguous()


def _summed(rate: Tensor, share: Tensor) -> Tensor:
    """The least numbers whose cumulative probability reaches `share`."""
    count = torch.zeros_like(rate)
    probability = cumulated = (-rate).exp()
    for k in range(1, _SUMMED):
        count += share > cumulated
        probability = probability * rate / k
        cumulated = cumulated + probability
    return count


def _expanded(rate: Tensor, w: Tensor) -> Tensor:
    root, w2 = rate.sqrt(), w * w
    correction = (1 / 3 + w2 / 6) - w * (1 / 36 + w2 / 72) / root + (-8 / 405 + w2 * (7 / 810 + w2 / 270)) / rate
    return (rate + root * w + correction).floor().clamp_min(0)
