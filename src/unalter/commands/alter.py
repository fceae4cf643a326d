"""Altered data sets made from clean pictures."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from unalter.alter import Recipe, load_recipe
from unalter.alter.pictures import alter_pictures
from unalter.data.dataset import ImageSet, read_altered
from unalter.data.labels import NAME
from unalter.data.memory import InMemory, as_pictures
from unalter.data.options import DataOptions
from unalter.images.sheet import save_picture
from unalter.pipeline.prepare import as_recipe
from unalter.support.arguments import as_path, as_seed, as_whole
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.support.files import new_folder, refuse_existing, replace
from unalter.support.progress import ProgressCallback, with_progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Altered:
    """Altered pictures, and what they were made of."""

    images: np.ndarray
    """uint8 [N, H, W], in colour [N, 3, H, W]"""
    clean: np.ndarray
    """int64 [N]: the row of the clean picture of each"""
    groups: list[str]
    """The alterations of the branch that each went."""
    names: list[str]
    """Of the altered pictures: what their files are called."""
    clean_names: list[str]

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<{len(self):,} altered pictures, {self.images.dtype} {list(self.images.shape)}>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame of what truth.csv has: altered, clean and group."""
        import pandas

        clean = [self.clean_names[row] for row in self.clean]
        return pandas.DataFrame({"altered": self.names, "clean": clean, "group": self.groups})


@guest()
def alter(
    clean: Any, out: str | os.PathLike[str] | None = None, recipe: str | os.PathLike[str] | Recipe = "altered-mnist", *,
    labels: Any = None, seed: int = 0, count: int | None = None, move: bool = False, verbose: bool = False,
    **reading: Any,
) -> Altered:  # fmt: skip
    """Alter clean pictures; with `out` write `out/clean`, `out/aug` and `out/truth.csv`.

    The altered picture of `clean_I_L.png` is `aug_I_L.png`, that of any other name has the same name and ends in
    .png; what happens to it depends on `seed` and I alone, or on its place among the pictures.
    truth.csv has the columns altered, clean and group (the alterations of the picture's branch). `out`
    appears whole or not at all.

    Args:
        clean: a folder of pictures, of one with clean/ and aug/ in it its clean/; or pictures in memory, which are
            called clean_I_L.png (without labels I.png).
        out: must not exist, or be empty; None: nothing is written.
        recipe: a preset, a YAML file or a `Recipe`.
        labels: of pictures in memory, one a picture.
        count: alter only so many, spread evenly over the folder; the clean folder is whole all the same.
        move: the clean folder becomes `out/clean`, in place of a copy.
        verbose: show how far it is.
        reading: fields of `DataOptions`.

    Raises:
        InputError: `clean` or `recipe` cannot be used, `out` is in the way, `count` is more than there are.
    """
    target = None if out is None else as_path(out, "out").absolute()
    if target is not None:
        refuse_existing(target)
    console = Console(quiet=not verbose)
    seed, given = as_seed(seed), as_recipe(recipe)
    where = as_pictures(clean, labels)
    if isinstance(where, Path) and not where.is_dir():
        raise InputError(f"{where}: there is no such folder; give one that holds clean pictures")
    if isinstance(where, Path) and (part := _clean_part(where)) != where:
        where = part
        console.say(f"altering the pictures in {part}")
    pictures = read_altered(where, DataOptions.from_values(reading))
    if len(set(pictures.index.tolist())) < len(pictures):
        raise InputError(f"{where}: several pictures have the same index I or name; each may be there once")
    total = len(pictures)
    if count is not None and not 1 <= as_whole(count, "count", 1) <= total:
        raise InputError(f"count is {count}; it must be from 1 to {total}, the pictures in {where}")
    rows = np.linspace(0, total, count or total, endpoint=False).astype(np.int64)
    chosen = _recipe(given, pictures)
    if isinstance(where, InMemory):
        pictures = _named(pictures)
    with console.progress("alter") as on_progress:
        images, groups = alter_pictures(pictures.images[rows], pictures.index[rows], chosen, seed, on_progress)
        names = [_altered_name(pictures, row) for row in rows]
        made = Altered(images.squeeze(1) if images.shape[1] == 1 else images, rows, groups, names, pictures.names)
        if target is not None:
            _write(target, pictures, made, where if isinstance(where, Path) else None, move, on_progress)
    return made


def _clean_part(folder: Path) -> Path:
    """The clean pictures of a folder: itself, or its clean/ where it is a data set."""
    part = folder / "clean"
    return part if part.is_dir() and any((folder / name).is_dir() for name in ("aug", "altered")) else folder


def _recipe(named: str | Recipe, pictures: ImageSet) -> Recipe:
    channels, height, width = pictures.images.shape[1:]
    recipe = load_recipe(named, (channels, height, width)) if isinstance(named, str) else named
    recipe.check((channels, height, width))
    return recipe


def _named(pictures: ImageSet) -> ImageSet:
    """Pictures in memory with names of files."""
    rows, labels = range(len(pictures)), pictures.labels.tolist()
    if pictures.label_names == tuple(map(str, range(len(pictures.label_names)))) and pictures.label_names:
        names = [f"clean_{row}_{label}.png" for row, label in zip(rows, labels, strict=True)]
    elif pictures.label_names:
        names = [f"{pictures.label_names[label]}/{row}.png" for row, label in zip(rows, labels, strict=True)]
    else:
        names = [f"{row}.png" for row in rows]
    return ImageSet(pictures.images, pictures.index, pictures.labels, names, pictures.label_names)


def _altered_name(pictures: ImageSet, row: int) -> str:
    name = pictures.names[row]
    if NAME.fullmatch(name) is None:
        return str(PurePosixPath(name).with_suffix(".png"))
    return f"aug_{pictures.index[row]}_{pictures.labels[row]}.png"


def _write(
    out: Path, pictures: ImageSet, made: Altered, clean: Path | None, move: bool, on_progress: ProgressCallback
) -> None:
    """Write the data set; `clean` is the folder of the clean pictures, None where they are in memory."""
    with new_folder(out) as aside:
        rows = list(zip(pictures.names, pictures.images, strict=True))
        for name, picture in with_progress([] if move else rows, "copying clean pictures", on_progress):
            target = aside / "clean" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if clean is None:
                save_picture(target, picture)
            else:
                shutil.copyfile(clean / name, target)
        altered = list(zip(made.names, made.images, strict=True))
        for name, picture in with_progress(altered, "writing altered pictures", on_progress):
            target = aside / "aug" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(target, picture)
        with open(aside / "truth.csv", "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(["altered", "clean", "group"])
            writer.writerows(zip(made.names, (made.clean_names[row] for row in made.clean), made.groups, strict=True))
        if move and clean is not None:
            replace(clean, aside / "clean")
