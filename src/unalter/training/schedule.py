"""How far a training is, and what that means for the learning rate and beta."""

from __future__ import annotations

import math

_WARM_STEPS = 100
"""Steps in which the learning rate rises; AdamW's second moments settle in as many."""
_WARM_SHARE = 0.05
"""The rise takes no more than this share of a training's steps."""
_WARM_BETA = 0.1
"""The share of a training in which beta rises, so that codes carry something before the KL term weighs on them."""
_WARM_LABEL = 0.2
"""The same for what makes a model obey its label."""


def fraction_done(steps: int, total_steps: int, seconds: float, max_seconds: float) -> float:
    """The share of a training that is done, 0..1, by steps or (where `max_seconds` > 0) by time."""
    by_steps = steps / total_steps
    by_time = seconds / max_seconds if max_seconds else 0.0
    return min(1.0, max(by_steps, by_time))


def learning_rate(peak: float, steps: int, total_steps: int, done: float) -> float:
    """A linear rise over the first steps, then half a cosine to 0 (Loshchilov and Hutter 2017)."""
    by_steps = (steps + 1) / min(_WARM_STEPS, 1 + _WARM_SHARE * total_steps)
    rise = min(1.0, max(by_steps, done / _WARM_SHARE))  # where time ends a training, there may be few steps
    return peak * rise * 0.5 * (1 + math.cos(math.pi * done))


def warm_beta(beta: float, done: float) -> float:
    """Beta, rising linearly over the first part of a training (Bowman et al. 2016)."""
    return beta * min(1.0, done / _WARM_BETA)


def warm_label(done: float) -> float:
    """The share of its weight that obedience has, rising linearly over the first part of a training."""
    return min(1.0, done / _WARM_LABEL)
