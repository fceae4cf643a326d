"""Options: frozen dataclasses whose values come from Python, the command line or YAML, and are checked in one place."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import yaml

from unalter.support.errors import InputError, raise_together

_EXPECTED = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


class Options:
    """A frozen dataclass, every field of which has a default: an int, float, str, bool or tuple of words.

    Values are brought to the type of the default where nothing is lost: numpy's scalars, paths, devices of torch.

    Raises:
        InputError: wrong types, values out of range; all in one message.
    """

    def __post_init__(self) -> None:
        self.__dict__.update(self._checked(self.__dict__, "These options"))  # frozen: nothing else may set them

    @classmethod
    def from_values(cls, values: Mapping[str, Any], where: str = "options") -> Self:
        """Make options from keys and values as they stand in YAML; keys may be written with - or _.

        Raises:
            InputError: unknown keys, wrong types, values out of range; all in one message.
        """
        return cls(**cls._checked(values, where))

    @classmethod
    def _checked(cls, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        """All fields by name: those of `values` in their types, and the defaults of the others."""
        checked: dict[str, Any] = {spec.name: spec.default for spec in fields(cls)}  # type: ignore[arg-type]
        problems = []
        for key, value in values.items():
            name = str(key).replace("-", "_")
            if name not in checked:
                problems.append(f"unknown option {key!r}")
                continue
            try:
                checked[name] = _converted(value, checked[name])
            except ValueError as error:
                problems.append(f"{key}: {error}")
        raise_together([*problems, *cls._out_of_range(checked)], f"{where} cannot be used:")
        return checked

    @classmethod
    def _out_of_range(cls, values: dict[str, Any]) -> list[str]:
        """What is wrong with the values of all fields, whose types are right."""
        raise NotImplementedError


def read_options(path: Path) -> dict[str, Any]:
    """The keys and values of an options file, unchecked.

    Raises:
        InputError: not there, not YAML, or not a list of keys and values.
    """
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: must hold options as 'key: value', one a line")
    return values


def _converted(value: Any, default: Any) -> Any:
    """`value` as the type of `default`; ValueError says what was expected."""
    if hasattr(value, "tolist"):  # of numpy or torch
        value = value.tolist()
    if isinstance(default, tuple):
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            raise ValueError(f"must be a list, not {value!r}")
        return tuple(str(part).strip() for part in parts)
    if isinstance(default, float) and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)  # YAML takes 1e-3 for text
        except ValueError:
            raise ValueError(f"must be a number, not {value!r}") from None
    if isinstance(default, str) and (isinstance(value, os.PathLike) or _is_device(value)):
        return str(value)
    if type(value) is not type(default):
        raise ValueError(f"must be {_EXPECTED[type(default)]}, not {value!r}")
    return value


def _is_device(value: Any) -> bool:
    """Whether it is a device of torch, which need not be imported to tell: who has one has imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.device)
