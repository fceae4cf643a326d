"""Recipes: which alterations, how likely, how strong. YAML that a person reads and edits."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from unalter.alter import operations
from unalter.alter.backgrounds import Backgrounds, pattern_backgrounds
from unalter.alter.operations import Blend, Operation
from unalter.alter.random import PictureRandom
from unalter.data.decode import read_picture
from unalter.errors import InputError
from unalter.files import write_text
from unalter.pictures import write_picture

_KINDS: tuple[type[Operation], ...] = (
    operations.Rotate,
    operations.Flip,
    operations.Perspective,
    operations.Blur,
    operations.Invert,
    operations.Blend,
    operations.GaussianNoise,
    operations.SaltAndPepper,
    operations.Speckle,
)
_OPERATIONS = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Branch:
    """One way a picture can go: its share of the pictures and its alterations in order."""

    share: float
    steps: tuple[Operation, ...]

    @property
    def title(self) -> str:
        """The names of its alterations."""
        return "+".join(step.name for step in self.steps) or "none"


@dataclass(frozen=True)
class Recipe:
    """Every picture takes one branch, at random by share, and goes through its steps."""

    name: str
    branches: tuple[Branch, ...]

    def __call__(self, x: Tensor, random: PictureRandom) -> Tensor:
        """Alter a batch.

        Args:
            x: float32 [N, C, H, W] in 0..1.
            random: one stream a picture; the same stream gives the same result in any batch.

        Returns:
            float32 [N, C, H, W] in 0..1, rounded to the 256 values that a file can hold.
        """
        taken = self.taken(random)
        altered = torch.empty_like(x)
        for number, branch in enumerate(self.branches):
            rows = torch.nonzero(taken == number).squeeze(1)
            if len(rows) == 0:
                continue
            part, streams = x[rows], random[rows]
            for step in branch.steps:
                part = step(part, streams)
            altered[rows] = part
        return (altered * 255).round_().clamp_(0, 255).div_(255)

    def check(self, shape: tuple[int, int, int]) -> None:
        """Take every branch once on a picture of shape (C, H, W).

        Raises:
            InputError: a step cannot be applied to such pictures.
        """
        for branch in self.branches:
            x = torch.zeros(1, *shape)
            for step in branch.steps:
                x = step(x, PictureRandom(torch.zeros(1, dtype=torch.int64)))

    def taken(self, random: PictureRandom) -> Tensor:
        """Which branch each picture takes, int64 [N]; draws the first number of every stream."""
        shares = torch.tensor([branch.share for branch in self.branches])
        edges = (shares / shares.sum()).cumsum(0)[:-1].to(random.device)
        return torch.bucketize(random.uniform(), edges, right=True)

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
        pictures = torch.from_numpy(found.images).float() / 255
        weight = (round(found.weight, 4),) * 2
        kept = tuple(branch for branch in (*blended, *plain) if branch.share > 0)
        return replace(self, branches=kept)._blends_replaced(
            lambda step: replace(step, backgrounds=pictures, weight=weight)
        )

    def _blends_replaced(self, change) -> Recipe:
        branches = tuple(
            replace(b, steps=tuple(change(s) if isinstance(s, Blend) else s for s in b.steps)) for b in self.branches
        )
        return replace(self, branches=branches)

    def to_yaml(self) -> str:
        """The recipe as text; backgrounds are kept beside it as pictures (see `save`)."""
        content = {
            "name": self.name,
            "branches": [
                {"share": branch.share, "steps": [_step_to_dict(step) for step in branch.steps]}
                for branch in self.branches
            ],
        }
        return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)

    def save(self, path: Path) -> None:
        """Write the recipe, and its backgrounds as PNG into `backgrounds/` beside it."""
        for step in (step for branch in self.branches for step in branch.steps):
            if isinstance(step, Blend) and step.backgrounds is not None:
                _save_backgrounds(path.parent / "backgrounds", step.backgrounds)
        write_text(path, self.to_yaml())


def presets() -> list[str]:
    """The names of the recipes that come with the package."""
    folder = resources.files("unalter.alter") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str | Path, shape: tuple[int, int, int] | None = None) -> Recipe:
    """Load a preset by name or a YAML file by path.

    Args:
        name: one of `presets()`, or a path.
        shape: (C, H, W) of the pictures; gives blends without backgrounds of their own some plain patterns.

    Raises:
        InputError: no such preset or file, or something in it is not understood.
    """
    if str(name) in presets():
        folder: Path | None = None
        text = (resources.files("unalter.alter") / "presets" / f"{name}.yaml").read_text("utf-8")
    else:
        path = Path(name)
        if not path.is_file():
            raise InputError(f"{name}: no such recipe; give a YAML file or one of: {', '.join(presets())}")
        folder = path.parent / "backgrounds"
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as text ({error})") from None
    recipe = _parse(text, str(name))
    if recipe.blends and folder is not None and folder.is_dir():
        return recipe.with_backgrounds(_load_backgrounds(folder))
    if recipe.blends and shape is not None:
        return recipe.with_backgrounds(torch.from_numpy(pattern_backgrounds(*shape)).float() / 255)
    return recipe


def _parse(text: str, where: str) -> Recipe:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{where}: not YAML: {error}") from None
    is_recipe = isinstance(content, dict) and not set(content) - {"name", "branches"}
    if not is_recipe or not isinstance(content.get("branches"), list) or not content["branches"]:
        raise InputError(f"{where}: a recipe has a name and a list of branches")
    branches = []
    for number, entry in enumerate(content["branches"]):
        here = f"{where}: branch {number + 1}"
        is_branch = isinstance(entry, dict) and not set(entry) - {"share", "steps"}
        if not is_branch or not isinstance(entry.get("steps") or [], list):
            raise InputError(f"{here}: a branch has a share and a list of steps")
        share = entry.get("share", 1.0)
        if not isinstance(share, (int, float)) or not 0 < share <= 1:
            raise InputError(f"{here}: share is {share!r}; it must be a number above 0 and at most 1")
        steps = tuple(_parse_step(step, here) for step in entry.get("steps") or [])
        branches.append(Branch(float(share), steps))
    return Recipe(str(content.get("name", where)), tuple(branches))


def _parse_step(step: Any, where: str) -> Operation:
    if isinstance(step, str):
        step = {step: None}
    if not isinstance(step, dict) or len(step) != 1:
        raise InputError(f"{where}: a step is one alteration with its parameters, not {step!r}")
    ((name, parameters),) = step.items()
    kind = _OPERATIONS.get(name)
    if kind is None:
        raise InputError(f"{where}: unknown alteration {name!r}; known are {', '.join(_OPERATIONS)}")
    known = {spec.name for spec in fields(kind)} - {"backgrounds"}
    parameters = parameters or {}
    if not isinstance(parameters, dict):
        raise InputError(f"{where}: {name}: parameters are written {{name: value, ...}}, not {parameters!r}")
    if unknown := set(parameters) - known:
        raise InputError(f"{where}: {name} has no parameter {sorted(unknown)[0]!r}; it has {', '.join(sorted(known))}")
    values: dict[str, Any] = {key: _number(value) for key, value in parameters.items()}
    for key, allowed in (("sampling", ("nearest", "bilinear")), ("axis", ("horizontal", "vertical"))):
        if key in values and values[key] not in allowed:
            raise InputError(f"{where}: {name}: {key} is {values[key]!r}; it must be {' or '.join(allowed)}")
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _number(value: Any) -> Any:
    """Lists as tuples; 1e-3, which YAML takes for text, as a number."""
    if isinstance(value, list):
        return tuple(_number(part) for part in value)
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _step_to_dict(step: Operation) -> dict[str, dict[str, Any]]:
    values = {spec.name: getattr(step, spec.name) for spec in fields(step) if spec.name != "backgrounds"}
    return {step.name: {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}}


def _with_total(branches: list[Branch], total: float) -> list[Branch]:
    now = sum(branch.share for branch in branches)
    # four digits: what a person reads in the file is what is used
    return [replace(branch, share=round(branch.share / now * total, 4)) for branch in branches]


def _save_backgrounds(folder: Path, backgrounds: Tensor) -> None:
    for number, picture in enumerate(np.rint(backgrounds.numpy() * 255).astype(np.uint8)):
        write_picture(folder / f"{number:02d}.png", picture)
    for stale in sorted(folder.glob("[0-9][0-9].png"))[len(backgrounds) :]:
        stale.unlink()


def _load_backgrounds(folder: Path) -> Tensor:
    try:
        pictures = [read_picture(path) for path in sorted(folder.glob("*.png"))]
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{folder}: a background cannot be read ({error})") from None
    if not pictures:
        raise InputError(f"{folder}: no PNG in the folder of backgrounds")
    if len({picture.shape[:2] for picture in pictures}) > 1:
        raise InputError(f"{folder}: the backgrounds differ in size")
    if any(picture.ndim == 3 for picture in pictures):
        pictures = [np.dstack([picture] * 3) if picture.ndim == 2 else picture for picture in pictures]
    stacked = torch.from_numpy(np.stack(pictures)).float() / 255
    return stacked[:, None] if stacked.ndim == 3 else stacked.permute(0, 3, 1, 2)
