"""Where the two parts of a data set lie: in folders, a zip of them, IDX files, arrays."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from pathlib import Path

from unalter.data.archive import list_archive, list_whole, open_archive
from unalter.data.arrays import has_parts, list_array, list_arrays
from unalter.data.folder import list_folder
from unalter.data.idx import is_idx, read_idx
from unalter.data.places import PARTS, parts_among, parts_of_folder
from unalter.data.sources import OTHER_KINDS, Listed, nothing, stamp_of
from unalter.support.arguments import as_path
from unalter.support.errors import InputError


def list_both(data: Path | None, clean: str = "", altered: str = "") -> tuple[Listed, Listed]:
    """The clean and the altered part of a data set.

    Args:
        data: a folder or zip with clean/ and aug/ (or what people call these, see `places`); a folder with one file for
            each, such as clean.npz and aug.npz; or an npz file with the arrays `clean` and `altered`.
        clean, altered: where the parts lie, in place of what `data` has: a folder, a zip, an npz, npy or IDX file.

    Raises:
        InputError: `data` is not there, neither it nor both parts were given, several folders would do, or both parts
            are one.
    """
    if data is None and not (clean and altered):
        raise InputError("which data? give a folder that holds clean/ and aug/, or both --clean and --altered")
    if data is not None and not (clean and altered) and not data.exists():
        raise InputError(_missing(data, "folder", "; give a folder that holds clean/ and aug/"))
    first = list_pictures(as_path(clean, "clean")) if clean else _part(data, "clean")
    second = list_pictures(as_path(altered, "altered")) if altered else _part(data, "altered")
    _check_apart(first[0].where, second[0].where, bool(clean and altered))
    return first, second


def list_altered(data: Path) -> Listed:
    """The altered part of a data set; or `data` itself, where that holds the pictures."""
    if data.is_dir() and not _candidates(data, "altered") and parts_of_folder(data) is None:
        return list_pictures(data)
    if data.is_file() and data.suffix.lower() in (".npz", ".npy") and not has_parts(data):
        return list_pictures(data)
    if data.is_file() and data.suffix.lower() != ".npz" and not _is_zip_of_parts(data):
        return list_pictures(data)
    if not data.exists():
        return nothing(data, _missing(data, "folder"))
    return _part(data, "altered")


def list_pictures(where: Path) -> Listed:
    """A folder with its sub-folders, a zip of one, or a file of arrays (npz with `images`, npy, IDX)."""
    if where.is_dir():
        return list_folder(where)
    if not where.exists():
        return nothing(where, _missing(where, "folder or file"))
    if where.suffix.lower() in (".npz", ".npy"):
        return list_arrays(where)
    if not where.is_file():
        return nothing(where, f"{where}: neither a folder nor a file")
    if zipfile.is_zipfile(where):
        return list_whole(where)
    if is_idx(where):
        images, stamp = read_idx(where), stamp_of(where.stat())
        labels = where.with_name(where.name.replace("images", "labels").replace("idx3", "idx1"))
        texts = read_idx(labels) if labels != where and labels.is_file() else None
        return list_array(where, images, texts, stamp)
    return nothing(where, f"{where}: neither a folder nor a zip, npz, npy or IDX file{_way_out(where)}")


def _part(data: Path | None, part: str) -> Listed:
    assert data is not None
    if data.is_dir():
        return _part_of_folder(data, part)
    if data.suffix.lower() in (".npz", ".npy"):
        return list_arrays(data, part)
    if not data.is_file() or not zipfile.is_zipfile(data):
        kinds = "neither a folder nor a zip or npz file that holds clean and altered pictures"
        return nothing(data, f"{data}: {kinds}{_way_out(data)}")
    try:
        archive = open_archive(data)
    except (zipfile.BadZipFile, OSError) as error:
        return nothing(data, f"{data}: cannot be read as a zip file ({error})")
    found = parts_among(data, archive.folders)
    if found is None:
        where = data / PARTS[part][0]
        return nothing(where, f"{where}: there is no such folder in the zip; it needs clean/ and aug/")
    source, problems, bad = list_archive(archive, getattr(found, part))
    return replace(source, notes=found.said), problems, bad


def _part_of_folder(data: Path, part: str) -> Listed:
    usual = _candidates(data, part)
    if usual:
        return list_pictures(usual[0])
    found = parts_of_folder(data)
    if found is not None:
        source, problems, bad = list_pictures(data / getattr(found, part))
        return replace(source, notes=found.said), problems, bad
    missing = data / PARTS[part][0]
    return nothing(missing, f"{missing}: there is no such folder; the data folder needs clean/ and aug/")


def _candidates(data: Path, part: str) -> list[Path]:
    """What a folder has for one part under its usual names: a folder, or a file of arrays."""
    endings = (".npz", ".npy", "-images-idx3-ubyte", "-images-idx3-ubyte.gz", ".zip")
    folders = [data / name for name in PARTS[part]]
    files = [data / f"{name}{ending}" for name in PARTS[part] for ending in endings]
    return [place for place in folders if place.is_dir()] + [place for place in files if place.is_file()]


def _is_zip_of_parts(file: Path) -> bool:
    try:
        return parts_among(file, open_archive(file).folders) is not None
    except (zipfile.BadZipFile, OSError):
        return False


def _missing(where: Path, what: str, more: str = "") -> str:
    """What to say of a path that leads nowhere."""
    if any(letter in str(where) for letter in "*?"):
        return f"{where}: is a pattern, which is not read; give the folder itself"
    if where.is_symlink():
        return f"{where}: is a link that leads nowhere, or round in a circle{more}"
    return f"{where}: there is no such {what}{more}"


def _way_out(file: Path) -> str:
    way = OTHER_KINDS.get(file.suffix.lower(), "")
    return f": it is {way} and give the folder" if way.startswith("packed") else ""


def _check_apart(clean: Path, altered: Path, both_given: bool) -> None:
    """Refuse two parts that are one, or lie within each other: a picture would be its own partner."""
    first, second = (Path(os.path.realpath(where)) for where in (clean, altered))  # minds no links in a circle
    if first == second and (both_given or first.is_dir()):
        raise InputError(f"{clean} and {altered} are the same: the clean and the altered pictures must be two folders")
    for inner, outer, above in ((altered, clean, first in second.parents), (clean, altered, second in first.parents)):
        if above and first.is_dir() and second.is_dir():
            raise InputError(f"{inner} lies within {outer}: its pictures would be read as both; move it out")
