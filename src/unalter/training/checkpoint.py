"""The whole state of a training on disk."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from unalter.models.files import FORMAT
from unalter.support.errors import InputError, first_line
from unalter.support.files import atomic_write


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
