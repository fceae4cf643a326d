"""From an altered picture to its code."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.images.foreground import foreground
from unalter.nn.architecture import Architecture, coarse_size
from unalter.nn.blocks import BatchNorm, Stage
from unalter.nn.pose import Pose, PoseNet

_POSES = 2
"""Poses that an encoder looks at: the second one is right where a 6 could be a 9."""


class Encoder(nn.Module):
    """[N, C, H, W] in 0..1 (and the label's embedding [N, condition]) -> [N, outputs], and the pose if it is found.

    Pictures whose sides the strides do not divide are padded.
    """

    def __init__(self, config: Architecture, outputs: int) -> None:
        super().__init__()
        stride = 2 ** len(config.widths)
        below, right = -config.height % stride, -config.width % stride
        self.padding = (right // 2, right - right // 2, below // 2, below - below // 2)
        condition = config.condition if config.classes else 0
        self.pose = PoseNet(condition) if config.pose else None
        seen = config.channels * (1 + _POSES if config.pose else 1)
        self.stem = nn.Conv2d(seen * 4, config.widths[0], 3, padding=1, bias=False)
        self.stem_norm = BatchNorm(config.widths[0])
        self.stages = nn.ModuleList()
        self.reductions = nn.ModuleList()
        width = config.widths[0]
        for i, (next_width, blocks) in enumerate(zip(config.widths, config.encoder_blocks, strict=True)):
            if i:
                self.reductions.append(nn.Conv2d(width, next_width, 2, stride=2, bias=False))
            self.stages.append(Stage(next_width, next_width, blocks, condition, config.obedient))
            width = next_width
        rows, columns = coarse_size(config)
        self.head = nn.Linear(width * rows * columns, outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Pose | None]:
        pose = None
        if self.pose is not None:
            subject = foreground(x).abs()
            pose = self.pose(subject.mean(1, keepdim=True), condition)
            likeliest = pose.logits.topk(_POSES, 1).indices
            x = torch.cat([x, self.pose.upright(subject, pose, likeliest)], 1)
        if any(self.padding):
            x = F.pad(x, self.padding, mode="replicate")
        x = F.pixel_unshuffle((x * 2 - 1).contiguous(memory_format=torch.channels_last), 2)
        x = F.relu(self.stem_norm(self.stem(x)))
        for i, stage in enumerate(self.stages):
            if i:
                x = self.reductions[i - 1](x)
            x = stage(x, condition)
        return self.head(x.flatten(1)), pose
