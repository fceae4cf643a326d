"""An exponential moving average of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def averaged_model(model: nn.Module, decay: float) -> AveragedModel:
    """A copy that follows a model's weights and statistics (Polyak averaging with an exponential window).

    The window grows with the steps until it is 1 / (1 - decay) steps wide, so that early weights are forgotten.
    """
    averaged = _Averaged(model, decay)
    return averaged.eval().requires_grad_(False)


class _Averaged(AveragedModel):
    """`AveragedModel` in one operation a step for all that is averaged; its own asks for two a tensor."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self._decay = decay
        self._own = _tensors(self.module)
        self._followed = (model, _tensors(model))  # a tuple, so that the model is no part of this module

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Follow the model by one step."""
        if model is not self._followed[0]:
            self._followed = (model, _tensors(model))
        floats, counts = self._followed[1]
        self.n_averaged += 1  # on the processor: to read it waits for no device
        steps = int(self.n_averaged)
        get_ema_multi_avg_fn(min(self._decay, steps / (9 + steps)))(self._own[0], floats, steps)
        if counts:
            torch._foreach_copy_(self._own[1], counts)


def _tensors(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """What of a model is averaged, and what is copied: counts of batches."""
    every = [*model.parameters(), *model.buffers()]
    return [t for t in every if t.is_floating_point()], [t for t in every if not t.is_floating_point()]
