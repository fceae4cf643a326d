"""Options as they stand in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from unalter.support.errors import InputError


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


def converted(value: Any, default: Any) -> Any:
    """`value` as the type of `default`; ValueError says what was expected."""
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
    if type(value) is not type(default):
        expected = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}[
            type(default).__name__
        ]
        raise ValueError(f"must be {expected}, not {value!r}")
    return value
