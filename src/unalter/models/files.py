"""A model's weights on disk, and what they are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import torch

from unalter._version import __version__
from unalter.nn.architecture import Architecture
from unalter.nn.autoencoder import Autoencoder
from unalter.runs.folder import MODELS, ModelFolder
from unalter.support.errors import InputError, first_line
from unalter.support.files import atomic_write, write_text

FORMAT = 2
"""Raised when a checkpoint or model of before can no longer be read."""


def save_model(folder: ModelFolder, model: Autoencoder, details: dict[str, Any]) -> None:
    """Write the weights, then config.json with the architecture and `details`."""
    from safetensors.torch import save

    tensors = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    with atomic_write(folder.weights) as aside:
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
        raise InputError(f"{folder.path}: not a whole model of unalter ({first_line(error)})") from None
    return model.to(memory_format=torch.channels_last).eval(), config  # pyright: ignore[reportCallIssue]
