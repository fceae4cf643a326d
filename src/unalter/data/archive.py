"""Picture files in a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from unalter.data.sources import SUFFIXES, TEXTS, Listed, is_litter, listed_files, no_picture_file, nothing

_MOST_BYTES = 2**28
"""A picture file in a zip that unpacks to more is not small."""


def list_archive(file: Path, folders: tuple[str, ...]) -> Listed:
    """The pictures in the topmost folder of a zip that is called one of `folders`; the first is said in messages."""
    found: list[tuple[str, tuple[int, int]]] = []
    bad: list[str] = []
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        return nothing(file, f"{file}: cannot be read as a zip file ({error})")
    entries = [e for e in archive.infolist() if not e.is_dir() and not any(map(is_litter, e.filename.split("/")))]
    inside = {
        f"{before}{name}/": len(before)
        for e in entries
        for name in folders
        for before, found_name, _ in (e.filename.partition(f"{name}/"),)
        if found_name and (before == "" or before.endswith("/"))
    }
    where = file / folders[0]
    if not inside:
        return nothing(where, f"{where}: there is no such folder in the zip; it needs clean/ and aug/")
    top = min(inside, key=inside.__getitem__)
    for entry in entries:
        if not entry.filename.startswith(top):
            continue
        name, suffix = entry.filename.removeprefix(top), PurePosixPath(entry.filename).suffix.lower()
        if suffix in TEXTS:
            continue
        if suffix not in SUFFIXES:
            bad.append(no_picture_file(f"{file}/{entry.filename}"))
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

    return listed_files(file / top.rstrip("/"), found, bad, read)
