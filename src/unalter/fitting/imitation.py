"""Clean pictures altered again and again by chains that differ little."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from torch import Tensor

from unalter.alter.draws import KeyedDraws, fold_in
from unalter.fitting.chain import Chain


class Imitation:
    """Clean pictures that chains are applied to, each time with the same random numbers.

    So two chains that differ little give pictures that differ little, and what they share is worked out once.
    Every kind of alteration has its own stream: what one draws does not depend on which others are there.
    Several threads may call it at once.

    Args:
        x: float32 [N, C, H, W] in 0..1.
        rows: int64 [N], tell the pictures apart: each has its own random numbers.
        seed: of the random numbers.
    """

    _KEPT = 24
    """Results that are remembered, of the first steps of chains."""

    def __init__(self, x: Tensor, rows: Tensor, seed: int) -> None:
        self._x, self._rows, self._seed = x, rows, seed
        self._known: OrderedDict[Chain, Tensor] = OrderedDict()
        self._lock = Lock()

    def __call__(self, chain: Chain) -> Tensor:
        """The altered pictures, rounded to 256 values."""
        return (self._after(chain) * 255).round_().clamp_(0, 255).div_(255)

    def _after(self, chain: Chain) -> Tensor:
        if not chain:
            return self._x
        with self._lock:
            if chain in self._known:
                self._known.move_to_end(chain)
                return self._known[chain]
        draws = KeyedDraws(fold_in(self._seed, chain[-1].stream, self._rows))
        altered = chain[-1](self._after(chain[:-1]), draws)
        with self._lock:
            self._known[chain] = altered
            if len(self._known) > self._KEPT:
                self._known.popitem(last=False)
        return altered
