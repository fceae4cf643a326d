"""The whole state of a training on disk, and the weights that others use."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from unalter import __version__
from unalter.config import MODELS
from unalter.errors import InputError
from unalter.files import whole_file, write_text
from unalter.nn import Architecture, Autoencoder
from unalter.run import ModelFolder

FORMAT = 2
"""Raised when a checkpoint or model of before can no longer be read."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, text and containers of them; the file appears whole or not at all."""
    content = io.BytesIO()  # so that a full disk is an OSError
    torch.save({"format": FORMAT, **state}, content)
    with whole_file(path) as aside:
        aside.write_bytes(content.getbuffer())


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; code inside one is never executed.

    Raises:
        InputError: it is not one, is cut short, or was written by another format.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: not a whole checkpoint of unalter ({_first_line(error)})") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else None
        raise InputError(f"{path}: a checkpoint of format {found}; this version of unalter reads {FORMAT}")
    return state


def save_model(folder: ModelFolder, model: Autoencoder, details: dict[str, Any]) -> None:
    """Write the weights, then config.json with the architecture and `details`."""
    from safetensors.torch import save

    tensors = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    with whole_file(folder.weights) as aside:
        aside.write_bytes(save(tensors))
    content = {"format": FORMAT, "unalter": __version__, "model": folder.name, **details}
    content["architecture"] = asdict(model.shape)
    write_text(folder.config, json.dumps(content, indent=2) + "\n")


def load_model(folder: ModelFolder, device: torch.device) -> tuple[Autoencoder, dict[str, Any]]:
    """The model in evaluation mode on `device`, and its config.json.

    Raises:
        InputError: the files are not a whole model of this version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json.loads(folder.config.read_text("utf-8"))
        if config["format"] != FORMAT or config["model"] not in MODELS:
            raise InputError(f"{folder.config}: format {config['format']}; this version of unalter reads {FORMAT}")
        shape: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in config["architecture"].items()}
        model = Autoencoder(Architecture(**shape)).to(device)
        model.load_state_dict(load_file(folder.weights, device=str(device)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder.path}: not a whole model of unalter ({_first_line(error)})") from None
    return model.to(memory_format=torch.channels_last).eval(), config  # pyright: ignore[reportCallIssue]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
