"""Recipes: which alterations, how likely, how strong. YAML that a person reads and edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import yaml
from torch import Tensor
from yaml.reader import ReaderError

from unalter.alter import geometry, operations
from unalter.alter.backgrounds import Backgrounds, pattern_backgrounds
from unalter.alter.operations import Blend, Operation, ParameterError
from unalter.alter.random import PictureRandom
from unalter.data.decode import read_picture
from unalter.errors import InputError
from unalter.files import write_text
from unalter.pictures import write_picture

_KINDS: tuple[type[Operation], ...] = (
    operations.Blend,
    geometry.Rotate,
    geometry.Flip,
    geometry.Scale,
    geometry.Perspective,
    geometry.Translate,
    operations.Blur,
    operations.Invert,
    operations.Contrast,
    operations.GaussianNoise,
    operations.SaltAndPepper,
    operations.Speckle,
    operations.ShotNoise,
    operations.Occlusion,
)
_NULL = "tag:yaml.org,2002:null"
_OPERATIONS = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Branch:
    """One way a picture can go.

    Raises:
        ParameterError: a share that cannot be.
    """

    share: float
    """Of the pictures, above 0 and at most 1. Shares count in proportion: they need not add up to 1."""
    steps: Sequence[Operation]
    """Its alterations in their order, none or more; kept as a tuple."""

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not isinstance(self.share, (int, float)) or not 0 < self.share <= 1:
            raise ParameterError("branch", "share", self.share, "a number above 0 and at most 1")
        object.__setattr__(self, "share", float(self.share))
        object.__setattr__(self, "steps", tuple(self.steps))

    @property
    def title(self) -> str:
        """The names of its alterations."""
        return "+".join(step.name for step in self.steps) or "none"


@dataclass(frozen=True)
class Recipe:
    """Every picture takes one branch, at random by share, and goes through its steps.

    Raises:
        ParameterError: no branch.
    """

    name: str
    branches: Sequence[Branch]
    """Kept as a tuple."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", tuple(self.branches))
        if not self.branches:
            raise ParameterError("recipe", "branches", [], "a list of one branch or more")

    def __call__(self, x: Tensor, random: PictureRandom) -> Tensor:
        """Alter a batch.

        Args:
            x: float32 [N, C, H, W] in 0..1.
            random: one stream a picture; the same stream gives the same result in any batch.

        Returns:
            float32 [N, C, H, W] in 0..1, rounded to the 256 values that a file can hold.
        """
        return self.traced(x, random)[0]

    def traced(self, x: Tensor, random: PictureRandom) -> tuple[Tensor, Tensor]:
        """Alter a batch and tell how things moved.

        Returns:
            What a call returns, and the homographies float32 [N, 3, 3] that take a place of the altered picture
            to where it comes from in the clean one (see `geometry`); the identity where nothing moved.
        """
        taken = self.taken(random)
        altered = torch.empty_like(x)
        moved = torch.eye(3, device=x.device).repeat(len(x), 1, 1)
        for number, branch in enumerate(self.branches):
            rows = torch.nonzero(taken == number).squeeze(1)
            if len(rows) == 0:
                continue
            part, streams = x[rows], random[rows]
            homography = moved[rows]
            for step in branch.steps:
                part, moves = step.traced(part, streams)
                homography = homography if moves is None else homography @ moves
            altered[rows], moved[rows] = part, homography
        return (altered * 255).round_().clamp_(0, 255).div_(255), moved

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
        return replace(self, branches=(*blended, *plain))._blends_replaced(
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
        """Write the recipe, and its backgrounds as PNG (256 levels) into `backgrounds/` beside it.

        Raises:
            InputError: its blends have different backgrounds, and there is one folder of them.
        """
        steps = [step for branch in self.branches for step in branch.steps]
        sets = [step.backgrounds for step in steps if isinstance(step, Blend) and step.backgrounds is not None]
        if any(not torch.equal(pictures, sets[0]) for pictures in sets[1:]):
            raise InputError(f"recipe {self.name}: its blends have different backgrounds; a file can keep one set only")
        if sets:
            _save_backgrounds(path.parent / "backgrounds", sets[0])
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
        InputError: no such preset or file, or something in it is not understood: then with the file's line.
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


def _parse(text: str, file: str) -> Recipe:
    whole = _composed(text, file)
    entries = whole.entries("a recipe has a name and a list of branches", ("name", "branches"))
    branches = entries["branches"].items("branches are a list, each behind a dash") if "branches" in entries else []
    name = entries["name"].text() if "name" in entries else None
    values = {"name": file if name is None else name, "branches": [_parse_branch(branch) for branch in branches]}
    return _made(Recipe, values, entries, whole)


def _parse_branch(branch: _Part) -> Branch:
    form = "a branch has a share and a list of steps"
    entries = branch.entries(form, ("share", "steps"))
    if not entries:
        raise branch.error(f"{form}; this has neither")
    steps = entries["steps"].items("steps are a list, each behind a dash") if "steps" in entries else []
    share = entries["share"].value() if "share" in entries else 1.0
    return _made(Branch, {"share": share, "steps": [_parse_step(step) for step in steps]}, entries, branch)


def _parse_step(step: _Part) -> Operation:
    form = "a step is one alteration with its parameters, as in blur: {sigma: [0.1, 2.0]}"
    alterations = step.entries(form)
    if len(alterations) != 1:
        raise step.error(f"{form}; this has {' and '.join(alterations) or 'none'}")
    ((name, parameters),) = alterations.items()
    kind = _OPERATIONS.get(name)
    if kind is None:
        raise step.error(f"unknown alteration {name!r}; known are {', '.join(_OPERATIONS)}")
    known = kind.parameters()
    entries = parameters.entries(f"{name} takes {{name: value}} with the names {', '.join(known)}", known)
    return _made(kind, {key: part.value() for key, part in entries.items()}, entries, step)


def _step_to_dict(step: Operation) -> dict[str, dict[str, Any]]:
    values = {name: getattr(step, name) for name in step.parameters()}
    return {step.name: {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}}


_Made = TypeVar("_Made")


def _made(kind: Callable[..., _Made], values: dict[str, Any], parts: dict[str, _Part], whole: _Part) -> _Made:
    """`kind(**values)`; what is wrong with a value is told with the line of its part, or of the whole."""
    try:
        return kind(**values)
    except ParameterError as error:
        raise parts.get(error.parameter, whole).error(str(error)) from None


def _composed(text: str, file: str) -> _Part:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        began = f"{error.context} that began in line {error.context_mark.line + 1}, " if error.context_mark else ""
        raise InputError(f"{file}, line {line}: not YAML: {began}{error.problem}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{file}, line {line}: not YAML: {error.reason}") from None
    if node is None:
        raise InputError(f"{file}, line 1: the file is empty; a recipe has a name and a list of branches")
    return _Part(file, node)


@dataclass(frozen=True)
class _Part:
    """A part of a YAML text that knows its line."""

    file: str
    node: yaml.Node

    def error(self, problem: str) -> InputError:
        return InputError(f"{self.file}, line {self.node.start_mark.line + 1}: {problem}")

    def text(self) -> str | None:
        """What stands here, letter for letter; None for nothing."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error("a word, a number or a list of numbers must stand here")
        return None if self._is_empty else self.node.value

    def value(self) -> Any:
        """A number, a word, a list of those; None for nothing."""
        if isinstance(self.node, yaml.SequenceNode):
            return [_number(part.text()) for part in self.items("")]
        return _number(self.text())

    def items(self, expected: str) -> list[_Part]:
        """The parts of a list; none for nothing."""
        if not isinstance(self.node, yaml.SequenceNode):
            if not self._is_empty:
                raise self.error(expected)
            return []
        return [_Part(self.file, node) for node in self.node.value]

    def entries(self, expected: str, known: Sequence[str] | None = None) -> dict[str, _Part]:
        """The parts of a mapping by their names, all `known` and each there once; a word alone names nothing."""
        pairs = self.node.value
        if isinstance(self.node, yaml.ScalarNode):
            nothing = yaml.ScalarNode(_NULL, "", self.node.start_mark)
            pairs = [] if self._is_empty else [(self.node, nothing)]
        elif not isinstance(self.node, yaml.MappingNode):
            raise self.error(expected)
        entries: dict[str, _Part] = {}
        for key_node, value_node in pairs:
            key = _Part(self.file, key_node)
            name = str(key.text())
            if name in entries:
                raise key.error(f"{name} is there for the second time")
            if known is not None and name not in known:
                raise key.error(f"{expected}, not {name!r}")
            entries[name] = _Part(self.file, value_node)
        return entries

    @property
    def _is_empty(self) -> bool:
        return self.node.tag == _NULL


def _number(text: str | None) -> str | int | float | None:
    """A number as Python spells it (YAML 1.1 takes 1e-3 for a word); what is none as it is."""
    for kind in (int, float):
        try:
            return kind(text or "")
        except ValueError:
            continue
    return text


def _with_total(branches: list[Branch], total: float) -> list[Branch]:
    """The branches with shares that add up to `total`; those that would have none go."""
    now = sum(branch.share for branch in branches)
    # four digits: what a person reads in the file is what is used
    shares = [round(branch.share / now * total, 4) for branch in branches]
    return [replace(branch, share=share) for branch, share in zip(branches, shares, strict=True) if share > 0]


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
