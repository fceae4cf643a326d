"""Files in, denoised files out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unalter.data.classes import find_class
from unalter.data.decode import fitted
from unalter.data.depth import Depth
from unalter.data.folder import list_folder
from unalter.data.labels import NAME
from unalter.data.picture_file import picture_values
from unalter.data.sources import SUFFIXES
from unalter.images.sheet import write_picture
from unalter.models.model import Model
from unalter.support.errors import InputError, raise_together
from unalter.support.progress import ProgressCallback, no_progress, with_progress

_AT_ONCE = 1_024
"""Pictures that are denoised at a time."""


def denoise_files(
    model: Model, paths: list[Path], out: Path, label: str | None = None,
    on_progress: ProgressCallback = no_progress, say: Callable[[str], object] = lambda line: None,
) -> int:  # fmt: skip
    """Denoise files, and folders of them, into `out` as PNG; names and the tree below a folder are kept.

    Everything is read and denoised before the first file is written. A picture of another size than the model's is
    brought to it (proportions kept, in the middle, the rest black), denoised, and brought back to its own.

    Args:
        model: what denoises.
        paths: files and folders.
        out: where results go; files of the same name there are replaced.
        label: the class of all pictures, its number or name; None: the L of X_I_L.png, or the sub-folder that
            a picture is in. A CVAE needs one or the other.
        on_progress: told how far it is.
        say: told what was assumed and what was passed over, a line at a time.

    Returns:
        How many pictures were written.

    Raises:
        InputError: files that are not there or unreadable, in colour where the model is grey, without label
            where one is needed, or two that would be written under one name; all in one message.
    """
    sources = _sources(paths, say)
    values, problems, depth = [], [], Depth()
    targets: dict[Path, Path] = {}
    for source, target in with_progress(sources, "reading", on_progress):
        if target in targets:
            problems.append(f"{source} and {targets[target]} would both be written to {out / target}")
        targets[target] = source
        if (out / target).resolve() == source.resolve():
            problems.append(f"{source}: would be overwritten by its own result; choose another --out")
        try:
            values.append(picture_values(source.read_bytes(), source.name))
            depth.see(values[-1])
            if values[-1].ndim == 3 and model.image_shape[0] == 1:
                problems.append(f"{source}: is in colour; the model takes grey pictures")
        except (OSError, ValueError) as error:
            problems.append(f"{source}: {error}")
    labels = [label if label is not None else _label_of(source, target, model) for source, target in sources]
    if model.classes:
        for (source, _), one in zip(sources, labels, strict=True):
            if one is None:
                ways = "the CVAE needs --label, names X_I_L.png or sub-folders; or --model ae"
                problems.append(f"{source}: has no label that the model knows; {ways}")
    raise_together(problems, "Some pictures cannot be denoised:")
    pictures = [depth.narrowed(picture) for picture in values]
    for line in depth.said():
        say(line)
    results: list[np.ndarray] = []
    for start in with_progress(range(0, len(pictures), _AT_ONCE), "denoising", on_progress):
        part = slice(start, start + _AT_ONCE)
        batch = np.stack([_fitted(picture, model.image_shape) for picture in pictures[part]])
        results += list(model.denoise(batch, labels[part] if model.classes else None))
    done = list(zip(sources, pictures, results, strict=True))
    for (_, target), picture, result in with_progress(done, "writing", on_progress):
        write_picture(out / target, _back(result, picture.shape[0], picture.shape[1]))
    return len(results)


def _sources(paths: list[Path], say: Callable[[str], object]) -> list[tuple[Path, Path]]:
    """Every file, and the path below `out` that its result gets."""
    found: list[tuple[Path, Path]] = []
    for path in paths:
        if path.is_dir():
            listed, _, others = list_folder(path)
            for line in others:
                say(f"passed over: {line}")
            if not listed.names:
                raise InputError(f"{path}: no picture in this folder (looked for {', '.join(SUFFIXES)})")
            found += [(path / name, Path(name).with_suffix(".png")) for name in listed.names]
        elif path.is_file():
            found.append((path, Path(path.name).with_suffix(".png")))
        else:
            raise InputError(f"{path}: no such file or folder")
    return found


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
    """The class of a picture's sub-folder, else the L of its name X_I_L.png; the first that the model knows."""
    match = NAME.fullmatch(source.name)
    likely = [*target.parts[:-1], *([match[2]] if match else [])]
    return next((text for text in likely if find_class(text, model.label_names) is not None), None)
