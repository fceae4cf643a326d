"""`unalter generate`: pictures that never were, on a sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.images.sheet import contact_sheet, write_picture
from unalter.models.model import Model, load
from unalter.models.shared import fetched
from unalter.runs.folder import ModelFolder, RunFolder
from unalter.support.console import Console
from unalter.support.errors import InputError

_COLUMNS = 16


def write_generated(
    model: Model, path: Path, label: str | None, every: bool, count: int, seed: int | None, console: Console
) -> None:
    """Generate `count` pictures of one class, or of `every` class, and write them as one PNG.

    Every class has rows of its own. The console is told where the model does not know where codes lie.

    Raises:
        InputError: the model cannot generate what is asked for.
    """
    if every and model.classes == 0:
        raise InputError(f"the {model.name} does not know classes; leave --label out, or use a CVAE")
    labels: list[int | str | None] = [*range(model.classes)] if every else [label]
    rows: list[np.ndarray] = []
    if model.network.prior is not None and not all(map(model.has_prior, labels)):
        console.say(f"warning: {model.without_prior}")
    for one in labels:
        images = model.generate(one, count, seed, warn=False).reshape(count, *model.image_shape)
        rows += [images[i : i + _COLUMNS] for i in range(0, count, _COLUMNS)]
    write_picture(path, contact_sheet(rows))


def generating_model(run: Path, model: str | None, device: str) -> Model:
    """The model of a run that generates: the one asked for, else the CVAE, else the VAE.

    Raises:
        InputError: there is no such model, or the run has only an AE.
    """
    run = fetched(run)
    if model is None and not ModelFolder(run).weights.is_file():
        names = [folder.name for folder in RunFolder(run).trained()]
        if names == ["ae"]:
            raise InputError(f"{run}: has only an AE, which cannot generate; train a VAE or CVAE")
        model = next((name for name in ("cvae", "vae") if name in names), None)
    return load(run, model, device)
