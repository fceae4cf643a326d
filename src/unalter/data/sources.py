"""Where pictures lie: folders, a zip of them, IDX files, arrays. Listed here, without decoding a picture file."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from unalter.data.idx import is_idx, read_idx
from unalter.images.convert import to_uint8
from unalter.support.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Kinds of files that pictures are read from, in lower case."""
_TEXTS = {".txt", ".md", ".csv", ".tsv", ".json", ".yaml", ".yml", ".html", ".xml", ".log"}
"""Kinds of files that lie beside pictures and are none."""
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
"""What systems leave in folders without being asked, in lower case."""
_NUMBER = re.compile("([0-9]+)")
_MOST_BYTES = 2**28
"""A picture file in a zip that unpacks to more is not small."""
_PARTS = {"clean": ("clean",), "altered": ("aug", "altered")}
"""What the two parts of a data set are called; the first is the one to recommend."""


@dataclass(frozen=True)
class Source:
    """The pictures of one part of a data set, clean or altered, listed."""

    where: Path
    """Said in messages."""
    names: list[str]
    """Below `where`, with /, in natural order."""
    stamps: list[tuple[int, int]]
    """Of every picture two numbers that change when its file does."""
    read: Callable[[str], bytes | np.ndarray]
    """By name: the bytes of a picture file, or the picture itself, uint8 [H, W] or [H, W, 3]."""
    labels: list[str] | None = None
    """Where they came with the pictures."""
    is_array: bool = False
    """Whether names are only the rows of an array."""

    def __len__(self) -> int:
        return len(self.names)

    def path(self, name: str) -> str:
        """What a picture is called in messages."""
        return f"{self.where}: picture {name}" if self.is_array else str(self.where / name)

    def rows_without(self, paths: Collection[str]) -> list[int]:
        """The rows of all pictures but some, called by `path`."""
        if not paths:
            return list(range(len(self)))
        return [i for i, name in enumerate(self.names) if self.path(name) not in paths]

    def without(self, paths: Collection[str]) -> Source:
        """The same, less some pictures, called by `path`."""
        if not paths:
            return self
        keep = self.rows_without(paths)
        labels = None if self.labels is None else [self.labels[i] for i in keep]
        return replace(self, names=[self.names[i] for i in keep], stamps=[self.stamps[i] for i in keep], labels=labels)


Listed = tuple[Source, list[str], list[str]]
"""A source; what is wrong with it as a whole; and what is wrong with single files, which are not in it."""


def is_litter(name: str) -> bool:
    """Whether a file of this name is hidden, or one that a system leaves in folders without being asked."""
    return name.startswith(".") or name.lower() in _LITTER


def natural(name: str) -> list[str | int]:
    """A key that sorts names as people do: `a_9` before `a_10`."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(name))]


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
    first = list_pictures(Path(clean)) if clean else _part(data, "clean")
    second = list_pictures(Path(altered)) if altered else _part(data, "altered")
    return first, second


def list_altered(data: Path) -> Listed:
    """The altered part of a data set; or `data` itself, where that holds the pictures."""
    if data.is_dir() and not _candidates(data, "altered"):
        return list_pictures(data)
    if data.is_file() and data.suffix.lower() != ".zip" and not _has_part(data, "altered"):
        return list_pictures(data)
    if not data.exists():
        return _nothing(data, f"{data}: there is no such folder")
    return _part(data, "altered")


def list_pictures(where: Path) -> Listed:
    """A folder with its sub-folders, or a file of arrays (npz with `images`, npy, IDX)."""
    if where.is_dir():
        return _folder(where)
    if not where.exists():
        return _nothing(where, f"{where}: there is no such folder; the data folder needs clean/ and aug/")
    if where.suffix.lower() in (".npz", ".npy"):
        return _arrays(where, ("images",), ("labels",))
    if is_idx(where):
        images = read_idx(where)
        labels = where.with_name(where.name.replace("images", "labels").replace("idx3", "idx1"))
        return _listed_array(where, images, read_idx(labels) if labels != where and labels.is_file() else None)
    return _nothing(where, f"{where}: neither a folder nor an npz, npy or IDX file")


def _part(data: Path | None, part: str) -> Listed:
    assert data is not None
    if data.is_file():
        if data.suffix.lower() in (".npz", ".npy"):
            names = _PARTS[part]
            return _arrays(data, names, tuple(f"{name}_labels" for name in names))
        if zipfile.is_zipfile(data):
            return _zip(data, part)
        return _nothing(data, f"{data}: neither a folder nor a zip or npz file that holds clean and altered pictures")
    found = _candidates(data, part)
    if found:
        return list_pictures(found[0])
    missing = data / _PARTS[part][0]
    words = f"{missing}: there is no such folder; the data folder needs clean/ and aug/"
    below = [folder for folder in data.iterdir() if folder.is_dir() and _candidates(folder, part)]
    if below:
        words += f"; {below[0]} has them"
    return _nothing(missing, words)


def _candidates(data: Path, part: str) -> list[Path]:
    """What a folder has for one part: a folder, or a file of arrays."""
    endings = (".npz", ".npy", "-images-idx3-ubyte", "-images-idx3-ubyte.gz")
    folders = [data / name for name in _PARTS[part]]
    files = [data / f"{name}{ending}" for name in _PARTS[part] for ending in endings]
    return [place for place in folders if place.is_dir()] + [place for place in files if place.is_file()]


def _has_part(file: Path, part: str) -> bool:
    """Whether an npz file has the arrays of one part."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return any(name in stored for name in _PARTS[part])
    except Exception:  # whatever it is, it is not that
        return False


def _nothing(where: Path, problem: str) -> Listed:
    return Source(where, [], [], lambda name: b""), [problem], []


def _folder(folder: Path) -> Listed:
    found: list[tuple[str, tuple[int, int]]] = []
    bad: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue  # a link to a folder that it lies in
            seen.add((status.st_dev, status.st_ino))
            entries = list(os.scandir(place))
        except OSError as error:
            bad.append(f"{place}: cannot be read ({error.strerror})")
            continue
        for entry in entries:
            if is_litter(entry.name):
                continue
            if entry.is_dir():
                waiting.append((place / entry.name, f"{prefix}{entry.name}/"))
                continue
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix in _TEXTS:
                continue
            if suffix not in SUFFIXES:
                bad.append(_unknown(entry.path))
                continue
            try:
                status = entry.stat()
            except OSError as error:
                bad.append(f"{entry.path}: cannot be read ({error.strerror})")
                continue
            found.append((prefix + entry.name, (status.st_size, status.st_mtime_ns)))
    return _listed(folder, found, bad, lambda name: (folder / name).read_bytes())


def _zip(file: Path, part: str) -> Listed:
    found: list[tuple[str, tuple[int, int]]] = []
    bad: list[str] = []
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        return _nothing(file, f"{file}: cannot be read as a zip file ({error})")
    entries = [e for e in archive.infolist() if not e.is_dir() and not any(map(is_litter, e.filename.split("/")))]
    inside = {
        f"{before}{name}/": len(before)
        for e in entries
        for name in _PARTS[part]
        for before, found_name, _ in (e.filename.partition(f"{name}/"),)
        if found_name and (before == "" or before.endswith("/"))
    }
    where = file / _PARTS[part][0]
    if not inside:
        return _nothing(where, f"{where}: there is no such folder in the zip; it needs clean/ and aug/")
    top = min(inside, key=inside.__getitem__)
    for entry in entries:
        if not entry.filename.startswith(top):
            continue
        name, suffix = entry.filename.removeprefix(top), PurePosixPath(entry.filename).suffix.lower()
        if suffix in _TEXTS:
            continue
        if suffix not in SUFFIXES:
            bad.append(_unknown(f"{file}/{entry.filename}"))
        elif entry.flag_bits & 1:
            bad.append(f"{file}/{entry.filename}: cannot be read (it is encrypted)")
        elif entry.file_size > _MOST_BYTES:
            bad.append(f"{file}/{entry.filename}: cannot be read (it unpacks to {entry.file_size >> 20:,} MiB)")
        else:
            found.append((name, (entry.file_size, entry.CRC)))

    def read(name: str) -> bytes:
        try:
            return archive.read(top + name)
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            raise ValueError(str(error)) from None

    return _listed(file / top.rstrip("/"), found, bad, read)


def _listed(
    where: Path, found: list[tuple[str, tuple[int, int]]], bad: list[str], read: Callable[[str], bytes]
) -> Listed:
    found.sort(key=lambda item: (natural(item[0]), item[0]))
    problems = [] if found or bad else [f"{where}: the folder is empty; it needs pictures named X_I_L.png"]
    return Source(where, [name for name, _ in found], [stamp for _, stamp in found], read), problems, sorted(bad)


def _unknown(path: str) -> str:
    return f"{path}: no picture file; pictures are read from {' '.join(SUFFIXES)}"


def _arrays(file: Path, names: tuple[str, ...], label_names: tuple[str, ...]) -> Listed:
    try:
        with open(file, "rb") as opened:
            stored = np.load(opened, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                return _listed_array(file, stored, None)
            images = next((stored[name] for name in names if name in stored), None)
            labels = next((stored[name] for name in label_names if name in stored), None)
            has = ", ".join(stored.files)
    except Exception as error:  # numpy raises half a dozen types for what is damaged, and ValueError for objects
        return _nothing(file, f"{file}: cannot be read as arrays of numpy ({str(error).splitlines()[0][:160]})")
    if images is None:
        wanted = " or ".join(repr(name) for name in names)
        return _nothing(file, f"{file}: needs an array called {wanted}, has {has or 'none'}")
    return _listed_array(file, images, labels)


def _listed_array(file: Path, images: np.ndarray, labels: np.ndarray | None) -> Listed:
    shape = images.shape
    if images.ndim == 4 and shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] == 3):
        return _nothing(file, f"{file}: expected pictures [N, H, W], [N, H, W, 3] or [N, 3, H, W], got {list(shape)}")
    if images.dtype.kind == "f" and images.size and images.min() >= 0 and images.max() <= 1:
        images = to_uint8(images)
    if images.dtype != np.uint8:
        found = f"{images.dtype} from {images.min():g} to {images.max():g}" if images.size else str(images.dtype)
        return _nothing(file, f"{file}: expected uint8 (0..255) or float (0..1), got {found}")
    if len(images) == 0:
        return _nothing(file, f"{file}: has no picture in it")
    if labels is not None and labels.shape != (len(images),):
        return _nothing(file, f"{file}: expected {len(images):,} labels, one a picture, got {list(labels.shape)}")
    status = file.stat()
    stamps = [(status.st_size, status.st_mtime_ns)] * len(images)
    names = [str(i) for i in range(len(images))]
    given = None if labels is None else [str(label) for label in labels.tolist()]
    return Source(file, names, stamps, partial(_row, images), given, is_array=True), [], []


def _row(images: np.ndarray, name: str) -> np.ndarray:
    return images[int(name)]
