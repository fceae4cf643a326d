"""A model's weights on disk, and what they are: one file, so that the two cannot disagree."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unalter._version import __version__
from unalter.models.shared import check_shared, fetched
from unalter.nn import Architecture, Autoencoder, new_model
from unalter.runs.folder import MODELS, ModelFolder, RunFolder
from unalter.support.errors import InputError, first_line
from unalter.support.files import atomic_write, write_text

FORMAT = 3
"""Raised when a checkpoint or model of before can no longer be read as it is."""
_BEFORE = 2
"""Models of this format have their description in config.json alone, and call the prior a mixture."""
_KEY = "unalter"
"""Of the description in the metadata of the weights."""


def save_model(folder: ModelFolder, model: Autoencoder, details: dict[str, Any]) -> None:
    """Write the weights with their description: architecture and `details`; and that once more, for people.

    The model is called as its folder is, unless the details say it.

    config.json is a copy of what the weights file says of itself; `load_model` does not read it.
    """
    from safetensors.torch import save

    config = {"format": FORMAT, "unalter": __version__, "model": folder.name, **details}
    config["architecture"] = asdict(model.config)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    with atomic_write(folder.weights) as aside:
        # other libraries refuse weights that do not say whose tensors they are
        aside.write_bytes(_in_order(save(tensors, {"format": "pt", _KEY: json.dumps(config)})))
    write_text(folder.config, json.dumps(config, indent=2) + "\n")


def load_model(folder: ModelFolder, device: torch.device) -> tuple[Autoencoder, dict[str, Any]]:
    """The model in evaluation mode on `device`, and its description; one of format 2 is read too.

    Raises:
        InputError: the files are not a whole model of this version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    config = model_config(folder)
    try:
        if config["format"] not in (_BEFORE, FORMAT) or config["model"] not in MODELS:
            raise InputError(f"{folder.weights}: format {config['format']}; this version of unalter reads {FORMAT}")
        shape: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in config["architecture"].items()}
        model = new_model(Architecture(**shape), seed=0).to(device)
        # not mapped: some file systems cannot, and Windows does not replace a file that is
        weights = load(folder.weights.read_bytes())
        model.load_state_dict(_renamed(weights) if config["format"] == _BEFORE else weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder.path}: not a whole model of unalter ({first_line(error)})") from None
    return model.to(memory_format=torch.channels_last).eval(), config  # pyright: ignore[reportCallIssue]


def model_config(folder: ModelFolder) -> dict[str, Any]:
    """What a model is, by its weights file: format, version, architecture, labels, score on validation pictures.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    try:
        described = _metadata(folder.weights).get(_KEY)
        config = json.loads(folder.config.read_text("utf-8") if described is None else described)
        if not isinstance(config, dict):
            raise ValueError("its description is none")
        return config
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{folder.path}: not a whole model of unalter ({first_line(error)})") from None


def _metadata(weights: Path) -> dict[str, str]:
    """Of a safetensors file: it begins with the length of its header, 8 bytes, and the header as JSON."""
    with open(weights, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > weights.stat().st_size:
            raise ValueError("it is cut short, or no safetensors file")
        return json.loads(file.read(length)).get("__metadata__", {})


def find_model(path: str | os.PathLike[str], model: str | None = None) -> ModelFolder:
    """The folder of one model, from a run folder (then `model`, or the best on validation) or its own folder.

    Of a shared folder, here or hf://user/name, as of a run folder.

    Raises:
        InputError: there is no such model, or what was shared is not as it was exported.
    """
    path = fetched(path).absolute()  # "." has no name
    if path.is_file() and path.name == ModelFolder(path).weights.name:
        path = path.parent
    if not path.is_dir():
        raise InputError(f"{path}: no such run folder")
    for folder in (path, path.parent):
        check_shared(folder)
    if ModelFolder(path).is_trained:
        name = model_config(ModelFolder(path)).get("model", path.name)
        if model is not None and model != name:
            raise InputError(f"{path} is one model's folder, {name}, not {model}")
        return ModelFolder(path)
    trained = RunFolder(path).trained()
    if not trained:
        raise InputError(f"{path}: no trained model here; train one with 'unalter train DATA --out {path}'")
    if model is None:
        return max(trained, key=lambda folder: float(model_config(folder).get("validation_ssim", 0)))
    for folder in trained:
        if folder.name == model:
            return folder
    names = ", ".join(folder.name for folder in trained)
    raise InputError(f"{path}: no trained model {model!r} here; there is {names}")


def folder_for(path: Path) -> ModelFolder:
    """The folder to save a model in, made where it is not there; model.safetensors stands for the one that it is in.

    Raises:
        InputError: it is a file, or cannot be made.
    """
    if path.name == ModelFolder(path).weights.name:
        path = path.parent
    if path.is_file() or path.suffix == ".safetensors":
        raise InputError(f"{path}: a model is saved as a folder; give the name of one")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror}); choose another folder") from None
    return ModelFolder(path)


def find_models(path: str | os.PathLike[str], model: str | None = None) -> list[ModelFolder]:
    """The folders of every model of a run folder, or of the one that is asked for or whose folder it is.

    Raises:
        InputError: as `find_model`.
    """
    path = fetched(path).absolute()
    chosen = find_model(path, model)
    return [chosen] if model is not None or chosen.path == path else RunFolder(path).trained()


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata sorted: they come in any order, and the same run would give other bytes."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[start:]


def _renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of format 2 by the names of now."""
    return {name.replace("mixture.", "prior.", 1): tensor for name, tensor in weights.items()}
