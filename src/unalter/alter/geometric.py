"""The alterations that move things, each a projective map from where things are seen to where they come from.

Places are (across, down, 1), -1..1 from edge to edge, so a pixel's centre lies half a pixel inside its edge. A
homography [3, 3] takes a place of the altered picture to one of the clean picture, up to a factor (Hartley and
Zisserman, Multiple View Geometry, 2004, chapter 2); maps of consecutive steps multiply, the first on the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.alter.alteration import Alteration, ParameterError, is_number, plain
from unalter.alter.draws import Draws
from unalter.images.foreground import pixel_centres

Sampling = Literal["nearest", "bilinear"]
Fill = float | Literal["edge", "mirror"]
"""What comes in from outside: a value in 0..1, the picture's last pixels drawn out, or its mirror image."""

_PADDING: dict[str, str] = {"edge": "border", "mirror": "reflection"}
"""What torch calls them."""
_HORIZON = 1e-3
"""Places whose third coordinate is smaller lie behind the viewer, or too far away to be seen."""


@dataclass(frozen=True, kw_only=True)
class Geometric(Alteration):
    """What moves things: `draw` says where to, `warp` does it."""

    def apply_with_homography(self, x: Tensor, random: Draws) -> tuple[Tensor, Tensor]:
        height, width = x.shape[-2:]
        homography = self.homography((height, width), random)
        if self.probability >= 1:
            return self.warp(x, homography), homography
        # pictures that stay are left out: sampling would change their last bit
        moved = (homography != torch.eye(3, device=x.device)).any(2).any(1)
        if x.device.type != "cpu":  # all are moved all the same, so that nothing waits to know how many
            return torch.where(moved.reshape(-1, 1, 1, 1), self.warp(x, homography), x), homography
        rows = torch.nonzero(moved).squeeze(1)
        return x.index_copy(0, rows, self.warp(x[rows], homography[rows])), homography

    def homography(self, size: tuple[int, int], random: Draws) -> Tensor:
        """Draw what a call with the same stream does to pictures of size (H, W).

        Returns:
            float32 [N, 3, 3], from altered to clean places; the identity for pictures to which it does not happen.
        """
        chosen = random.chance(self.probability)
        drawn = self.draw(size, random)
        return (
            drawn
            if self.probability >= 1
            else torch.where(chosen.reshape(-1, 1, 1), drawn, torch.eye(3, device=random.device))
        )

    def draw(self, size: tuple[int, int], random: Draws) -> Tensor:
        """The homographies float32 [N, 3, 3] if it happens to every picture."""
        raise NotImplementedError

    def warp(self, x: Tensor, homography: Tensor) -> Tensor:
        """The pictures [N, C, H, W] as they look when moved by homographies [N, 3, 3] that `draw` gave."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Resampled(Geometric):
    """A warp whose pixels are looked up in the clean picture; what comes in from outside is black, or `fill`."""

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"sampling": get_args(Sampling)}

    sampling: Sampling = "bilinear"
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        fill = plain(self.fill)
        if not (is_number(fill) and 0 <= fill <= 1) and not (isinstance(fill, str) and fill in _PADDING):
            raise ParameterError(self.name, "fill", fill, f"a number between 0 and 1, or {' or '.join(_PADDING)}")
        object.__setattr__(self, "fill", float(fill) if is_number(fill) else fill)

    def written(self) -> dict[str, Any]:
        values = super().written()
        if self.fill == 0:  # as in recipes of before there was a choice
            del values["fill"]
        return values

    def warp(self, x: Tensor, homography: Tensor) -> Tensor:
        return sample(x, homography, self.sampling, self.fill)


def sample(x: Tensor, homography: Tensor, sampling: Sampling = "bilinear", fill: Fill = 0.0) -> Tensor:
    """Look pictures up where homographies say; `fill` outside and behind the horizon.

    Args:
        x: float32 [N, C, H, W].
        homography: float32 [N, 3, 3], from places of the result to places of x.
        fill: a value; "edge"; or "mirror", which takes in the last pixels twice.

    Returns:
        float32 [N, C, H, W].
    """
    height, width = x.shape[-2:]
    u, v = pixel_centres(width, x.device), pixel_centres(height, x.device)[:, None]
    by_u, by_v, fixed = homography.reshape(-1, 3, 3, 1, 1).unbind(2)
    across, down, depth = (by_u * u + (by_v * v + fixed)).unbind(1)
    nearness = 1 / depth.clamp_min(_HORIZON)
    across = (across * nearness).masked_fill_(depth <= _HORIZON, 3.0)  # well outside
    # complex numbers lie in memory as grid_sample wants its places: an eighth of the time of stacking them
    places = torch.view_as_real(torch.complex(across, down * nearness))
    if isinstance(fill, str):
        return F.grid_sample(x, places, mode=sampling, padding_mode=_PADDING[fill], align_corners=False)
    if fill == 0:
        return F.grid_sample(x, places, mode=sampling, align_corners=False)
    return F.grid_sample(x - fill, places, mode=sampling, align_corners=False).add_(fill).clamp_(0, 1)


Row = tuple[Tensor | float, Tensor | float, Tensor | float]


def affine(across: Row, down: Row) -> Tensor:
    """Homographies float32 [N, 3, 3] whose last row is 0, 0, 1: of entries [N], or numbers that all have in common."""
    like = next(entry for entry in (*across, *down) if isinstance(entry, Tensor))
    fixed = {
        number: torch.full_like(like, number) for number in {0, 1, *across, *down} if not isinstance(number, Tensor)
    }
    rows = (*across, *down, 0, 0, 1)
    return torch.stack([e if isinstance(e, Tensor) else fixed[e] for e in rows], 1).reshape(-1, 3, 3)
