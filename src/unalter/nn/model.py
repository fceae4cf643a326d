"""The three models: one encoder, one decoder, what lies between them.

An AE has a plain code, a VAE a Gaussian one (`variational`), a CVAE is a VAE that knows the label (`classes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.nn.blocks import Stage
from unalter.nn.gaussian import DiagonalGaussian
from unalter.nn.mixture import Mixture
from unalter.nn.pose import Pose, PoseNet, ink

_POSES = 2
"""Poses that an encoder looks at: the second one is right where a 6 could be a 9."""
_COARSEST = 8
"""Pixels of a side that the coarsest stage has at most, but for small pictures."""
_FINEST_WIDTH, _WIDEST = 32, 128
_MIN_LOGVAR, _MAX_LOGVAR = -12.0, 6.0
"""Beyond these a variance is out of float32's useful range; reached only when training goes wrong."""


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
    """Of the mixture that codes are drawn from, for each class; variational models only."""
    pose: bool = False
    """Whether the encoder first finds how the subject lies, and also sees the picture put upright."""


def widths_for(height: int, width: int) -> tuple[int, ...]:
    """Channels of each stage for pictures of a size: as many stages as it takes to come down to 8 x 8, at least two."""
    stages = max(2, math.ceil(math.log2(max(height, width) / _COARSEST)))
    return tuple(min(_FINEST_WIDTH * 2**i, _WIDEST) for i in range(stages))


class Output(NamedTuple):
    """What a forward pass gives."""

    logits: Tensor
    """[N, C, H, W]; the sigmoid of it is the picture"""
    mu: Tensor
    """[N, latent]: the code, for a variational model the mean of its posterior"""
    logvar: Tensor | None
    """[N, latent], variational models only"""
    pose: Pose | None = None
    """what the encoder took the pose to be, models with `pose` only"""


class Encoder(nn.Module):
    """[N, C, H, W] in 0..1 (and the label's embedding [N, condition]) -> [N, outputs], and the pose if it is found.

    Pictures whose sides the strides do not divide are padded.
    """

    def __init__(self, shape: Architecture, outputs: int) -> None:
        super().__init__()
        stride = 2 ** len(shape.widths)
        below, right = -shape.height % stride, -shape.width % stride
        self.padding = (right // 2, right - right // 2, below // 2, below - below // 2)
        condition = shape.condition if shape.classes else 0
        self.pose = PoseNet(condition) if shape.pose else None
        seen = shape.channels * (1 + _POSES if shape.pose else 1)
        self.stem = nn.Conv2d(seen * 4, shape.widths[0], 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(shape.widths[0])
        self.stages = nn.ModuleList()
        self.reductions = nn.ModuleList()
        width = shape.widths[0]
        for i, (next_width, blocks) in enumerate(zip(shape.widths, shape.encoder_blocks, strict=True)):
            if i:
                self.reductions.append(nn.Conv2d(width, next_width, 2, stride=2, bias=False))
            self.stages.append(Stage(next_width, next_width, blocks, condition))
            width = next_width
        rows, columns = coarse_size(shape)
        self.head = nn.Linear(width * rows * columns, outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Pose | None]:
        pose = None
        if self.pose is not None:
            inked = ink(x)
            pose = self.pose(inked.mean(1, keepdim=True), condition)
            likeliest = pose.logits.topk(_POSES, 1).indices
            x = torch.cat([x, *(self.pose.upright(inked, pose, mode) for mode in likeliest.T)], 1)
        if any(self.padding):
            x = F.pad(x, self.padding, mode="replicate")
        x = F.pixel_unshuffle((x * 2 - 1).contiguous(memory_format=torch.channels_last), 2)
        x = F.relu(self.stem_norm(self.stem(x)))
        for i, stage in enumerate(self.stages):
            if i:
                x = self.reductions[i - 1](x)
            x = stage(x, condition)
        return self.head(x.flatten(1)), pose


class Decoder(nn.Module):
    """[N, latent] (and the label's embedding [N, condition]) -> logits [N, C, H, W]."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        condition = shape.condition if shape.classes else 0
        self.coarse = (shape.widths[-1], *coarse_size(shape))
        self.start = nn.Linear(shape.latent + condition, self.coarse[0] * self.coarse[1] * self.coarse[2])
        self.stages = nn.ModuleList()
        self.expansions = nn.ModuleList()
        width = shape.widths[-1]
        for i, (next_width, blocks) in enumerate(
            zip(reversed(shape.widths), reversed(shape.decoder_blocks), strict=True)
        ):
            if i:
                self.expansions.append(nn.ConvTranspose2d(width, next_width, 2, stride=2, bias=False))
            self.stages.append(Stage(next_width, next_width, blocks, condition))
            width = next_width
        self.end = nn.Conv2d(width, shape.channels * 4, 3, padding=1)

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


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder; no connection passes the bottleneck by."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.classes, shape.condition) if shape.classes else None
        self.encoder = Encoder(shape, shape.latent * (2 if shape.variational else 1))
        self.decoder = Decoder(shape)
        self.mixture = None
        if shape.variational:
            self.mixture = Mixture(max(1, shape.classes), shape.components, shape.latent)

    def posterior(self, x_alt: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Encode: float [N, C, H, W] in 0..1 and labels [N] -> mu [N, latent], logvar [N, latent] or None."""
        mu, logvar, _ = self._encode(x_alt, y)
        return mu, logvar

    def _encode(self, x_alt: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None, Pose | None]:
        coded, pose = self.encoder(x_alt, self._condition(y))
        if not self.shape.variational:
            return coded.float(), None, pose
        mu, logvar = coded.float().chunk(2, 1)
        return mu, logvar.clamp(_MIN_LOGVAR, _MAX_LOGVAR), pose

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Codes [N, latent] and labels [N] -> logits [N, C, H, W]."""
        logits = self.decoder(z, self._condition(y)).float()
        top, left = (logits.shape[-2] - self.shape.height) // 2, (logits.shape[-1] - self.shape.width) // 2
        return logits[..., top : top + self.shape.height, left : left + self.shape.width]

    def forward(self, x_alt: Tensor, y: Tensor | None = None, generator: torch.Generator | None = None) -> Output:
        """Encode, draw a code from the posterior (with `generator`; without one take its mean), decode."""
        mu, logvar, pose = self._encode(x_alt, y)
        z = mu
        if logvar is not None and generator is not None:
            z = DiagonalGaussian(mu, logvar).sample(generator)
        return Output(self.decode(z, y), mu, logvar, pose)

    def draw(self, label: int | None, count: int, generator: torch.Generator) -> Tensor:
        """Codes [count, latent] to generate from, on the CPU."""
        if self.mixture is None:
            raise ValueError("only a variational model has codes to draw")
        return self.mixture.sample(label or 0, count, generator)

    def _condition(self, y: Tensor | None) -> Tensor | None:
        if self.embedding is None:
            return None
        if y is None:
            raise ValueError("a model with classes needs labels")
        return self.embedding(y)


def coarse_size(shape: Architecture) -> tuple[int, int]:
    """Height and width of the coarsest stage, after padding."""
    stride = 2 ** len(shape.widths)
    return -(-shape.height // stride), -(-shape.width // stride)
