"""Altered pictures by the way they came about: blended with a background or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unalter.alter import Alteration, Branch, Recipe, find_backgrounds
from unalter.alter.backgrounds import Backgrounds, blend, unblend
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
        return unblend(blend(images, self.backgrounds, which), self.backgrounds, which)  # with the same rounding


def group_by_blend(images: np.ndarray, recipe: Recipe) -> list[Group]:
    """Altered pictures uint8 [N, C, H, W] by whether they were blended; each came by any of the fitting branches.

    Backgrounds are those of the recipe, or looked for where it has none.
    """
    if recipe.needs_backgrounds and (found := find_backgrounds(images)) is not None:
        recipe = recipe.fitted_to(found)
    with_blend = [branch for branch in recipe.branches if _blends(branch)]
    other = _chains([branch for branch in recipe.branches if branch not in with_blend] or with_blend)
    unblended = recipe.unblend(images)
    if len(unblended.rows) == 0:
        return [Group(np.arange(len(images)), images, other)]
    rest = np.flatnonzero(unblended.backgrounds.members < 0)
    blends = Group(unblended.rows, unblended.images, _chains(with_blend), unblended.backgrounds)
    return [blends, Group(rest, images[rest], other)]


def _blends(branch: Branch) -> bool:
    return any(isinstance(step, Blend) for step in branch.steps)


def _chains(branches: list[Branch]) -> list[tuple[Alteration, ...]]:
    return [tuple(step for step in branch.steps if not isinstance(step, Blend)) for branch in branches]
