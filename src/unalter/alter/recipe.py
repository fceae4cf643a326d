"""Recipes: which alterations, how likely, how strong; kept as YAML that a person reads and edits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from unalter.alter.alteration import Alteration, ParameterError
from unalter.alter.background_files import save_backgrounds
from unalter.alter.backgrounds import Backgrounds, Unblended, recognise
from unalter.alter.draws import Draws, KeyedDraws, fold_in
from unalter.alter.geometric import Geometric
from unalter.alter.kinds.blend import Blend
from unalter.data.given import as_batch
from unalter.images.convert import to_float, to_uint8
from unalter.support.arguments import as_path, as_seed
from unalter.support.errors import InputError
from unalter.support.files import write_text


@dataclass(frozen=True)
class Branch:
    """One way a picture can go.

    Raises:
        ParameterError: a share that cannot be.
    """

    share: float
    """Of the pictures, above 0 and at most 1. Shares count in proportion: they need not add up to 1."""
    steps: Sequence[Alteration]
    """Its alterations in their order, none or more; kept as a tuple."""

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not isinstance(self.share, (int, float)) or not 0 < self.share <= 1:
            raise ParameterError("branch", "share", self.share, "a number above 0 and at most 1")
        object.__setattr__(self, "share", float(self.share))
        object.__setattr__(self, "steps", tuple(self.steps))

    def applied(self, x: Tensor, random: Draws) -> tuple[Tensor, Tensor | None]:
        """Pictures taken through the steps, and the homographies of all together; None where nothing can move."""
        homography = None
        for step in self.steps:
            x, moves = step.apply_with_homography(x, random)
            homography = homography if moves is None else moves if homography is None else homography @ moves
        return x, homography

    @property
    def title(self) -> str:
        """The names of its alterations."""
        return "+".join(step.name for step in self.steps) or "none"

    @property
    def words(self) -> list[str]:
        """Its alterations, for a person: those that do not always happen with how often they do."""
        return [step.name if step.probability >= 1 else f"{step.name} ({step.probability:.0%})" for step in self.steps]


@dataclass(frozen=True)
class Recipe:
    """Every picture takes one branch, at random by share, and goes through its steps.

    Raises:
        ParameterError: no branch.
    """

    name: str
    branches: Sequence[Branch]
    """Kept as a tuple."""
    note: str = ""
    """What a person should know of it, as what a fitted one does not explain."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", tuple(self.branches))
        if not self.branches:
            raise ParameterError("recipe", "branches", [], "a list of one branch or more")

    def __call__(self, pictures: Any, random: Draws | None = None, *, seed: int = 0) -> Any:
        """Alter pictures.

        Args:
            pictures: in any form that `Model.denoise` takes, of one size. With `random`: float32 [N, C, H, W] in 0..1.
            random: one stream a picture; the same stream gives the same result in any batch. None: those of `seed`.
            seed: what happens to a picture depends on it and on the picture's place, as in `unalter.alter`.

        Returns:
            Pictures of the kind that was given. With `random`: float32 [N, C, H, W] in 0..1, rounded to the 256 values
            that a file can hold.

        Raises:
            InputError: something that is no picture; a recipe that blends, and has no backgrounds.
        """
        if random is not None:
            return self.apply_with_homography(pictures, random)[0]
        if self.needs_backgrounds:
            raise InputError(
                f"recipe {self.name}: blends, and has no backgrounds; load_recipe(name, shape=(C, H, W)) takes "
                "patterns, and unalter.recipe(...) finds those of a data set"
            )
        batch, restore = as_batch(pictures)
        keys = fold_in(as_seed(seed), torch.arange(len(batch)))
        return restore(self.apply_with_homography(batch, KeyedDraws(keys))[0])

    def apply_with_homography(self, x: Tensor, random: Draws) -> tuple[Tensor, Tensor]:
        """Alter a batch and tell how things moved.

        Returns:
            What a call returns, and the homographies float32 [N, 3, 3] that take a place of the altered picture
            to where it comes from in the clean one (see `geometric`); the identity where nothing moved.
        """
        branch_index = self.branch_index(random)
        altered = torch.empty_like(x)
        moved = torch.eye(3, device=x.device).repeat(len(x), 1, 1)
        for number, branch in enumerate(self.branches):
            own = branch_index == number
            if x.device.type != "cpu":  # all go through, so that nothing waits to know how many there are
                part, homography = branch.applied(x, random.fork())
                altered = torch.where(own.reshape(-1, 1, 1, 1), part, altered)
                moved = moved if homography is None else torch.where(own.reshape(-1, 1, 1), homography, moved)
            elif len(rows := torch.nonzero(own).squeeze(1)):
                altered[rows], homography = branch.applied(x[rows], random[rows])
                moved = moved if homography is None else moved.index_copy_(0, rows, homography)
        return (altered * 255).round_().clamp_(0, 255).div_(255), moved

    def check(self, shape: tuple[int, int, int]) -> None:
        """Take every branch once on a picture of shape (C, H, W).

        Raises:
            InputError: a step cannot be applied to such pictures.
        """
        for branch in self.branches:
            x = torch.zeros(1, *shape)
            for step in branch.steps:
                x = step(x, KeyedDraws(torch.zeros(1, dtype=torch.int64)))

    def branch_index(self, random: Draws) -> Tensor:
        """Which branch each picture takes, int64 [N]; draws the first number of every stream."""
        draw = random.uniform()
        index = torch.zeros_like(draw, dtype=torch.int64)
        for edge in self._edges:
            index += draw >= edge
        return index

    @cached_property
    def _edges(self) -> list[float]:
        """Where a draw from 0 to 1 passes from one branch to the next."""
        shares = torch.tensor([branch.share for branch in self.branches])
        return (shares / shares.sum()).cumsum(0)[:-1].tolist()

    def summary(self) -> str:
        """What it does, for a person: a line a branch."""
        total = sum(branch.share for branch in self.branches)
        lines = [f"recipe {self.name}:"]
        for branch in self.branches:
            lines.append(f"  {branch.share / total:.0%} of the pictures: {', '.join(branch.words) or 'nothing'}")
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)

    @property
    def moves(self) -> bool:
        """Whether a step moves things."""
        return any(isinstance(step, Geometric) for branch in self.branches for step in branch.steps)

    @property
    def needs_backgrounds(self) -> bool:
        """Whether a step blends with backgrounds that the recipe does not have."""
        return any(
            isinstance(step, Blend) and step.backgrounds is None for branch in self.branches for step in branch.steps
        )

    @property
    def blends(self) -> bool:
        """Whether a step needs backgrounds."""
        return any(isinstance(step, Blend) for branch in self.branches for step in branch.steps)

    def with_backgrounds(self, backgrounds: Tensor) -> Recipe:
        """The same recipe with these backgrounds (float32 [K, C, H, W] in 0..1) in its blends."""
        return self._blends_replaced(lambda step: replace(step, backgrounds=backgrounds))

    def to(self, device: torch.device) -> Recipe:
        """The same recipe with its backgrounds on a device, so that no step has to bring them there."""
        return self._blends_replaced(
            lambda step: step if step.backgrounds is None else replace(step, backgrounds=step.backgrounds.to(device))
        )

    def fitted_to(self, found: Backgrounds | None) -> Recipe:
        """Take backgrounds, weight and share of the blends from what was found in an altered folder.

        Where none was found the blending branches go.

        Raises:
            InputError: nothing of the recipe is left.
        """
        plain = [branch for branch in self.branches if not any(isinstance(s, Blend) for s in branch.steps)]
        blended = [branch for branch in self.branches if branch not in plain]
        if not blended:
            return self
        if found is None:
            if not plain:
                raise InputError(f"recipe {self.name} only blends, and the altered folder shows no fixed backgrounds")
            return replace(self, branches=tuple(plain))
        if plain:
            blended = _with_total(blended, found.share)
            plain = _with_total(plain, 1 - found.share)
        pictures = to_float(found.images)
        weight = (round(found.weight, 4),) * 2
        return replace(self, branches=(*blended, *plain))._blends_replaced(
            lambda step: replace(step, backgrounds=pictures, weight=weight)
        )

    def unblend(self, images: np.ndarray) -> Unblended:
        """Tell which altered pictures were blended with the recipe's backgrounds, and what they were before.

        Args:
            images: uint8 [N, C, H, W].

        Returns:
            None of the pictures where the recipe does not blend, or not with one weight and one set of backgrounds.
        """
        blends = [step for branch in self.branches for step in branch.steps if isinstance(step, Blend)]
        sets = [step.backgrounds for step in blends if step.backgrounds is not None]
        weights = {end for step in blends for end in step.weight}
        if len(weights) != 1 or not sets or any(not torch.equal(other, sets[0]) for other in sets[1:]):
            return recognise(images, images[:0], 1.0)
        return recognise(images, to_uint8(sets[0].numpy()), weights.pop())

    def _blends_replaced(self, change) -> Recipe:
        branches = tuple(
            replace(b, steps=tuple(change(s) if isinstance(s, Blend) else s for s in b.steps)) for b in self.branches
        )
        return replace(self, branches=branches)

    def to_yaml(self, backgrounds: str | None = None) -> str:
        """The recipe as text; its backgrounds are pictures, in a folder of this name beside the file (see `save`)."""
        content: dict[str, Any] = {"name": self.name} | ({"note": self.note} if self.note else {})
        if backgrounds is not None:
            content["backgrounds"] = backgrounds
        content["branches"] = [
            {"share": branch.share, "steps": [{step.name: step.written()} for step in branch.steps]}
            for branch in self.branches
        ]
        return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)

    def save(self, path: str | os.PathLike[str], backgrounds: str | None = None) -> None:
        """Write the recipe, and its backgrounds as PNG (256 levels) into a folder beside it, which it names.

        Args:
            path: of the YAML file.
            backgrounds: the folder's name, with a number behind it where that holds anything else; None: that of the
                file with `-backgrounds`.

        Raises:
            InputError: its blends have different backgrounds, and there is one folder of them.
        """
        path = as_path(path, "path")
        steps = [step for branch in self.branches for step in branch.steps]
        sets = [step.backgrounds for step in steps if isinstance(step, Blend) and step.backgrounds is not None]
        if any(not torch.equal(pictures, sets[0]) for pictures in sets[1:]):
            raise InputError(f"recipe {self.name}: its blends have different backgrounds; a file can keep one set only")
        folder = None
        if sets:
            folder = save_backgrounds(path.parent / (backgrounds or f"{path.stem}-backgrounds"), sets[0]).name
        write_text(path, self.to_yaml(folder))


def _with_total(branches: list[Branch], total: float) -> list[Branch]:
    """The branches with shares that add up to `total`; those that would have none go."""
    now = sum(branch.share for branch in branches)
    # four digits: what a person reads in the file is what is used
    shares = [round(branch.share / now * total, 4) for branch in branches]
    return [replace(branch, share=share) for branch, share in zip(branches, shares, strict=True) if share > 0]
