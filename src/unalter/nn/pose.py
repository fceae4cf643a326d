"""How the subject of an altered picture lies: a network that finds it, and puts the picture upright.

A turn about the centre is a shift in polar coordinates, so a convolutional network that looks at the picture in
polar coordinates, wrapping around the full turn, need not learn every angle anew (Esteves et al. 2018). It names
the turn to the nearest of a few angles, mirrored or not, and what is left of the pose as an affine map; with that
the picture is resampled (Jaderberg et al. 2015).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.images.foreground import pixel_centres
from unalter.nn.blocks import BatchNorm
from unalter.support.device import constant
from unalter.support.processes import ALONE, Processes

_ANGLES, _RADII = 32, 16
_TURNS = 16
"""Turns that are told apart; each can be mirrored."""
_MODES = 2 * _TURNS
_NOT_MOVED = _MODES
"""The mode after the others: the picture is as it was."""
_WIDTH = 32
_FIRST_SIZE = 0.85
"""Where learning starts: the subject a little smaller than it was."""
_POINTS = ((-0.5, -0.5, 1), (0.5, -0.5, 1), (0.5, 0.5, 1), (-0.5, 0.5, 1))
"""Places of the clean picture by which a pose is measured."""
_FRAME = ((-0.5, 0.5, 0.5, -0.5), (-0.5, -0.5, 0.5, 0.5), (0.25, 0.25, 0.25, 0.25))
"""What of these places makes the vectors across and down, and the middle."""


class Pose(NamedTuple):
    """What the network says of N pictures."""

    logits: Tensor
    """[N, 33]: of turn 0 plain, turn 0 mirrored, turn 1 plain, ..., not moved"""
    rest: Tensor
    """[N, 32, 6]: for each mode what is left, in turned coordinates: a matrix 2 x 2 and a shift from the centre"""
    centre: Tensor
    """[N, 2]: the centre of the foreground, across and down, -1..1"""


class PoseNet(nn.Module):
    """Finds poses: a foreground [N, 1, H, W] in 0..1, and a condition [N, condition] or None -> `Pose`.

    Places are float32 under autocast too: bf16 has eight bits, which are pixels in a picture of 256.
    """

    polar: Tensor
    turns: Tensor

    def __init__(self, condition: int = 0) -> None:
        super().__init__()
        angle = torch.arange(_ANGLES) * (2 * math.pi / _ANGLES)
        radius = (torch.arange(_RADII) + 0.5) / _RADII
        polar = torch.stack([angle.cos()[:, None] * radius, angle.sin()[:, None] * radius], -1)
        self.register_buffer("polar", polar[None], persistent=False)
        self.register_buffer("turns", _rotations(torch.arange(_TURNS) * (2 * math.pi / _TURNS)), persistent=False)
        self.stem = nn.Conv2d(4, _WIDTH, 3, padding=(0, 1), bias=False)
        self.stem_norm = BatchNorm(_WIDTH)
        self.fine = _WrappedBlock(_WIDTH)
        self.reduction = nn.Conv2d(_WIDTH, 2 * _WIDTH, (1, 2), stride=(1, 2), bias=False)
        self.coarse = _WrappedBlock(2 * _WIDTH)
        self.ring = nn.Linear(2 * _WIDTH * _RADII // 4, 32)
        self.around = nn.Conv2d(32, 128, (_TURNS, 1))
        self.label = nn.Linear(condition, 128) if condition else None
        self.mode = nn.Linear(128, 2)
        self.rest = nn.Linear(128, 12)
        self.not_moved = nn.Linear(128, 1)
        with torch.no_grad():
            self.rest.weight.mul_(0.1)
            self.rest.bias.copy_(torch.tensor([_FIRST_SIZE, 0, 0, _FIRST_SIZE, 0, 0]).repeat(2))
            self.not_moved.bias.fill_(3.0)

    def forward(self, foreground: Tensor, condition: Tensor | None = None) -> Pose:
        centre = _centre(foreground)
        x = F.grid_sample(foreground, self.polar + centre[:, None, None], align_corners=False)
        x = F.pixel_unshuffle(x * 2 - 0.4, 2).contiguous(memory_format=torch.channels_last)  # [N, 4, 16, 8]
        x = F.relu(self.stem_norm(self.stem(_wrap(x))))
        x = self.coarse(self.reduction(self.fine(x)))  # [N, 64, 16, 4]
        x = F.gelu(self.ring(x.permute(0, 2, 3, 1).flatten(2)))  # [N, 16, 32]
        x = torch.cat([x, x[:, :-1]], 1).permute(0, 2, 1)[..., None]  # every turn sees the whole circle
        x = self.around(x.contiguous(memory_format=torch.channels_last))[..., 0].permute(0, 2, 1)
        if self.label is not None:
            x = x + self.label(condition)[:, None]
        x = F.gelu(x).float()  # [N, 16, 128]
        with _without_autocast(x):
            logits = torch.cat([self.mode(x).flatten(1), self.not_moved(x.mean(1))], 1)
            return Pose(logits, self.rest(x).reshape(-1, _MODES, 6), centre)

    def upright(self, x: Tensor, pose: Pose, modes: Tensor) -> Tensor:
        """Pictures [N, C, H, W] resampled so that what lies as modes say stands upright.

        Args:
            modes: int64 [N], or several a picture, [N, M].

        Returns:
            [N, M C, H, W].
        """
        modes = modes[:, None] if modes.ndim == 1 else modes
        with _without_autocast(x):
            moved = (modes != _NOT_MOVED).reshape(-1, 1, 1)
            affine = torch.where(
                moved, self._affine(pose, modes.clamp(max=_MODES - 1)), torch.eye(2, 3, device=x.device)
            )
            count, channels, *size = x.shape
            each = modes.shape[1]
            grid = F.affine_grid(affine, [count * each, channels, *size], align_corners=False)
            repeated = x.unsqueeze(1).expand(-1, each, -1, -1, -1).flatten(0, 1)
            return F.grid_sample(repeated, grid, align_corners=False).reshape(count, each * channels, *size)

    def _affine(self, pose: Pose, modes: Tensor) -> Tensor:
        """Maps [N M, 2, 3], matrix and shift, from clean to altered places if poses are of the given modes [N, M]."""
        rest = pose.rest.gather(1, modes[:, :, None].expand(-1, -1, 6))
        matrix, shift = rest.split((4, 2), 2)
        sign = (1 - 2 * (modes % 2)).unsqueeze(2)  # of the first column
        entries = torch.stack([matrix[..., ::2] * sign, matrix[..., 1::2], shift], 3)
        turned = self.turns[modes // 2] @ entries
        return (turned + F.pad(pose.centre[:, None, :, None], (2, 0))).flatten(0, 1)


def pose_error(pose: Pose, homography: Tensor, whole: int | None = None, processes: Processes = ALONE) -> Tensor:
    """How far poses are from the true ones, a scalar.

    The cross-entropy of the modes in nats, plus twice the sum of the absolute errors of the rest; means over pictures.

    Args:
        homography: float32 [N, 3, 3], from places of the altered picture to places of the clean one.
        whole: how many pictures `processes` have together; what is returned adds up to the error of all.
    """
    with _without_autocast(homography):
        inverse = torch.linalg.inv_ex(homography).inverse  # inv would wait for the device
        places = _matrix(_POINTS, homography.device) @ inverse.transpose(1, 2)
        places = places[..., :2] / places[..., 2:].clamp_min(1e-3)
        mode, rest = _true_pose(places, pose.centre)
        moved = (homography != torch.eye(3, device=homography.device)).flatten(1).any(1)
        off = (pose.rest.take_along_dim(mode[:, None, None], 1)[:, 0] - rest).abs().sum(1)
        count = moved.sum()
        processes.sum_([count])
        wrong = F.cross_entropy(pose.logits, torch.where(moved, mode, _NOT_MOVED), reduction="sum")
        return wrong / (whole or len(mode)) + 2 * (off * moved).sum() / count.clamp_min(1)


def _true_pose(places: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Mode [N] and rest [N, 6] of pictures in which `_POINTS` lie at places [N, 4, 2]."""
    frame = _matrix(_FRAME, places.device) @ places  # rows: across, down, the middle
    across_u, across_v, down_u, down_v, _, _ = frame.flatten(1).unbind(1)
    mirrored = across_u * down_v < across_v * down_u
    sign = 1 - 2 * mirrored.to(places.dtype)
    angle = torch.atan2(across_v * sign - down_u, across_u * sign + down_v)
    turn = (angle / (2 * math.pi / _TURNS)).round().long() % _TURNS
    columns = torch.stack([frame[:, 0] * sign[:, None], frame[:, 1], frame[:, 2] - centre], 2)
    matrix, shift = (_rotations(turn * (-2 * math.pi / _TURNS)) @ columns).split((2, 1), 2)
    return 2 * turn + mirrored.long(), torch.cat([matrix.flatten(1), shift.flatten(1)], 1)


@constant
def _matrix(rows: tuple[tuple[float, ...], ...], device: torch.device) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32, device=device)


def _centre(foreground: Tensor) -> Tensor:
    height, width = foreground.shape[-2:]
    u, v = pixel_centres(width, foreground.device), pixel_centres(height, foreground.device)
    total = foreground.sum((1, 2, 3)).clamp_min(1e-3)
    across, down = (foreground.sum((1, 2)) * u).sum(1), (foreground.sum((1, 3)) * v).sum(1)
    return torch.stack([across / total, down / total], 1)


def _without_autocast(x: Tensor) -> torch.autocast:
    return torch.autocast(x.device.type, enabled=False)


def _rotations(angle: Tensor) -> Tensor:
    """[K] radians to matrices [K, 2, 2]."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)


class _Wrap(torch.autograd.Function):
    """Its gradient in one piece: three slices of it, added up, take seven times as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.cat([x[:, :, -1:], x, x[:, :, :1]], 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        own = gradient[:, :, 1:-1].contiguous(memory_format=torch.channels_last)
        own[:, :, -1:] += gradient[:, :, :1]
        own[:, :, :1] += gradient[:, :, -1:]
        return own


def _wrap(x: Tensor) -> Tensor:
    """Rows [N, C, H, W] that go around: the last before the first, and the first after the last."""
    return _Wrap.apply(x)  # pyright: ignore[reportReturnType]


class _WrappedBlock(nn.Module):
    """Two conv-batchnorm layers whose rows go around, with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=(0, 1), bias=False)
        self.norm1 = BatchNorm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=(0, 1), bias=False)
        self.norm2 = BatchNorm(channels)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norm1(self.conv1(_wrap(x))))
        return F.relu(x + self.norm2(self.conv2(_wrap(h))))
