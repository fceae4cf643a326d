"""Files in, denoised files out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unalter.data.decode import fitted, read_picture
from unalter.data.folder import list_folder
from unalter.data.labels import NAME
from unalter.data.sources import SUFFIXES
from unalter.images.sheet import write_picture
from unalter.models.model import Model
from unalter.support.caller import guest
from unalter.support.errors import InputError, raise_together
from unalter.support.files import check_output
from unalter.support.progress import ProgressCallback, no_progress, with_progress

_AT_ONCE = 1_024
"""Pictures that are denoised at a time."""
_SHOWN = 5
"""Files passed over that are named; the others are counted."""


@guest()
def denoise_files(
    model: Model, paths: list[Path], out: Path, label: str | None = None,
    on_progress: ProgressCallback = no_progress, on_note: Callable[[str], object] | None = None,
) -> int:  # fmt: skip
    """Denoise files, and folders of them, into `out` as PNG; names and the tree below a folder are kept.

    Everything is read and denoised before the first file is written. A picture of another size than the model's is
    brought to it (proportions kept, in the middle, the rest black), denoised, and brought back to its own.

    Args:
        model: what denoises.
        paths: files and folders.
        out: the folder where results go; files of the same name there are replaced. For one file it can be the PNG
            file to write.
        label: the class of all pictures, its number or name; None: the L of X_I_L.png, or the sub-folder that
            a picture is in. A CVAE needs one or the other.
        on_progress: told how far it is.
        on_note: told what is passed over in folders, a line each.

    Returns:
        How many pictures were written.

    Raises:
        InputError: files that are not there or unreadable, in colour where the model is grey, without label
            where one is needed, or two that would be written under one name, all in one message; `out` cannot be
            written.
    """
    sources, passed_over = _sources(paths)
    out, sources = _places(paths, out, sources)
    if on_note is not None:
        for note in passed_over:
            on_note(note)
    pictures, problems = [], []
    targets: dict[Path, Path] = {}
    for source, target in with_progress(sources, "reading", on_progress):
        if target in targets:
            problems.append(f"{source} and {targets[target]} would both be written to {out / target}")
        targets[target] = source
        if (out / target).is_dir():
            problems.append(f"{source}: {out / target} is a folder; choose another --out")
        if (out / target).resolve() == source.resolve():
            problems.append(f"{source}: would be overwritten by its own result; choose another --out")
        try:
            pictures.append(read_picture(source))
            if pictures[-1].ndim == 3 and model.image_shape[0] == 1:
                problems.append(f"{source}: is in colour; the model takes grey pictures")
        except (OSError, SyntaxError, ValueError) as error:
            problems.append(f"{source}: {error}")
    labels = [label if label is not None else _label_of(source, target, model) for source, target in sources]
    if model.classes:
        for (source, _), one in zip(sources, labels, strict=True):
            if one is None:
                problems.append(
                    f"{source}: has no label; the CVAE needs --label, names X_I_L.png or sub-folders; or --model ae"
                )
    raise_together(problems, "Some pictures cannot be denoised:")
    results: list[np.ndarray] = []
    for start in with_progress(range(0, len(pictures), _AT_ONCE), "denoising", on_progress):
        part = slice(start, start + _AT_ONCE)
        batch = np.stack([_fitted(picture, model.image_shape) for picture in pictures[part]])
        results += list(model.denoise(batch, labels[part] if model.classes else None))
    done = list(zip(sources, pictures, results, strict=True))
    for (_, target), picture, result in with_progress(done, "writing", on_progress):
        write_picture(out / target, _back(result, picture.shape[0], picture.shape[1]))
    return len(results)


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


def _fitted(picture: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The picture as uint8 [C, H, W] of the model's shape."""
    channels, height, width = shape
    picture = fitted(picture, height, width)
    return picture.transpose(2, 0, 1) if picture.ndim == 3 else np.repeat(picture[None], channels, 0)


def _back(result: np.ndarray, height: int, width: int) -> np.ndarray:
    """What `_fitted` did to the size, undone: uint8 [C, H, W] as [C, height, width]."""
    from PIL import Image

    rows, columns = result.shape[1:]
    if (rows, columns) == (height, width):
        return result
    scale = min(rows / height, columns / width)
    inside_rows, inside_columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (rows - inside_rows) // 2, (columns - inside_columns) // 2
    inside = result[:, top : top + inside_rows, left : left + inside_columns]
    return np.stack(
        [np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC)) for part in inside]
    )


def _label_of(source: Path, target: Path, model: Model) -> str | None:
    """The label in the picture's name, or the name of its sub-folder where the model knows a class of that name."""
    match = NAME.fullmatch(source.name)
    if match:
        return match[2]
    inside = [part for part in target.parts[:-1] if part in model.label_names]
    return inside[0] if inside else None
