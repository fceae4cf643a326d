"""Clean pictures altered again and again by chains that differ little."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from unalter.alter.draws import KeyedDraws, fold_in
from unalter.fitting.chain import Chain


class Imitation:
    """Clean pictures that chains are applied to, each time with the same random numbers.

    So two chains that differ little give pictures that differ little, and what they share is worked out once.
    Every kind of alteration has its own stream: what one draws does not depend on which others are there.

    Args:
        x: float32 [N, C, H, W] in 0..1.
        seed: of the random numbers.
        finish: what happens to the pictures after the chain, None for nothing.
    """

    _KEPT = 24
    """Results that are remembered, of the first steps of chains."""

    def __init__(self, x: Tensor, seed: int, finish: Callable[[Tensor], Tensor] | None = None) -> None:
        self.x = x
        self._finish = finish
        self._rows = torch.arange(len(x))
        self._seed = seed
        self._known: OrderedDict[Chain, tuple[Tensor, Tensor]] = OrderedDict()

    def __call__(self, chain: Chain) -> tuple[Tensor, Tensor]:
        """The altered pictures, rounded to 256 values, and their homographies [N, 3, 3]
        (see `Recipe.apply_with_homography`).
        """
        pictures, moves = self._after(chain)
        pictures = (pictures * 255).round().clamp(0, 255) / 255
        return pictures if self._finish is None else self._finish(pictures), moves

    def _after(self, chain: Chain) -> tuple[Tensor, Tensor]:
        if not chain:
            return self.x, torch.eye(3).repeat(len(self.x), 1, 1)
        if chain in self._known:
            self._known.move_to_end(chain)
            return self._known[chain]
        pictures, moves = self._after(chain[:-1])
        random = KeyedDraws(fold_in(self._seed, chain[-1].stream, self._rows))
        pictures, homography = chain[-1].apply_with_homography(pictures, random)
        result = pictures, moves if homography is None else moves @ homography
        self._known[chain] = result
        if len(self._known) > self._KEPT:
            self._known.popitem(last=False)
        return result
