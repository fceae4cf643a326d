"""An exponential moving average of the weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class AveragedModel:
    """A copy of a model that follows its weights and statistics (Polyak averaging with an exponential window).

    The window grows with the steps until it is 1 / (1 - decay) steps wide, so that early weights are forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move towards the weights of `model`, as they are after one more step."""
        self.steps += 1
        part = 1 - min(self._decay, self.steps / (9 + self.steps))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), part)
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, part)
            else:
                mine.copy_(theirs)
