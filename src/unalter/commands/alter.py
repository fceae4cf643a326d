"""Altered data sets made from clean pictures."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path, PurePosixPath

import numpy as np

from unalter.alter import load_recipe
from unalter.alter.pictures import alter_pictures
from unalter.data.dataset import ImageSet, read_altered
from unalter.data.labels import NAME
from unalter.images.sheet import save_picture
from unalter.support.errors import InputError
from unalter.support.files import new_folder, refuse_existing
from unalter.support.progress import ProgressCallback, no_progress, with_progress


def write_altered(
    clean: Path, out: Path, recipe: str | Path, *, seed: int = 0, count: int | None = None,
    move: bool = False, on_progress: ProgressCallback = no_progress,
) -> int:  # fmt: skip
    """Alter the pictures of a folder; write `out/clean`, `out/aug` and `out/truth.csv`.

    The altered picture of `clean_I_L.png` is `aug_I_L.png`, that of any other name has the same name and ends in
    .png; what happens to it depends on `seed` and I alone, or on its place among the names.
    truth.csv has the columns altered, clean and group (the alterations of the picture's branch). `out`
    appears whole or not at all.

    Args:
        clean: a folder of pictures.
        out: must not exist, or be empty.
        recipe: a preset or a YAML file.
        count: alter only so many, spread evenly over the folder; the clean folder is whole all the same.
        move: the clean folder becomes `out/clean`, in place of a copy.
        on_progress: told how far it is.

    Returns:
        How many altered pictures were written.

    Raises:
        InputError: `clean` or `recipe` cannot be used, `out` is in the way, `count` is more than there are.
    """
    refuse_existing(out)
    if not clean.is_dir():
        raise InputError(f"{clean}: there is no such folder; give one that holds clean pictures")
    pictures = read_altered(clean)
    if len(set(pictures.index.tolist())) < len(pictures):
        raise InputError(f"{clean}: several pictures have the same index I or name; each may be there once")
    total = len(pictures)
    if count is not None and not 1 <= count <= total:
        raise InputError(f"count is {count}; it must be from 1 to {total}, the pictures in {clean}")
    rows = np.linspace(0, total, count or total, endpoint=False).astype(np.int64)
    channels, height, width = pictures.images.shape[1:]
    chosen = load_recipe(recipe, (channels, height, width))
    altered, groups = alter_pictures(pictures.images[rows], pictures.index[rows], chosen, seed, on_progress)
    with new_folder(out) as aside:
        for name in with_progress([] if move else pictures.names, "copying clean pictures", on_progress):
            target = aside / "clean" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clean / name, target)
        _write_pictures(aside, pictures.rows(rows), altered, groups, on_progress)
        if move:
            os.replace(clean, aside / "clean")
    return len(rows)


def _write_pictures(
    folder: Path, clean: ImageSet, altered: np.ndarray, groups: list[str], on_progress: ProgressCallback
) -> None:
    with open(folder / "truth.csv", "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["altered", "clean", "group"])
        rows = list(zip(clean.names, clean.index, clean.labels, altered, groups, strict=True))
        for name, index, label, picture, group in with_progress(rows, "writing altered pictures", on_progress):
            plain = NAME.fullmatch(name) is None
            altered_name = str(PurePosixPath(name).with_suffix(".png")) if plain else f"aug_{index}_{label}.png"
            target = folder / "aug" / altered_name
            target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(target, picture)
            writer.writerow([altered_name, name, group])
