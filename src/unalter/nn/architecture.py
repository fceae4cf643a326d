"""Everything that decides the shape of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

_COARSEST = 8
"""Pixels of a side that the coarsest stage has at most, but for small pictures."""
_FINEST_WIDTH, _WIDEST = 32, 128


@dataclass(frozen=True)
class Architecture:
    """Everything that decides the shape of a model; saved with its weights."""

    height: int
    width: int
    channels: int = 1
    latent: int = 64
    variational: bool = False
    classes: int = 0
    """How many classes the label that encoder and decoder see has; 0: they see none."""
    widths: tuple[int, ...] = (32, 64)
    """Channels of each stage, from fine (half the size) to coarse; each has half the resolution of the one before."""
    encoder_blocks: tuple[int, ...] = (1, 1)
    decoder_blocks: tuple[int, ...] = (1, 1)
    condition: int = 64
    """Width of the label's embedding."""
    components: int = 4
    """Of the prior that codes are drawn from, for each class; variational models only."""
    obedient: bool = False
    """Whether the label also scales channels, and codes are centred by class: in models that see one, but for those
    of before."""
    pose: bool = False
    """Whether the encoder first finds how the subject lies, and also sees the picture put upright."""


def widths_for(height: int, width: int) -> tuple[int, ...]:
    """Channels of each stage for pictures of a size: as many stages as it takes to come down to 8 x 8, at least two."""
    stages = max(2, math.ceil(math.log2(max(height, width) / _COARSEST)))
    return tuple(min(_FINEST_WIDTH * 2**i, _WIDEST) for i in range(stages))


def coarse_size(config: Architecture) -> tuple[int, int]:
    """Height and width of the coarsest stage, after padding."""
    stride = 2 ** len(config.widths)
    return -(-config.height // stride), -(-config.width // stride)
