"""Numbers that tell how a picture was altered, many for each picture: they are compared, not read one by one.

None of them needs to know which clean picture an altered one was made from. Subjects are taken for what differs
from the border's level; where that is wrong it is equally wrong for real and for imitated pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.images.foreground import without_fill
from unalter.images.subjects import ANGLES, PROTOTYPES, Frame, find_subjects, pose_templates, standardised, upright

_COMPONENTS = 12
"""Principal components of the clean pictures, and of the altered ones."""
_ROUNDING = 1e-10
"""Variances of pixels in 0..1 that are no more than what float32 leaves of none."""
_FILTERED = 32
"""Places along a side, at least, at which filters look at pictures of twice as many pixels: all of them cost time."""
_FILTERS = 24
"""Random 5 x 5 filters."""

_COLOURS = "their colours"
_GROUPS = (
    "how bright they are", "sharpness and grain", "grain and single pixels", "borders and corners",
    "where things lie, and how large and long they are", _COLOURS, "how things are turned, and what they look like",
    "the rough look", "the shape of things", "fine patterns",
)  # fmt: skip


class Statistics:
    """What is measured on pictures of one kind; the measures themselves are fitted to clean and altered ones.

    Args:
        clean: float32 [N, C, H, W] in 0..1, unaltered.
        altered: float32 [M, C, H, W] in 0..1, altered.
        labels: int64 [N] of the clean pictures, or None. Where labels are given, a picture's pose is found by
            comparing it with subjects of its label only.
        seed: of the random filters.
        fill: what moved pictures were filled with, a value in 0..1; None where that is not told from the ground.
    """

    def __init__(
        self, clean: Tensor, altered: Tensor, labels: Tensor | None = None, seed: int = 0, fill: float | None = None
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._fill = fill
        if labels is None or len(labels.unique()) > PROTOTYPES:
            labels = None
        self._templates = pose_templates(clean, labels, seed)
        self._by_label = labels is not None
        grey = clean.mean(1), altered.mean(1)
        self._components = [_components(_small(pictures)) for pictures in (grey[0], self._subjects(grey[1])[0])]
        patches = F.unfold(torch.cat(grey)[:, None], 5).transpose(1, 2).reshape(-1, 25)
        chosen = patches[torch.randint(len(patches), (4_000,), generator=generator)]
        # random directions in the whitened space of patches: as likely fine as coarse
        values, vectors = torch.linalg.eigh(torch.cov(chosen.T) + 1e-4 * torch.eye(25))
        filters = torch.randn(_FILTERS, 25, generator=generator) @ (vectors / values.sqrt()).T
        self._filters = (filters / filters.norm(dim=1, keepdim=True)).reshape(_FILTERS, 1, 5, 5)
        self._levels = (chosen @ self._filters.reshape(_FILTERS, 25).T).quantile(0.7, dim=0)

    def __call__(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Measure pictures [N, C, H, W] (with labels int64 [N]): float32 [N, S]."""
        return torch.cat(self._groups(x, labels), 1)

    def groups(self, x: Tensor, labels: Tensor | None = None) -> list[str]:
        """What each of S statistics tells of, in words; from any pictures, as `__call__` takes them."""
        names = [name for name in _GROUPS if x.shape[1] == 3 or name != _COLOURS]
        return [name for name, part in zip(names, self._groups(x, labels), strict=True) for _ in range(part.shape[1])]

    def _groups(self, x: Tensor, labels: Tensor | None) -> list[Tensor]:
        grey = x.mean(1) if x.shape[1] > 1 else x[:, 0]
        subject, level = self._subjects(grey)
        frame = Frame(subject)
        groups = [[level, *_values(x)], _differences(grey), _grain(grey), _border(grey), _moments(subject, frame)]
        groups += [
            _colours(x) if x.shape[1] == 3 else [],
            self._pose(subject, frame, labels if self._by_label else None),
        ]
        for pictures, (mean, directions) in zip((grey, subject), self._components, strict=True):
            centred = _small(pictures) - mean
            projected = centred @ directions
            rest = (_square_sum(centred) - projected.square().sum(1)).clamp_min(0).sqrt()
            groups.append([projected, rest])
        # every place costs four times as much
        stride = max(min(grey.shape[1:]) // _FILTERED, 2)
        responses = F.conv2d(grey[:, None], self._filters, -self._levels, stride=stride)
        positive = responses.clamp_min_(0).flatten(2)
        groups.append([positive.mean(2), positive.sign().mean(2)])
        return [torch.cat([column.reshape(len(x), -1) for column in group], 1) for group in groups if group]

    def _subjects(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        return find_subjects(grey if self._fill is None else without_fill(grey, self._fill))

    def _pose(self, subject: Tensor, frame: Frame, labels: Tensor | None) -> list[Tensor]:
        """How the subject stands beside clean ones: angle, mirrored or not, likeness."""
        subjects = standardised(upright(subject, frame).flatten(1))
        scores = torch.zeros(len(subject), 2, ANGLES)
        if labels is None:
            likeness = subjects @ torch.cat(list(self._templates.values())).flatten(0, -2).T
            scores = likeness.reshape(len(subject), -1, 2, ANGLES).amax(1)
        else:
            for label, templates in self._templates.items():
                rows = torch.nonzero(labels == label).squeeze(1)
                if len(rows):
                    likeness = subjects[rows] @ templates.flatten(0, -2).T
                    scores[rows] = likeness.reshape(len(rows), -1, 2, ANGLES).amax(1)
        plain, mirrored = scores.amax(2).unbind(1)
        best, place = scores.flatten(1).max(1)
        curve = scores.reshape(-1, ANGLES)[torch.arange(len(subject)) * 2 + place // ANGLES]
        at = (place % ANGLES)[:, None]
        before, after = (curve.gather(1, (at + by) % ANGLES)[:, 0] for by in (-1, 1))
        vertex = 0.5 * (before - after) / (before - 2 * best + after).clamp_max(-1e-6)
        turn = (at[:, 0] + vertex.clamp(-0.5, 0.5)) / ANGLES  # of a whole turn
        angle = (turn + 0.5) % 1 - 0.5
        unturned = scores[:, 0, [-1, 0, 1]].amax(1)
        return [best, plain - mirrored, best - unturned, best - scores.mean((1, 2)), angle, angle.abs()]


def _halved(grey: Tensor) -> Tensor:
    """Means over 2 x 2 pixels; a last odd row or column stands alone. A third of the time of `avg_pool2d`."""
    for dim in (1, 2):
        size = grey.shape[dim]
        pairs = grey.narrow(dim, 0, size - size % 2).unflatten(dim, (-1, 2))
        halved = pairs.select(dim + 1, 0).add(pairs.select(dim + 1, 1)).div_(2)
        grey = torch.cat([halved, grey.narrow(dim, size - 1, 1)], dim) if size % 2 else halved
    return grey


def _share(seen: Tensor) -> Tensor:
    """The share of True among the places of each picture: bool [N, ...] to [N]."""
    # torch is many times slower from bool to float than from uint8
    return seen.view(torch.uint8).flatten(1).float().mean(1)


def _square_sum(values: Tensor) -> Tensor:
    """The sum of squares for each picture: [N, ...] to [N]."""
    return torch.linalg.vector_norm(values.flatten(1), dim=1).square_()


def _mean_and_deviation(values: Tensor) -> list[Tensor]:
    """Mean magnitude and root mean square of each picture's values: [N, ...] to two of [N]."""
    values = values.flatten(1)
    return [values.abs().mean(1), torch.linalg.vector_norm(values, dim=1) / values.shape[1] ** 0.5]


def _values(x: Tensor) -> list[Tensor]:
    """How often which values occur; how many do at all."""
    codes = (x.flatten(1) * 255).round_().int().add_(256 * torch.arange(len(x), dtype=torch.int32)[:, None])
    counts = torch.bincount(codes.flatten(), minlength=256 * len(x)).reshape(len(x), 256).float()
    occurs = (counts > 0).float()
    shares = counts / counts.sum(1, keepdim=True)
    cumulated = shares.cumsum(1)
    grey = torch.arange(256.0) / 255
    mean = shares @ grey
    spread = (shares @ grey.square() - mean.square()).clamp_min(0).sqrt()
    inner = shares[:, 1:-1]
    ends = [shares[:, 0], shares[:, 255], inner.amax(1), occurs.sum(1).log()]
    highest = occurs.mul(grey).amax(1)
    lowest = 1 - occurs.mul(1 - grey).amax(1)
    return [mean, spread, lowest, highest, *ends, cumulated[:, [5, 25, 76, 127, 178, 229, 249]]]


def _differences(grey: Tensor) -> list[Tensor]:
    """Sharpness and grain: differences of neighbours at three scales, second differences, a chequer."""
    columns = []
    pictures = grey
    for scale in range(3):
        if min(pictures.shape[1:]) < 3:
            pictures = F.interpolate(pictures[:, None], size=(3, 3), mode="bilinear")[:, 0]
        across, down = pictures.diff(dim=2), pictures.diff(dim=1)
        columns += [*_mean_and_deviation(across), *_mean_and_deviation(down)]
        if scale == 0:
            second = torch.cat([across.diff(dim=2).flatten(1), down.diff(dim=1).flatten(1)], 1)
            chequer = across.diff(dim=1).flatten(1)
            columns += [change.abs().flatten(1).amax(1) for change in (across, second, chequer)]
            columns += [*_mean_and_deviation(second), *_mean_and_deviation(chequer)]
            columns += [_share(across.abs() > 0.5), _share(across == 0)]
        pictures = _halved(pictures)
    return columns


def _grain(grey: Tensor) -> list[Tensor]:
    """Pixels that stand out from all their neighbours, and grain where it is dark, grey and bright."""
    centre = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1], grey[:, 2:, 1:-1], grey[:, 1:-1, :-2], grey[:, 1:-1, 2:]
    high = torch.maximum(torch.maximum(around[0], around[1]), torch.maximum(around[2], around[3]))
    low = torch.minimum(torch.minimum(around[0], around[1]), torch.minimum(around[2], around[3]))
    local = (around[0] + around[1] + around[2] + around[3]) / 4
    grain = (centre - local).abs()
    above, below = (centre - high).clamp_min(0), (low - centre).clamp_min(0)
    columns = [part for d in (above, below) for part in (d.flatten(1).mean(1), _share(d > 0.25))]
    for lower, upper in ((-1.0, 0.15), (0.35, 0.65), (0.85, 2.0)):
        inside = ((local > lower) & (local < upper)).view(torch.uint8).float().flatten(1)
        columns.append((grain.flatten(1) * inside).sum(1) / (inside.sum(1) + 1))
    return columns


def _border(grey: Tensor) -> list[Tensor]:
    """How even and how bright border and corners are."""
    edge = torch.cat([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], 1)
    reach = max(min(grey.shape[1:]) // 7, 1)
    corners = [grey[:, v, h].mean((1, 2)) for v in _ends(reach) for h in _ends(reach)]
    return [edge.std(1), edge.mean(1), _share(edge == 0), _share(edge == 1), *corners]


def _ends(reach: int) -> tuple[slice, slice]:
    return slice(None, reach), slice(-reach, None)


def _moments(subject: Tensor, frame: Frame) -> list[Tensor]:
    """Place, size, length and direction of the subject; where it begins and ends."""
    cx, cy, radius = frame.cx, frame.cy, frame.radius
    u, v = frame.across - cx[:, None], frame.down - cy[:, None]
    uu, vv = (frame.columns * u.square()).sum(1), (frame.rows * v.square()).sum(1)
    uv = ((frame.share @ u[:, :, None])[:, :, 0] * v).sum(1)
    long, direction = ((uu - vv).square() + 4 * uv.square()).sqrt(), torch.atan2(2 * uv, uu - vv)
    stretch = long / radius.square()
    u3, v3 = (frame.columns * u.pow(3)).sum(1) / radius.pow(3), (frame.rows * v.pow(3)).sum(1) / radius.pow(3)
    result = [frame.mass.sqrt(), cx, cy, (cx.square() + cy.square()).sqrt(), radius.log(), stretch, u3, v3]
    result += [direction, stretch * direction.cos(), stretch * direction.sin(), subject.flatten(1).amax(1)]
    for lines in (subject, subject.transpose(1, 2).contiguous()):  # the box around what is clearly seen
        line = torch.from_numpy(lines.numpy().max(1))  # torch takes ten times as long
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


def _small(pictures: Tensor) -> Tensor:
    """Pictures [N, H, W] as rows [N, D] of at most 28 x 28 values: finer ones cost more and tell no more."""
    height, width = pictures.shape[1:]
    if max(height, width) <= 28:
        return pictures.flatten(1)
    return F.adaptive_avg_pool2d(pictures[:, None], (min(height, 28), min(width, 28))).flatten(1)


def _components(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [D] and first principal directions [D, K] of rows [N, D]."""
    mean = rows.mean(0)
    covariance = torch.cov(rows.T).double()  # in float32 LAPACK gives NaN where many pixels never change
    if covariance.abs().max() < _ROUNDING:  # one picture again and again: LAPACK finds no directions in what is left
        covariance.zero_()
    vectors = torch.linalg.eigh(covariance).eigenvectors
    return mean, vectors[:, -_COMPONENTS:].float()
