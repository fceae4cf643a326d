"""Recipes read from YAML; what is not understood is told with the line where it stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

import yaml
from yaml.reader import ReaderError

from unalter.alter.alteration import Alteration, ParameterError
from unalter.alter.background_files import load_backgrounds
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.alter.catalogue import KINDS
from unalter.alter.recipe import Branch, Recipe
from unalter.images.convert import to_float
from unalter.support.arguments import as_path
from unalter.support.errors import InputError

_NULL = "tag:yaml.org,2002:null"
_BY_NAME = {kind.name: kind for kind in KINDS}


def presets() -> list[str]:
    """The names of the recipes that come with the package."""
    folder = resources.files("unalter.alter") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str | os.PathLike[str], shape: tuple[int, int, int] | None = None) -> Recipe:
    """Load a preset by name or a YAML file by path.

    Args:
        name: one of `presets()`, or a path.
        shape: (C, H, W) of the pictures; gives blends without backgrounds of their own some plain patterns.

    Raises:
        InputError: no such preset or file, or something in it is not understood: then with the file's line.
    """
    path = as_path(name, "recipe")
    if str(path) in presets():
        text = (resources.files("unalter.alter") / "presets" / f"{name}.yaml").read_text("utf-8")
        recipe, folder = _parse(text, str(name))[0], None
    else:
        if not path.is_file():
            raise InputError(f"{name}: no such recipe; give a YAML file or one of: {', '.join(presets())}")
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as text ({error})") from None
        recipe, named = _parse(text, str(name))
        folder = path.parent / (named.folder() if named is not None else "backgrounds")
        if named is not None and not folder.is_dir():
            raise named.error(f"no such folder of backgrounds: {folder}")
    if recipe.blends and folder is not None and folder.is_dir():
        return recipe.with_backgrounds(load_backgrounds(folder))
    if recipe.blends and shape is not None:
        return recipe.with_backgrounds(to_float(pattern_backgrounds(*shape)))
    return recipe


def _parse(text: str, file: str) -> tuple[Recipe, _Part | None]:
    """A recipe, and where its backgrounds are named."""
    whole = _composed(text, file)
    entries = whole.entries("a recipe has a name and a list of branches", ("name", "note", "backgrounds", "branches"))
    branches = entries["branches"].items("branches are a list, each behind a dash") if "branches" in entries else []
    name = entries["name"].text() if "name" in entries else None
    note = entries["note"].text() if "note" in entries else None
    values = {"name": file if name is None else name, "branches": [_parse_branch(branch) for branch in branches]}
    values["note"] = note or ""
    return _made(Recipe, values, entries, whole), entries.get("backgrounds")


def _parse_branch(branch: _Part) -> Branch:
    form = "a branch has a share and a list of steps"
    entries = branch.entries(form, ("share", "steps"))
    if not entries:
        raise branch.error(f"{form}; this has neither")
    steps = entries["steps"].items("steps are a list, each behind a dash") if "steps" in entries else []
    share = entries["share"].value() if "share" in entries else 1.0
    return _made(Branch, {"share": share, "steps": [_parse_step(step) for step in steps]}, entries, branch)


def _parse_step(step: _Part) -> Alteration:
    form = "a step is one alteration with its parameters, as in blur: {sigma: [0.1, 2.0]}"
    alterations = step.entries(form)
    if len(alterations) != 1:
        raise step.error(f"{form}; this has {' and '.join(alterations) or 'none'}")
    ((name, parameters),) = alterations.items()
    kind = _BY_NAME.get(name)
    if kind is None:
        raise step.error(f"unknown alteration {name!r}; known are {', '.join(_BY_NAME)}")
    known = kind.parameters()
    entries = parameters.entries(f"{name} takes {{name: value}} with the names {', '.join(known)}", known)
    return _made(kind, {key: part.value() for key, part in entries.items()}, entries, step)


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

    def folder(self) -> str:
        """The name of a folder."""
        name = self.text() if isinstance(self.node, yaml.ScalarNode) else None
        if not name:
            raise self.error("backgrounds is the name of a folder beside this file")
        return name

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
