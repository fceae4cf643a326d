"""An exponential moving average of the weights."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def averaged_model(model: nn.Module, decay: float) -> AveragedModel:
    """A copy that follows a model's weights and statistics (Polyak averaging with an exponential window).

    The window grows with the steps until it is 1 / (1 - decay) steps wide, so that early weights are forgotten.
    """

    def follow(averages: tuple[Tensor, ...] | list[Tensor], current: tuple[Tensor, ...] | list[Tensor], _: object):
        if not averages[0].is_floating_point():  # counts of batches
            for average, one in zip(averages, current, strict=True):
                average.copy_(one)
            return
        steps = int(averaged.n_averaged)
        get_ema_multi_avg_fn(min(decay, steps / (9 + steps)))(averages, current, steps)

    averaged = AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
    averaged.update_parameters(model)  # the first update copies, so that the next one is of step 1
    return averaged.eval().requires_grad_(False)
