"""From a code to a clean picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.nn.architecture import Architecture, coarse_size
from unalter.nn.blocks import Stage


class Decoder(nn.Module):
    """[N, latent] (and the label's embedding [N, condition]) -> logits [N, C, H, W]."""

    def __init__(self, config: Architecture) -> None:
        super().__init__()
        condition = config.condition if config.classes else 0
        self.coarse = (config.widths[-1], *coarse_size(config))
        self.start = nn.Linear(config.latent + condition, self.coarse[0] * self.coarse[1] * self.coarse[2])
        self.stages = nn.ModuleList()
        self.expansions = nn.ModuleList()
        width = config.widths[-1]
        for i, (next_width, blocks) in enumerate(
            zip(reversed(config.widths), reversed(config.decoder_blocks), strict=True)
        ):
            if i:
                self.expansions.append(nn.ConvTranspose2d(width, next_width, 2, stride=2, bias=False))
            self.stages.append(Stage(next_width, next_width, blocks, condition, config.obedient))
            width = next_width
        self.end = nn.Conv2d(width, config.channels * 4, 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        if condition is not None:
            z = torch.cat([z, condition], 1)
        x = self.start(z).reshape(-1, *self.coarse)
        x = x.contiguous(memory_format=torch.channels_last)
        for i, stage in enumerate(self.stages):
            if i:
                x = self.expansions[i - 1](x)
            x = stage(x, condition)
        return F.pixel_shuffle(self.end(x), 2)
