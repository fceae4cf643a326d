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

from unalter.support.device import widest_float


def _signed(value: int) -> int:
    """A number modulo 2^64 as the int64 of the same bits."""
    value %= 1 << 64
    return value - (1 << 64) if value >= 1 << 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)

_FEW = 10
"""The Poisson rate below which the cumulative distribution is summed."""
_SUMMED = 36
"""Terms of that sum: a normal number in float32 stays below 6, and so the Poisson number at a rate of 10 below 36."""
_AHEAD = 32
"""Numbers of each picture that are made at once: most alterations ask for a few, and each time is twenty operations."""


def _shift_right(bits: Tensor, by: int) -> Tensor:
    """Logical shift of int64 (torch's own keeps the sign)."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _mix(bits: Tensor) -> Tensor:
    """The finaliser of SplitMix64: int64 in, int64 out, every bit depends on every bit."""
    bits = (bits ^ _shift_right(bits, 30)) * _MIX_1
    bits = (bits ^ _shift_right(bits, 27)) * _MIX_2
    return bits ^ _shift_right(bits, 31)


def _mix_number(bits: int) -> int:
    """The same of a number."""
    bits %= 1 << 64
    bits = (bits ^ bits >> 30) * _MIX_1 % (1 << 64)
    bits = (bits ^ bits >> 27) * _MIX_2 % (1 << 64)
    return bits ^ bits >> 31


def fold_in(*parts: int | Tensor) -> Tensor:
    """Hash numbers (a seed, an epoch, the indices of pictures) into one int64 key per picture.

    The parts broadcast; at least one is a tensor [N].
    """
    key: Tensor | None = None
    known = 0  # what comes before the first tensor costs no operation
    for part in parts:
        if key is None:
            if isinstance(part, int):
                known = _mix_number(known + _GOLDEN + part)
            else:
                key = _mix(part + _signed(_GOLDEN + known))
        elif isinstance(part, int):
            key = _mix(key + _signed(_GOLDEN + part))
        else:
            key = _mix(key + part + _GOLDEN)
    if key is None:
        raise ValueError("no part is a tensor")
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
    def fork(self) -> Draws:
        """The same streams once more, at the place where they are now."""

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
        normal = self.normal(*rate.shape[1:])
        low = rate < _FEW
        many = _expanded(rate.clamp_min(_FEW), normal)
        if rate.device.type != "cpu":  # as many numbers whatever the rates, so that nothing waits to know how many
            return torch.where(low, _summed(rate, normal), many)
        few = torch.nonzero(low & (rate > 0), as_tuple=True)
        many.masked_fill_(low, 0)[few] = _summed(rate[few], normal[few])
        return many


class KeyedDraws(Draws):
    """Streams that are hashes of keys.

    Args:
        keys: int64 [N], as made by `fold_in`.
    """

    def __init__(self, keys: Tensor) -> None:
        self._keys = keys
        self._drawn = 0
        self._ahead: Tensor | None = None
        """float32 [32, N]: numbers of the streams,"""
        self._ahead_from = 0
        """from this one on"""

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def device(self) -> torch.device:
        return self._keys.device

    def __getitem__(self, rows: Tensor) -> KeyedDraws:
        return self._at_this_place(self._keys[rows], None if self._ahead is None else self._ahead[:, rows])

    def fork(self) -> KeyedDraws:
        return self._at_this_place(self._keys, self._ahead)

    def _at_this_place(self, keys: Tensor, ahead: Tensor | None) -> KeyedDraws:
        other = KeyedDraws(keys)
        other._drawn, other._ahead, other._ahead_from = self._drawn, ahead, self._ahead_from
        return other

    def uniform(self, *shape: int) -> Tensor:
        count, first = math.prod(shape), self._drawn
        self._drawn += count
        if count > _AHEAD:
            return self._numbers(first, count, 1).reshape(len(self), *shape)
        if self._ahead is None or self._drawn > self._ahead_from + _AHEAD:
            self._ahead, self._ahead_from = self._numbers(first, _AHEAD, 0), first
        first -= self._ahead_from
        return self._ahead[first] if not shape else self._ahead[first : first + count].T.reshape(len(self), *shape)

    def _numbers(self, first: int, count: int, dim: int) -> Tensor:
        """So many numbers of every stream, float32, along a dimension of two."""
        steps = torch.arange(first + 1, first + 1 + count, device=self._keys.device) * _GOLDEN
        bits = _mix(self._keys.unsqueeze(dim) + steps.unsqueeze(1 - dim))
        return _shift_right(bits, 40).float().mul_(2**-24)


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
        return self._at_this_place(self._draws[rows])

    def fork(self) -> ReplayedDraws:
        return self._at_this_place(self._draws)

    def _at_this_place(self, draws: Tensor) -> ReplayedDraws:
        other = ReplayedDraws(draws)
        other._drawn = self._drawn
        return other

    def uniform(self, *shape: int) -> Tensor:
        count = math.prod(shape)
        self._drawn += count
        return self._draws[:, self._drawn - count : self._drawn].reshape(len(self._draws), *shape).contiguous()


def _summed(rate: Tensor, normal: Tensor) -> Tensor:
    """The least numbers whose cumulative probability reaches that of a standard normal number."""
    # float64: in float32 a normal number above 5.4 has a share of 1, which the sum may never reach
    wide = widest_float(rate.device)
    rates, share = rate.to(wide), torch.special.ndtr(normal.to(wide))
    count = torch.zeros_like(rates)
    probability = (-rates).exp()
    cumulated = probability.clone()
    for k in range(1, _SUMMED):
        count += share > cumulated
        cumulated += probability.mul_(rates).div_(k)
    return count.float()


def _expanded(rate: Tensor, w: Tensor) -> Tensor:
    root, w2 = rate.sqrt(), w * w
    correction = (1 / 3 + w2 / 6) - w * (1 / 36 + w2 / 72) / root + (-8 / 405 + w2 * (7 / 810 + w2 / 270)) / rate
    return (rate + root * w + correction).floor().clamp_min(0)
