"""What encoder and decoder are built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """`BatchNorm2d` that does not count batches: nothing asks for the count, and it is an operation a layer."""

    def forward(self, input: Tensor) -> Tensor:
        mean, variance = self.running_mean, self.running_var
        return F.batch_norm(input, mean, variance, self.weight, self.bias, self.training, self.momentum or 0, self.eps)


class ResidualBlock(nn.Module):
    """Two conv-batchnorm layers with a residual connection around them (He et al. 2016).

    [N, in_channels, H, W] -> [N, out_channels, H, W]; the shortcut is a 1 x 1 convolution where the number of
    channels changes. A condition, where there is one, shifts the channels after the first batchnorm, and where they are
    `scaled` scales them too (Perez et al. 2018).
    """

    def __init__(self, in_channels: int, out_channels: int, condition: int = 0, scaled: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = BatchNorm(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = BatchNorm(out_channels)
        nn.init.zeros_(self.norm2.weight)  # each block starts as the identity (Goyal et al. 2017)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.shift = nn.Linear(condition, out_channels) if condition else None
        self.scale = nn.Linear(condition, out_channels) if condition and scaled else None
        if self.scale is not None:
            nn.init.zeros_(self.scale.weight)
            nn.init.zeros_(self.scale.bias)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.norm1(self.conv1(x))
        if self.scale is not None:
            h = h * (1 + self.scale(condition))[:, :, None, None]
        if self.shift is not None:
            h = h + self.shift(condition)[:, :, None, None]
        h = self.norm2(self.conv2(F.relu(h)))
        return F.relu(h + self.shortcut(x))


class Stage(nn.Module):
    """A run of residual blocks at one resolution."""

    def __init__(
        self, in_channels: int, out_channels: int, blocks: int, condition: int = 0, scaled: bool = False
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ResidualBlock(in_channels if i == 0 else out_channels, out_channels, condition, scaled)
            for i in range(blocks)
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            x = block(x, condition)
        return x
