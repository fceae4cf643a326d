"""What a network learns from a whole batch, when several processes have a share of it each."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from unalter.nn.autoencoder import Autoencoder
from unalter.nn.class_centring import ClassCentring
from unalter.support.processes import Processes


def over_processes(model: nn.Module, processes: Processes) -> None:
    """Make a model's batchnorm and class means those of the global batch; a single process leaves it as it is."""
    if processes.world == 1:
        return
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = _GlobalBatchNorm  # weights, statistics and names stay
            cast(_GlobalBatchNorm, module).share_with(processes)
        elif isinstance(module, (Autoencoder, ClassCentring)):
            module.processes = processes


class _GlobalBatchNorm(nn.BatchNorm2d):
    """Batchnorm over the pictures of all processes (torch's SyncBatchNorm has no kernel for processors)."""

    def share_with(self, processes: Processes) -> None:
        """Normalise over the pictures of all of these."""
        self._processes = processes

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked.add_(1)
        return _Normalised.apply(  # pyright: ignore[reportReturnType]
            input, self.weight, self.bias, self.running_mean, self.running_var, self.momentum, self.eps, self._processes
        )


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, running_var: Tensor, momentum: float,
        eps: float, processes: Processes,
    ) -> Tensor:  # fmt: skip
        # a momentum of 0 leaves the copies as they are; of bf16 it takes those for the statistics to be float32
        mean, var = torch.batch_norm_update_stats(x, running_mean.clone(), running_var.clone(), 0.0)
        count = mean.new_full((1,), x.numel() / x.shape[1])
        rows = processes.rows(torch.cat([mean, var, count]))
        means, variances, counts = rows[:, : len(mean)], rows[:, len(mean) : -1], rows[:, -1:]
        total = counts.sum()
        mean = (counts * means).sum(0) / total
        var = (counts * (variances + (means - mean).square())).sum(0) / total  # as Chan et al. 1979
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(var * (total / (total - 1)), momentum)
        ctx.save_for_backward(x, weight, mean, var, total)
        ctx.eps, ctx.processes = eps, processes
        return torch.native_batch_norm(x, weight, bias, mean, var, False, 0.0, eps)[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, mean, var, total = ctx.saved_tensors
        _, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, var, None, None, False, ctx.eps, [False, True, True]
        )
        sums = torch.cat([by_weight, by_bias])
        ctx.processes.sum_([sums])
        of_weight, of_bias = (sums / total).chunk(2)
        inverse = (var + ctx.eps).rsqrt()
        scale = weight * inverse
        slope = scale * inverse * of_weight
        shift = scale * of_bias - slope * mean
        scale, slope, shift = (one.to(x.dtype)[:, None, None] for one in (scale, slope, shift))
        by_x = torch.addcmul(shift, x, slope).neg_().addcmul_(gradient, scale)
        return by_x, by_weight, by_bias, None, None, None, None, None
