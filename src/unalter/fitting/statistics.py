"""Numbers that tell how a picture was altered, many for each picture: they are compared, not read one by one.

None of them needs to know which clean picture an altered one was made from. Subjects are taken for what differs
from the border's level; where that is wrong it is equally wrong for real and for imitated pictures.
"""

from __future__ import annotations

import math

import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn import functional as F

_ANGLES = 24
"""Poses that a subject is compared with, all around and mirrored: 15 degrees apart, refined by a parabola."""
_SIDE = 16
"""Side in pixels of the subjects that are compared, brought to one place and size."""
_PROTOTYPES = 20
"""Typical clean subjects, shared among the labels."""
_COMPONENTS = 12
"""Principal components of the clean pictures, and of the altered ones."""
_FILTERS = 24
"""Random 5 x 5 filters."""


class Statistics:
    """What is measured on pictures of one kind; the measures themselves are fitted to clean and altered ones.

    Args:
        clean: float32 [N, C, H, W] in 0..1, unaltered.
        altered: float32 [M, C, H, W] in 0..1, altered.
        labels: int64 [N] of the clean pictures, or None. Where labels are given, a picture's pose is found by
            comparing it with subjects of its label only.
        seed: of the random filters.
    """

    def __init__(self, clean: Tensor, altered: Tensor, labels: Tensor | None = None, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        if labels is None or len(labels.unique()) > _PROTOTYPES:
            labels = None
        self._templates = _templates(clean, labels, seed)
        self._by_label = labels is not None
        grey = clean.mean(1), altered.mean(1)
        self._components = [_components(_small(pictures)) for pictures in (grey[0], _ink(grey[1])[0])]
        patches = F.unfold(torch.cat(grey)[:, None], 5).transpose(1, 2).reshape(-1, 25)
        chosen = patches[torch.randint(len(patches), (4_000,), generator=generator)]
        # random directions in the whitened space of patches: as likely fine as coarse
        values, vectors = torch.linalg.eigh(torch.cov(chosen.T) + 1e-4 * torch.eye(25))
        filters = torch.randn(_FILTERS, 25, generator=generator) @ (vectors / values.sqrt()).T
        self._filters = (filters / filters.norm(dim=1, keepdim=True)).reshape(_FILTERS, 1, 5, 5)
        self._levels = (chosen @ self._filters.reshape(_FILTERS, 25).T).quantile(0.7, dim=0)

    def __call__(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Measure pictures [N, C, H, W] (with labels int64 [N]): float32 [N, S]."""
        grey = x.mean(1)
        ink, level = _ink(grey)
        columns = [level, *_values(x), *_differences(grey), *_extremes(grey), *_moments(ink)]
        if x.shape[1] == 3:
            columns += _colours(x)
        columns += self._pose(ink, labels if self._by_label else None)
        for pictures, (mean, directions) in zip((grey, ink), self._components, strict=True):
            centred = _small(pictures) - mean
            projected = centred @ directions
            rest = (centred.square().sum(1) - projected.square().sum(1)).clamp_min(0).sqrt()
            columns += [*projected.unbind(1), rest]
        responses = F.conv2d(
            grey[:, None], self._filters, -self._levels, stride=2
        )  # every place costs four times as much
        positive = responses.clamp_min(0).flatten(2)
        columns += [*positive.mean(2).unbind(1), *positive.sign().mean(2).unbind(1)]
        return torch.stack(columns, 1)

    def _pose(self, ink: Tensor, labels: Tensor | None) -> list[Tensor]:
        """How the subject stands beside clean ones: angle, mirrored or not, likeness."""
        subjects = _unit(_upright(ink).flatten(1))
        scores = torch.zeros(len(ink), 2, _ANGLES)
        if labels is None:
            likeness = subjects @ torch.cat(list(self._templates.values())).flatten(0, -2).T
            scores = likeness.reshape(len(ink), -1, 2, _ANGLES).amax(1)
        else:
            for label, templates in self._templates.items():
                rows = torch.nonzero(labels == label).squeeze(1)
                likeness = subjects[rows] @ templates.flatten(0, -2).T
                scores[rows] = likeness.reshape(len(rows), -1, 2, _ANGLES).amax(1)
        plain, mirrored = scores.amax(2).unbind(1)
        best, place = scores.flatten(1).max(1)
        curve = scores.reshape(-1, _ANGLES)[torch.arange(len(ink)) * 2 + place // _ANGLES]
        at = (place % _ANGLES)[:, None]
        before, after = (curve.gather(1, (at + by) % _ANGLES)[:, 0] for by in (-1, 1))
        vertex = 0.5 * (before - after) / (before - 2 * best + after).clamp_max(-1e-6)
        turn = (at[:, 0] + vertex.clamp(-0.5, 0.5)) / _ANGLES  # of a whole turn
        angle = (turn + 0.5) % 1 - 0.5
        upright = scores[:, 0, [-1, 0, 1]].amax(1)
        return [best, plain - mirrored, best - upright, best - scores.mean((1, 2)), angle, angle.abs()]


def _ink(grey: Tensor) -> tuple[Tensor, Tensor]:
    """What differs from the border's level, fine noise averaged out: [N, H, W], and that level [N]."""
    border = torch.cat([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], 1)
    level = border.median(1).values
    smooth = F.avg_pool2d(grey[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
    return ((smooth - level[:, None, None]).abs() - 0.1).clamp_min(0), level


def _values(x: Tensor) -> list[Tensor]:
    """How often which values occur; how many do at all."""
    codes = (x.flatten(1) * 255).round().long() + 256 * torch.arange(len(x))[:, None]
    counts = torch.bincount(codes.flatten(), minlength=256 * len(x)).reshape(len(x), 256).float()
    shares = counts / counts.sum(1, keepdim=True)
    cumulated = shares.cumsum(1)
    grey = torch.arange(256.0) / 255
    mean = shares @ grey
    spread = (shares @ grey.square() - mean.square()).clamp_min(0).sqrt()
    inner = shares[:, 1:-1]
    ends = [shares[:, 0], shares[:, 255], inner.amax(1), (counts > 0).float().sum(1).log()]
    highest = (counts > 0).float().mul(grey).amax(1)
    lowest = 1 - (counts > 0).float().mul(1 - grey).amax(1)
    return [mean, spread, lowest, highest, *ends, *cumulated[:, [5, 25, 76, 127, 178, 229, 249]].unbind(1)]


def _differences(grey: Tensor) -> list[Tensor]:
    """Sharpness and grain: differences of neighbours at three scales, second differences, a chequer."""
    columns = []
    pictures = grey
    for scale in range(3):
        if min(pictures.shape[1:]) < 3:
            pictures = F.interpolate(pictures[:, None], size=(3, 3), mode="bilinear")[:, 0]
        across, down = pictures.diff(dim=2), pictures.diff(dim=1)
        columns += [across.abs().mean((1, 2)), down.abs().mean((1, 2))]
        columns += [across.square().mean((1, 2)).sqrt(), down.square().mean((1, 2)).sqrt()]
        if scale == 0:
            second = torch.cat([across.diff(dim=2).flatten(1), down.diff(dim=1).flatten(1)], 1)
            chequer = across.diff(dim=1).flatten(1)
            columns += [across.abs().amax((1, 2)), second.abs().amax(1), chequer.abs().amax(1)]
            columns += [part for d in (second, chequer) for part in (d.abs().mean(1), d.square().mean(1).sqrt())]
            columns += [(across.abs() > 0.5).float().mean((1, 2)), (across == 0).float().mean((1, 2))]
        pictures = F.avg_pool2d(pictures[:, None], 2, ceil_mode=True)[:, 0]
    return columns


def _extremes(grey: Tensor) -> list[Tensor]:
    """Pixels that stand out from all their neighbours, and grain where it is dark, grey and bright."""
    centre = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1], grey[:, 2:, 1:-1], grey[:, 1:-1, :-2], grey[:, 1:-1, 2:]
    high = torch.maximum(torch.maximum(around[0], around[1]), torch.maximum(around[2], around[3]))
    low = torch.minimum(torch.minimum(around[0], around[1]), torch.minimum(around[2], around[3]))
    local = (around[0] + around[1] + around[2] + around[3]) / 4
    grain = (centre - local).abs()
    above, below = (centre - high).clamp_min(0), (low - centre).clamp_min(0)
    columns = [part for d in (above, below) for part in (d.mean((1, 2)), (d > 0.25).float().mean((1, 2)))]
    for lower, upper in ((-1.0, 0.15), (0.35, 0.65), (0.85, 2.0)):
        inside = ((local > lower) & (local < upper)).float()
        columns.append((grain * inside).sum((1, 2)) / (inside.sum((1, 2)) + 1))
    edge = torch.cat([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], 1)
    reach = max(min(grey.shape[1:]) // 7, 1)
    corners = [grey[:, v, h].mean((1, 2)) for v in _ends(reach) for h in _ends(reach)]
    return [*columns, edge.std(1), edge.mean(1), (edge == 0).float().mean(1), (edge == 1).float().mean(1), *corners]


def _ends(reach: int) -> tuple[slice, slice]:
    return slice(None, reach), slice(-reach, None)


def _frame(ink: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Mass [N], centre [N] across and down and radius [N] of the subjects in pixels, and the pixels' shares of mass."""
    height, width = ink.shape[1:]
    mass = ink.sum((1, 2))
    share = (ink + 1e-6) / (mass + 1e-6 * height * width)[:, None, None]
    across, down = torch.arange(width) - (width - 1) / 2, torch.arange(height) - (height - 1) / 2
    cx, cy = share.sum(1) @ across, share.sum(2) @ down
    spread = share.sum(1) @ across.square() + share.sum(2) @ down.square() - cx.square() - cy.square()
    return mass, cx, cy, spread.clamp_min(0.5).sqrt(), share


def _moments(ink: Tensor) -> list[Tensor]:
    """Place, size, length and direction of the subject; where it begins and ends."""
    height, width = ink.shape[1:]
    mass, cx, cy, radius, share = _frame(ink)
    u = (torch.arange(width) - (width - 1) / 2)[None, :] - cx[:, None]
    v = (torch.arange(height) - (height - 1) / 2)[None, :] - cy[:, None]
    rows, columns = share.sum(2), share.sum(1)
    uu, vv = (columns * u.square()).sum(1), (rows * v.square()).sum(1)
    uv = torch.einsum("nhw,nh,nw->n", share, v, u)
    long, direction = ((uu - vv).square() + 4 * uv.square()).sqrt(), torch.atan2(2 * uv, uu - vv)
    stretch = long / radius.square()
    u3, v3 = (columns * u.pow(3)).sum(1) / radius.pow(3), (rows * v.pow(3)).sum(1) / radius.pow(3)
    result = [mass.sqrt(), cx, cy, (cx.square() + cy.square()).sqrt(), radius.log(), stretch, u3, v3]
    result += [direction, stretch * direction.cos(), stretch * direction.sin(), ink.amax((1, 2))]
    for line in (ink.amax(1), ink.amax(2)):  # the box around what is clearly seen
        seen = (line > 0.3 * line.amax(1, keepdim=True)).float()
        steps = torch.arange(1.0, line.shape[1] + 1)
        last, first = (seen * steps).amax(1), (seen * steps.flip(0)).amax(1)
        result += [first, last, first + last]
    return result


def _colours(x: Tensor) -> list[Tensor]:
    """Differences between the channels, and their grain."""
    columns = []
    for one, other in ((0, 1), (1, 2)):
        difference = x[:, one] - x[:, other]
        columns += [difference.mean((1, 2)), difference.abs().mean((1, 2)), difference.diff(dim=2).abs().mean((1, 2))]
    return columns


def _upright(ink: Tensor, angle: Tensor | None = None, mirrored: bool = False) -> Tensor:
    """Subjects brought to the centre and to one size, or turned by angles [N] as well: [N, _SIDE, _SIDE]."""
    height, width = ink.shape[1:]
    _, cx, cy, radius, _ = _frame(ink)
    line = (torch.arange(_SIDE) + 0.5) * (2 / _SIDE) - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    u = -u if mirrored else u
    angle = torch.zeros(len(ink)) if angle is None else angle
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    reach = 2.2 * radius[:, None, None]  # the subject's ends lie about two radii out
    across = (cos * u - sin * v) * reach + cx[:, None, None]
    down = (sin * u + cos * v) * reach + cy[:, None, None]
    places = torch.stack([across * (2 / width), down * (2 / height)], -1)
    return F.grid_sample(ink[:, None], places, align_corners=False)[:, 0]


def _unit(rows: Tensor) -> Tensor:
    rows = rows - rows.mean(-1, keepdim=True)
    return rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-6)


def _templates(clean: Tensor, labels: Tensor | None, seed: int) -> dict[int, Tensor]:
    """Typical clean subjects in every pose, by label (0 where there are none): [K, 2, _ANGLES, _SIDE**2] each."""
    ink = _ink(clean.mean(1))[0]
    labels = torch.zeros(len(clean), dtype=torch.int64) if labels is None else labels
    known = labels.unique().tolist()
    angles = torch.arange(_ANGLES) * (2 * math.pi / _ANGLES)
    result = {}
    for label in known:
        rows = torch.nonzero(labels == label).squeeze(1)[:1_000]
        count = min(max(_PROTOTYPES // len(known), 1), len(rows))
        groups = torch.from_numpy(KMeans(count, random_state=seed).fit(_upright(ink[rows]).flatten(1)).labels_)
        poses = []
        for mirrored in (False, True):
            turned = [_upright(ink[rows], angle.expand(len(rows)), mirrored).flatten(1) for angle in angles]
            means = [torch.stack([pose[groups == k].mean(0) for pose in turned]) for k in range(count)]
            poses.append(torch.stack(means))
        result[label] = _unit(torch.stack(poses, 1))
    return result


def _small(pictures: Tensor) -> Tensor:
    """Pictures [N, H, W] as rows [N, D] of at most 28 x 28 values: finer ones cost more and tell no more."""
    height, width = pictures.shape[1:]
    if max(height, width) <= 28:
        return pictures.flatten(1)
    return F.adaptive_avg_pool2d(pictures[:, None], (min(height, 28), min(width, 28))).flatten(1)


def _components(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [D] and first principal directions [D, K] of rows [N, D]."""
    mean = rows.mean(0)
    # float64: in float32 LAPACK gives NaN where many pixels never change
    vectors = torch.linalg.eigh(torch.cov(rows.T).double()).eigenvectors
    return mean, vectors[:, -_COMPONENTS:].float()
