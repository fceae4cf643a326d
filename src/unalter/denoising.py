"""Files in, denoised files out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unalter.data.decode import read_picture
from unalter.data.listing import NAME, SUFFIXES, is_litter
from unalter.errors import InputError, raise_together
from unalter.inference import Model
from unalter.pictures import write_picture


def denoise_files(model: Model, paths: list[Path], out: Path, label: int | None = None) -> int:
    """Denoise files, and folders of them, into `out` as PNG; names and the tree below a folder are kept.

    Everything is read and denoised before the first file is written.

    Args:
        model: what denoises.
        paths: files and folders.
        out: where results go; files of the same name there are replaced.
        label: of all pictures; None: the L of X_I_L.png. A CVAE needs one or the other.

    Returns:
        How many pictures were written.

    Raises:
        InputError: files that are not there or unreadable, of another size than the model's, without label
            where one is needed, or two that would be written under one name; all in one message.
    """
    sources = _sources(paths)
    pictures, problems = [], []
    targets: dict[Path, Path] = {}
    for source, target in sources:
        if target in targets:
            problems.append(f"{source} and {targets[target]} would both be written to {out / target}")
        targets[target] = source
        if (out / target).resolve() == source.resolve():
            problems.append(f"{source}: would be overwritten by its own result; choose another --out")
        try:
            pictures.append(_fitted(read_picture(source), model.shape))
        except (OSError, SyntaxError, ValueError) as error:
            problems.append(f"{source}: {error}")
    labels = [label if label is not None else _label_of(source) for source, _ in sources]
    if model.classes:
        for (source, _), one in zip(sources, labels, strict=True):
            if one is None:
                problems.append(f"{source}: has no label; the CVAE needs --label, or names X_I_L.png")
    raise_together(problems, "Some pictures cannot be denoised:")
    results = model.denoise(np.stack(pictures), labels if model.classes else None)
    for (_, target), result in zip(sources, results, strict=True):
        write_picture(out / target, result)
    return len(results)


def _sources(paths: list[Path]) -> list[tuple[Path, Path]]:
    """Every file, and the path below `out` that its result gets."""
    found: list[tuple[Path, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p.relative_to(path) for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            inside = [p for p in inside if not any(map(is_litter, p.parts))]
            if not inside:
                raise InputError(f"{path}: no picture in this folder (looked for {', '.join(SUFFIXES)})")
            found += [(path / p, p.with_suffix(".png")) for p in inside]
        elif path.is_file():
            found.append((path, Path(path.name).with_suffix(".png")))
        else:
            raise InputError(f"{path}: no such file or folder")
    return found


def _fitted(picture: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The picture as uint8 [C, H, W] of the model's shape; ValueError where it has another."""
    channels, height, width = shape
    if picture.shape[:2] != (height, width):
        raise ValueError(f"{picture.shape[1]} x {picture.shape[0]} pixels; the model takes {width} x {height}")
    if picture.ndim == 3 and channels == 1:
        raise ValueError("is in colour; the model takes grey pictures")
    return picture.transpose(2, 0, 1) if picture.ndim == 3 else np.repeat(picture[None], channels, 0)


def _label_of(path: Path) -> int | None:
    match = NAME.fullmatch(path.name)
    return int(match[2]) if match else None
