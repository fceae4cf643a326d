"""Files in, denoised files out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unalter.data.classes import find_class
from unalter.data.depth import Depth
from unalter.data.folder import list_folder
from unalter.data.labels import NAME
from unalter.data.picture_file import picture_values
from unalter.data.sources import SUFFIXES
from unalter.images.sheet import write_picture
from unalter.models.model import Model, as_model
from unalter.support.arguments import as_path, is_path
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.errors import InputError, raise_together
from unalter.support.files import check_output
from unalter.support.progress import with_progress

_AT_ONCE = 1_024
"""Pictures that are denoised at a time."""
_SHOWN = 5
"""Files passed over that are named; the others are counted."""


@guest()
def denoise(
    run: str | os.PathLike[str] | Model, paths: Any, out: str | os.PathLike[str], *, label: Any = None,
    model: str | None = None, device: str | torch.device = "auto", verbose: bool = False,
) -> list[Path]:  # fmt: skip
    """Denoise files, and folders of them, into `out` as PNG; names and the tree below a folder are kept.

    Everything is read and denoised before the first file is written. A picture of another size than the model's is
    brought to it (proportions kept, in the middle, the rest black), denoised, and brought back to its own.
    Pictures in memory are denoised by `load(run).denoise(pictures)`.

    Args:
        run: a run folder, a `Run`, one model's folder, or a `Model`.
        paths: a file or folder, or several.
        out: the folder where results go; files of the same name there are replaced. For one file it can be the PNG
            file to write.
        label: the class of all pictures, its number or name; None: the L of X_I_L.png, or the sub-folder that
            a picture is in. A CVAE needs one or the other.
        model: which of a run: ae, vae or cvae; None: the best on validation.
        device: auto, cpu or cuda.
        verbose: show how far it is, and say what is passed over in folders.

    Returns:
        The files that were written.

    Raises:
        InputError: files that are not there or unreadable, in colour where the model is grey, without label
            where one is needed, or two that would be written under one name, all in one message; `out` cannot be
            written.
    """
    from PIL import Image

    chosen, folder = as_model(run, model, device), as_path(out, "out")
    console, given = Console(quiet=not verbose), _paths(paths)
    sources, passed_over = _sources(given)
    folder, sources = _places(given, folder, sources)
    for note in passed_over:
        console.say(note)
    with console.progress("denoise") as on_progress:
        values, problems, depth = [], [], Depth()
        targets: dict[Path, Path] = {}
        for source, target in with_progress(sources, "reading", on_progress):
            if target in targets:
                problems.append(f"{source} and {targets[target]} would both be written to {folder / target}")
            targets[target] = source
            if (folder / target).is_dir():
                problems.append(f"{source}: {folder / target} is a folder; choose another --out")
            if (folder / target).resolve() == source.resolve():
                problems.append(f"{source}: would be overwritten by its own result; choose another --out")
            try:
                values.append(picture_values(source.read_bytes(), source.name))
                depth.see(values[-1])
                if values[-1].ndim == 3 and chosen.image_shape[0] == 1:
                    problems.append(f"{source}: is in colour; the model takes grey pictures")
            except (OSError, ValueError) as error:
                problems.append(f"{source}: {error}")
        labels = [label if label is not None else _label_of(source, target, chosen) for source, target in sources]
        if chosen.classes:
            for (source, _), one in zip(sources, labels, strict=True):
                if one is None:
                    ways = "the CVAE needs --label, names X_I_L.png or sub-folders; or --model ae"
                    problems.append(f"{source}: has no label that the model knows; {ways}")
        raise_together(problems, "Some pictures cannot be denoised:")
        for line in depth.said():
            console.say(line)
        pictures = [Image.fromarray(depth.narrowed(picture)) for picture in values]
        results: list[np.ndarray] = []
        for start in with_progress(range(0, len(pictures), _AT_ONCE), "denoising", on_progress):
            part = slice(start, start + _AT_ONCE)
            denoised = chosen.denoise(pictures[part], labels[part] if chosen.classes else None)
            results += [np.asarray(one) for one in denoised]
        done = list(zip(targets, results, strict=True))
        for target, result in with_progress(done, "writing", on_progress):
            write_picture(folder / target, result if result.ndim == 2 else result.transpose(2, 0, 1))
    return [folder / target for target in targets]


def _paths(given: Any) -> list[Path]:
    several = [given] if is_path(given) or not isinstance(given, Iterable) else list(given)
    if not all(map(is_path, several)):
        raise InputError("denoise takes files and folders; pictures in memory: unalter.load(run).denoise(pictures)")
    return [as_path(path, "path") for path in several]


def _sources(paths: list[Path]) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Every file, and the path below `out` that its result gets; and what is passed over in folders."""
    found: list[tuple[Path, Path]] = []
    notes: list[str] = []
    for path in paths:
        if path.is_dir():
            inside, _, bad = list_folder(path)
            if not len(inside):
                raise InputError(
                    "\n".join([f"{path}: no picture in this folder (looked for {', '.join(SUFFIXES)})", *bad])
                )
            found += [(path / name, Path(name).with_suffix(".png")) for name in inside.names]
            if bad:
                notes += [f"{path}: passed over {len(bad):,}:", *(f"  {line}" for line in bad[:_SHOWN])]
                notes += [f"  ... and {len(bad) - _SHOWN:,} more"] * (len(bad) > _SHOWN)
        elif path.is_file():
            found.append((path, Path(path.name).with_suffix(".png")))
        else:
            raise InputError(
                f"{path}: {'is neither a file nor a folder' if path.exists() else 'no such file or folder'}"
            )
    return found, notes


def _places(
    paths: list[Path], out: Path, sources: list[tuple[Path, Path]]
) -> tuple[Path, list[tuple[Path, Path]]]:  # fmt: skip
    """The folder that results go to, and what each is called in it."""
    if out.is_dir() or out.suffix.lower() not in SUFFIXES:
        if out.exists() and not out.is_dir():
            raise InputError(f"{out}: is no folder; give one for the results")
        return out, sources
    if len(paths) > 1 or not paths[0].is_file():
        raise InputError(f"{out}: is called like a file, and there may be several results; give a folder")
    check_output(out, ".png")
    return out.parent, [(paths[0], Path(out.name))]


def _label_of(source: Path, target: Path, model: Model) -> str | None:
    """The class of a picture's sub-folder, else the L of its name X_I_L.png; the first that the model knows."""
    match = NAME.fullmatch(source.name)
    likely = [*target.parts[:-1], *([match[2]] if match else [])]
    return next((text for text in likely if find_class(text, model.label_names) is not None), None)
