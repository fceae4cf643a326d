"""Where the two parts of a data set lie: in folders, a zip of them, IDX files, arrays."""

from __future__ import annotations

import zipfile
from pathlib import Path

from unalter.data.archive import list_archive
from unalter.data.arrays import has_parts, list_array, list_arrays
from unalter.data.folder import list_folder
from unalter.data.idx import is_idx, read_idx
from unalter.data.sources import Listed, nothing
from unalter.support.arguments import as_path
from unalter.support.errors import InputError

_PARTS = {"clean": ("clean",), "altered": ("aug", "altered")}
"""What the two parts of a data set are called; the first is the one to recommend."""


def list_both(data: Path | None, clean: str = "", altered: str = "") -> tuple[Listed, Listed]:
    """The clean and the altered part of a data set.

    Args:
        data: a folder or zip with clean/ and aug/; a folder with one file for each, such as clean.npz and aug.npz;
            or an npz file with the arrays `clean` and `altered`.
        clean, altered: where the parts lie, in place of what `data` has: a folder, an npz, npy or IDX file.

    Raises:
        InputError: `data` is not there, or neither it nor both parts were given.
    """
    if data is None and not (clean and altered):
        raise InputError("which data? give a folder that holds clean/ and aug/, or both --clean and --altered")
    if data is not None and not (clean and altered) and not data.exists():
        raise InputError(f"{data}: there is no such folder; give a folder that holds clean/ and aug/")
    first = list_pictures(as_path(clean, "clean")) if clean else _part(data, "clean")
    second = list_pictures(as_path(altered, "altered")) if altered else _part(data, "altered")
    return first, second


def list_altered(data: Path) -> Listed:
    """The altered part of a data set; or `data` itself, where that holds the pictures."""
    if data.is_dir() and not _candidates(data, "altered"):
        return list_pictures(data)
    if data.is_file() and data.suffix.lower() != ".zip" and not has_parts(data):
        return list_pictures(data)
    if not data.exists():
        return nothing(data, f"{data}: there is no such folder")
    return _part(data, "altered")


def list_pictures(where: Path) -> Listed:
    """A folder with its sub-folders, or a file of arrays (npz with `images`, npy, IDX)."""
    if where.is_dir():
        return list_folder(where)
    if not where.exists():
        return nothing(where, f"{where}: there is no such folder or file")
    if where.suffix.lower() in (".npz", ".npy"):
        return list_arrays(where)
    if is_idx(where):
        images, status = read_idx(where), where.stat()
        labels = where.with_name(where.name.replace("images", "labels").replace("idx3", "idx1"))
        texts = read_idx(labels) if labels != where and labels.is_file() else None
        return list_array(where, images, texts, (status.st_size, status.st_mtime_ns))
    return nothing(where, f"{where}: neither a folder nor an npz, npy or IDX file")


def _part(data: Path | None, part: str) -> Listed:
    assert data is not None
    if data.is_file():
        if data.suffix.lower() in (".npz", ".npy"):
            return list_arrays(data, part)
        if zipfile.is_zipfile(data):
            return list_archive(data, _PARTS[part])
        return nothing(data, f"{data}: neither a folder nor a zip or npz file that holds clean and altered pictures")
    found = _candidates(data, part)
    if found:
        return list_pictures(found[0])
    missing = data / _PARTS[part][0]
    words = f"{missing}: there is no such folder; the data folder needs clean/ and aug/"
    below = [folder for folder in data.iterdir() if folder.is_dir() and _candidates(folder, part)]
    if below:
        words += f"; {below[0]} has them"
    return nothing(missing, words)


def _candidates(data: Path, part: str) -> list[Path]:
    """What a folder has for one part: a folder, or a file of arrays."""
    endings = (".npz", ".npy", "-images-idx3-ubyte", "-images-idx3-ubyte.gz")
    folders = [data / name for name in _PARTS[part]]
    files = [data / f"{name}{ending}" for name in _PARTS[part] for ending in endings]
    return [place for place in folders if place.is_dir()] + [place for place in files if place.is_file()]
