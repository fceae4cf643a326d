"""Rough alignment of altered pictures with clean ones, on small smooth copies of both.

An altered picture's pose is looked for among many that a recipe can give, then improved by the inverse
compositional Gauss-Newton method (Baker and Matthews 2004).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.geometric import sample
from unalter.images.convert import to_float
from unalter.images.foreground import foreground, pixel_centres, without_fill

_SIDE = 16
"""Pixels, at most, of the longer side of a small copy: poses are smooth in it over several degrees."""
_BASIS = 64
"""Principal components that poses are compared in."""
_DAMPING = 0.01
_LONGEST_STEP = 0.3
"""Of the homography's eight entries together; a step from too far away goes astray."""


def grey_foreground(images: np.ndarray, unsigned: bool, fill: float | None = None) -> Tensor:
    """Grey copies on a ground of 0.

    Args:
        images: uint8 [N, C, H, W].
        unsigned: turn dark subjects on a bright ground into bright ones.
        fill: what moved pictures were filled with, which is taken for ground; None where it is black, or no value.

    Returns:
        float32 [N, 1, H, W] in -1..1.
    """
    x = to_float(images).mean(1, keepdim=True)
    x = foreground(x if fill is None else without_fill(x[:, 0], fill)[:, None])
    return x * torch.where(x.sum((1, 2, 3), keepdim=True) < 0, -1, 1) if unsigned else x


def downsample(x: Tensor) -> Tensor:
    """Small smooth copies [N, 1, h, w] of pictures float32 [N, 1, H, W]."""
    height, width = x.shape[-2:]
    factor = -(-max(height, width) // _SIDE)
    return F.adaptive_avg_pool2d(_box(x), (-(-height // factor), -(-width // factor)))


def spread_out(homographies: Tensor, count: int) -> Tensor:
    """Rows of `count` of the maps [L, 3, 3], each as far from the others as can be (Gonzalez 1985): int64 [count]."""
    places = corners(homographies)
    chosen = [0]
    distance = (places - places[0]).square().sum(1)
    while len(chosen) < count and distance.max() > 1e-6:
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (places - places[chosen[-1]]).square().sum(1))
    return torch.tensor(chosen)


def corners(homographies: Tensor) -> Tensor:
    """Where the corners of the clean picture lie in the altered one: [N, 3, 3] to [N, 8]."""
    square = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    moved = square @ torch.linalg.inv(homographies).transpose(1, 2)
    return (moved[..., :2] / moved[..., 2:]).flatten(1)


class Poses:
    """Poses (homographies) that altered pictures can have, against a gallery of clean pictures.

    Args:
        homographies: float32 [P, 3, 3], from altered to clean places.
        gallery: small copies of the clean pictures, float32 [N, 1, h, w].
    """

    def __init__(self, homographies: Tensor, gallery: Tensor) -> None:
        self.homographies = homographies
        flat = gallery.flatten(1)
        height, width = gallery.shape[-2:]
        rows = torch.linspace(0, len(flat) - 1, min(len(flat), 2000)).long()
        basis = torch.linalg.svd(flat[rows], full_matrices=False).Vh[:_BASIS]
        self._gallery = F.normalize(flat @ basis.T, dim=1)
        pictures = basis.reshape(-1, 1, height, width)
        moved_bases = []
        for homography in homographies:
            moved = sample(pictures, homography.expand(len(pictures), 3, 3))
            moved_bases.append((moved * _area(homography, height, width)).flatten(1).T)
        self._moved = torch.cat(moved_bases, 1)

    def best(self, altered: Tensor, candidates: Tensor, count: int) -> Tensor:
        """The likeliest poses of each altered picture, for each of its candidates.

        Args:
            altered: small copies float32 [n, 1, h, w].
            candidates: int64 [n, K], rows of the gallery.

        Returns:
            float32 [n, K, count, 3, 3], best first.
        """
        count = min(count, len(self.homographies))
        n, k = candidates.shape
        projected = altered.flatten(1) @ self._moved
        projected = F.normalize(projected.reshape(n, len(self.homographies), -1), dim=2)
        likeness = projected @ self._gallery[candidates].transpose(1, 2)
        return self.homographies[likeness.transpose(1, 2).topk(count, 2).indices].reshape(n, k, count, 3, 3)


def _area(homography: Tensor, height: int, width: int) -> Tensor:
    """How much of the clean picture a pixel of the altered one covers, [h, w]: the map's Jacobian determinant."""
    points = _points(height, width)
    depth = (points @ homography[2]).clamp_min(0.05)
    return (torch.linalg.det(homography).abs() / depth**3).clamp(max=20).reshape(height, width)


def align(altered: Tensor, clean: Tensor, initial: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Improve homographies so that clean pictures, moved, blurred and scaled in grey, become the altered one.

    Args:
        altered: grey foregrounds, downsampled or not, float32 [n, 1, h, w].
        clean: the same of pictures that each may have come from, float32 [n, K, h, w].
        initial: float32 [n, K, 3, 3].

    Returns:
        The homographies [n, K, 3, 3], and the share of the altered picture's energy that is left unexplained [n, K].
    """
    n, count = clean.shape[:2]
    target = altered.flatten(1)
    energy = target.square().sum(1, keepdim=True).clamp_min(1e-9)
    jacobian = _jacobian(altered)
    square = jacobian.transpose(1, 2) @ jacobian
    diagonal = torch.diagonal(square, dim1=1, dim2=2)
    damped = square + torch.diag_embed(_DAMPING * diagonal + 1e-4 * diagonal.mean(1, keepdim=True) + 1e-9)
    solver = torch.linalg.solve(damped, jacobian.transpose(1, 2)).transpose(1, 2)  # one for all candidates
    pictures, repeated = clean.flatten(0, 1)[:, None], target.repeat_interleave(count, 0)
    homography, best, unexplained = initial, initial, torch.full((n, count), torch.inf)
    for step in range(steps + 1):
        error = (_like(sample(pictures, homography.flatten(0, 1)), repeated) - repeated).reshape(n, count, -1)
        now = error.square().sum(2) / energy
        better = now < unexplained
        unexplained = torch.where(better, now, unexplained)
        best = torch.where(better[:, :, None, None], homography, best)
        if step == steps:
            break
        change = error @ solver
        change = change * (_LONGEST_STEP / change.norm(dim=2, keepdim=True).clamp_min(_LONGEST_STEP))
        increment = F.pad(change, (0, 1)).reshape(n, count, 3, 3) + torch.eye(3)
        homography = homography @ torch.linalg.inv(increment)
        homography = homography / homography[..., 2:, 2:]
    return best, unexplained


def _like(moved: Tensor, target: Tensor) -> Tensor:
    """The mixture of [n, 1, h, w] and its blurred self that is nearest to the target [n, h * w]."""
    sharp, soft = moved.flatten(1), _box(moved).flatten(1)
    aa, ab, bb = (sharp * sharp).sum(1) + 1e-4, (sharp * soft).sum(1), (soft * soft).sum(1) + 1e-4
    at, bt = (sharp * target).sum(1), (soft * target).sum(1)
    scale = 1 / (aa * bb - ab * ab)
    return ((bb * at - ab * bt) * scale)[:, None] * sharp + ((aa * bt - ab * at) * scale)[:, None] * soft


def _box(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1)


def _points(height: int, width: int) -> Tensor:
    """Places of the pixels, (across, down, 1): [h * w, 3]."""
    v, u = torch.meshgrid(pixel_centres(height), pixel_centres(width), indexing="ij")
    return torch.stack([u, v, torch.ones_like(u)], -1).reshape(-1, 3)


def _jacobian(x: Tensor) -> Tensor:
    """How [n, 1, h, w] changes with the eight entries of a homography at the identity: [n, h * w, 8]."""
    height, width = x.shape[-2:]
    across = F.pad((x[..., 2:] - x[..., :-2]) * (width / 4), (1, 1)).flatten(1)
    down = F.pad((x[:, :, 2:] - x[:, :, :-2]) * (height / 4), (0, 0, 1, 1)).flatten(1)
    u, v, _ = _points(height, width).T
    lengthwise = across * u + down * v
    columns = [across * u, across * v, across, down * u, down * v, down, -lengthwise * u, -lengthwise * v]
    return torch.stack(columns, 2)
