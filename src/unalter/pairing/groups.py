"""Altered pictures by the way they came about: blended with a background or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unalter.alter import Alteration, Branch, Recipe, find_backgrounds
from unalter.alter.backgrounds import Backgrounds, blended, win_back, without
from unalter.alter.kinds.blend import Blend
from unalter.pairing.search import GallerySearch


@dataclass(frozen=True)
class Group:
    """Altered pictures that came about in the same way."""

    rows: np.ndarray
    """int64 [M]: which altered pictures"""
    images: np.ndarray
    """uint8 [M, C, H, W]: without the background that they were blended with, if any"""
    chains: list[tuple[Alteration, ...]]
    """A branch's steps without blends each; one of them was taken."""
    backgrounds: Backgrounds | None = None
    """What they were blended with."""

    def among(self, rows: np.ndarray) -> Group:
        """Those of the group that are among some altered pictures, int64 [K]."""
        which = np.isin(self.rows, rows)
        return replace(self, rows=self.rows[which], images=self.images[which])

    def imitate(self, search: GallerySearch, origin: np.ndarray) -> np.ndarray:
        """Pictures made from clean ones (rows int64 [M]) as those of the group were: uint8 [M, C, H, W]."""
        images = search.imitate(origin)
        if self.backgrounds is None:
            return images
        which = np.arange(len(images)) % len(self.backgrounds.images)
        return without(blended(images, self.backgrounds, which), self.backgrounds, which)  # with the same rounding


def group_by_blend(images: np.ndarray, recipe: Recipe) -> list[Group]:
    """Altered pictures uint8 [N, C, H, W] by whether they were blended; each came by any of the fitting branches."""
    found = find_backgrounds(images) if recipe.blends else None
    with_blend = [branch for branch in recipe.branches if _blends(branch)]
    other = [branch for branch in recipe.branches if branch not in with_blend]
    if found is None:
        return [Group(np.arange(len(images)), images, _chains(other or with_blend))]
    rows, subjects = win_back(images, found)
    rest = np.flatnonzero(found.members < 0)
    return [Group(rows, subjects, _chains(with_blend), found), Group(rest, images[rest], _chains(other or with_blend))]


def _blends(branch: Branch) -> bool:
    return any(isinstance(step, Blend) for step in branch.steps)


def _chains(branches: list[Branch]) -> list[tuple[Alteration, ...]]:
    return [tuple(step for step in branch.steps if not isinstance(step, Blend)) for branch in branches]
