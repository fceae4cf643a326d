"""The whole state of a training on disk."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from unalter.models.files import FORMAT
from unalter.nn import Architecture
from unalter.support.errors import InputError, first_line
from unalter.support.files import atomic_write
from unalter.training.options import TrainOptions


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, text and containers of them; the file appears whole or not at all."""
    content = io.BytesIO()  # so that a full disk is an OSError
    torch.save({"format": FORMAT, **state}, content)
    with atomic_write(path) as aside:
        aside.write_bytes(content.getbuffer())


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; code inside one is never executed.

    Raises:
        InputError: it is not one, is cut short, or was written by another format.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: not a whole checkpoint of unalter ({first_line(error)})") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else None
        raise InputError(f"{path}: a checkpoint of format {found}; this version of unalter reads {FORMAT}")
    return state


def check_fits(path: Path, state: dict[str, Any], data: str, config: Architecture, options: TrainOptions) -> None:
    """Refuse a checkpoint that another training wrote.

    Args:
        data: what it has to say of data and recipe.

    Raises:
        InputError: says what is not the same.
    """
    if state["data"] != data:
        raise InputError(f"{path}: was trained on other data or another recipe; put them back, or start a new run")
    if state["architecture"] != plain(vars(config)):
        raise InputError(f"{path}: holds another architecture; resume with the same options, or start a new run")
    if {**state["options"], **lasting(options)} != state["options"]:
        raise InputError(f"{path}: was trained with other options; put config.yaml back, or start a new run")


def lasting(options: TrainOptions) -> dict[str, Any]:
    """The options that must be the same on resume: all but the device, and how long it is trained."""
    free = ("device", "epochs", "max_minutes")
    return {name: value for name, value in plain(vars(options)).items() if name not in free}


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """With lists in place of tuples, as a checkpoint gives them back."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
