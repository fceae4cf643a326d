"""Which weights are trained by which optimiser."""

from __future__ import annotations

import torch
from torch import nn

from unalter.nn import Autoencoder
from unalter.nn.muon import Muon
from unalter.training.options import TrainOptions


def make_optimizers(model: Autoencoder, options: TrainOptions) -> tuple[Muon, torch.optim.AdamW]:
    """Muon for weights that map one space of features to another; AdamW for biases, scales, labels, pixels."""
    apart = {id(model.decoder.end.weight)} | ({id(model.embedding.weight)} if model.embedding is not None else set())
    kernels: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for weight in model.parameters():
        (kernels if weight.ndim > 1 and id(weight) not in apart else others).append(weight)
    return (
        Muon(kernels, lr=options.muon_lr, weight_decay=options.weight_decay),
        torch.optim.AdamW(others, lr=options.learning_rate, betas=(0.9, 0.99), weight_decay=0, fused=True),
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all that an optimizer holds."""
    for group in optimizer.param_groups:
        group["lr"] = rate
