"""How thoroughly pairs are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LARGE = 64 * 64
"""Pixels of a picture beyond which so many fewer are taken: the work stays the same."""
_LEAST_PART = 0.2
"""Of the least counts is kept for pictures however large: the largest error of twenty is exceeded by one in twenty."""


def fewer(count: int, shape: Sequence[int]) -> int:
    """How many pictures of shape [..., H, W] are as much work as so many small ones; one at least."""
    return max(int(count * min(1.0, _LARGE / (shape[-2] * shape[-1]))), 1)


@dataclass(frozen=True)
class PairingOptions:
    """Counts that time is traded with."""

    imitated_true: int = 400
    """Imitated true pairs of a group, at most, that tell how large errors of true pairs are: a limit that one in a
    hundred exceeds rests on the few largest."""
    least_imitated_true: int = 100
    """The largest of so many is exceeded by one in a hundred; fewer say nothing of what is as rare."""
    imitated: int = 800
    """Imitated pictures, at most, that the confidence is learned from: four weights, and how sure is 99 in 100."""
    least_imitated: int = 200
    """With fewer the weights are a matter of chance."""
    samples: int = 20_000
    """Random draws of a chain: eight numbers say how a picture lies, and a start has to be near."""
    poses: int = 1_000
    """Of the samples' poses, as different as can be, those that candidates are first compared in."""
    shortlist: int = 64
    """Candidates that are aligned; the matcher has 97 of 100 partners among so many. Fewer need no matcher."""
    matcher_batch: int = 512
    """Negatives are of the same batch: the more there are, the more a step teaches."""
    matcher_rounds: int = 46
    """How often the matcher sees every clean picture, within the bounds below; recall still grows slowly there."""
    least_matcher_steps: int = 200
    """So many a network needs, however few the pictures are."""
    most_matcher_steps: int = 700
    """Bounds the time; recall grows slowly by then."""

    def true_imitations(self, names: int, shape: Sequence[int]) -> int:
        """Imitated true pairs to verify so many names of pictures of shape [..., H, W] by."""
        return self._between(names, self.least_imitated_true, self.imitated_true, shape)

    def imitations(self, searched: int, shape: Sequence[int]) -> int:
        """Imitated pictures to learn the confidence from, where so many are searched for."""
        return self._between(searched, self.least_imitated, self.imitated, shape)

    @staticmethod
    def _between(count: int, least: int, most: int, shape: Sequence[int]) -> int:
        return int(np.clip(count, max(fewer(least, shape), int(_LEAST_PART * least)), most))


DEFAULTS = PairingOptions()
