"""`unalter generate`: pictures that never were, on a sheet."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import torch

from unalter.images.sheet import contact_sheet, write_picture
from unalter.models.model import Model, as_model
from unalter.models.shared import fetched
from unalter.runs.folder import ModelFolder, RunFolder
from unalter.support.arguments import as_path
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.support.files import check_output

_COLUMNS = 16
_EACH = 16
"""Pictures of a class."""


@guest()
def generate(
    run: str | os.PathLike[str] | Model, label: Any = None, count: int | None = None, *,
    out: str | os.PathLike[str] | None = None, seed: int | None = None, model: str | None = None,
    device: str | torch.device = "auto", verbose: bool = False,
) -> np.ndarray:  # fmt: skip
    """Generate pictures, with a CVAE of a given class.

    Args:
        run: a run folder, a `Run`, one model's folder, or a `Model`.
        label: as for `Model.generate`; "all": `count` of every class, one class after the other.
        count: how many; default 16, of a list of labels as many as it has.
        out: a PNG file to write them to, side by side; every class of "all" has rows of its own.
        seed: the same seed gives the same pictures of a class.
        model: vae or cvae; None: the CVAE of a run where there is one.
        device: auto, cpu or cuda.
        verbose: print it where the model does not know where codes lie; otherwise that is a `UserWarning`.

    Returns:
        uint8 [N, H, W], in colour [N, 3, H, W].

    Raises:
        InputError: the model cannot generate what is asked for, or `path` cannot be written or does not end in .png.
    """
    path = None if out is None else as_path(out, "out")
    if path is not None:
        check_output(path, ".png")
    chosen = generating_model(run, model, device)
    every = isinstance(label, str) and label == "all" and label not in chosen.label_names
    if every and chosen.classes == 0:
        raise InputError(f"the {chosen.name} does not know classes; leave --label out, or use a CVAE")
    labels = list(range(chosen.classes)) if every else [label]
    source, each = (chosen.by_number, _EACH if count is None else count) if every else (chosen, count)
    parts = [source.generate(one, each, seed, warn=False) for one in labels]
    if not source.has_prior(labels if every else label):
        if verbose:
            Console().say(f"warning: {chosen.without_prior}")
        else:
            warnings.warn(chosen.without_prior, UserWarning, stacklevel=3)  # past `guest`
    if path is not None:
        rows = [part.reshape(-1, *chosen.image_shape) for part in parts]
        write_picture(path, contact_sheet([of[i : i + _COLUMNS] for of in rows for i in range(0, len(of), _COLUMNS)]))
    return np.concatenate(parts)


def generating_model(run: str | os.PathLike[str] | Model, model: str | None, device: str | torch.device) -> Model:
    """The model of a run that generates: the one asked for, else the CVAE, else the VAE.

    Raises:
        InputError: there is no such model, or the run has only an AE.
    """
    if isinstance(run, Model):
        return run
    path = fetched(run, "run")
    if model is None and not ModelFolder(path).weights.is_file():
        names = [folder.name for folder in RunFolder(path).trained()]
        if names == ["ae"]:
            raise InputError(f"{path}: has only an AE, which cannot generate; train a VAE or CVAE")
        model = next((name for name in ("cvae", "vae") if name in names), None)
    return as_model(path, model, device)
