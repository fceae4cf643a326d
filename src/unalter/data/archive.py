"""Picture files in a zip."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from unalter.data.sources import SUFFIXES, TEXTS, Listed, is_litter, listed_files, no_picture_file, nothing

_MOST_BYTES = 2**28
"""A picture file in a zip that unpacks to more is not small."""


@dataclass(frozen=True)
class Archive:
    """An open zip, less what systems leave in it."""

    file: Path
    opened: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]
    """Files by their names, always with /: some Windows programs write backslashes."""

    @property
    def folders(self) -> set[str]:
        """Of all files, with those that they lie in; without a / at the end."""
        return {str(folder) for name in self.entries for folder in PurePosixPath(name).parents if str(folder) != "."}

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ValueError: it is damaged.
        """
        try:
            return self.opened.read(self.entries[name])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise ValueError(str(error)) from None


def open_archive(file: Path) -> Archive:
    """Open a zip.

    Raises:
        OSError, zipfile.BadZipFile: it cannot be read.
    """
    opened = zipfile.ZipFile(file)
    named = ((entry.filename.replace("\\", "/").removeprefix("./"), entry) for entry in opened.infolist())
    entries = {n: e for n, e in named if not n.endswith("/") and not any(map(is_litter, n.split("/")))}
    return Archive(file, opened, entries)


def list_archive(archive: Archive, folder: str = "") -> Listed:
    """The pictures in a folder of a zip, or in all of it, and a labels.csv beside that folder."""
    found: list[tuple[str, tuple[int, ...]]] = []
    bad: list[str] = []
    top = f"{folder}/" if folder else ""
    for full, entry in archive.entries.items():
        if not full.startswith(top):
            continue
        suffix = PurePosixPath(full).suffix.lower()
        if suffix in TEXTS:
            continue
        if suffix not in SUFFIXES:
            bad.append(no_picture_file(f"{archive.file}/{full}"))
        elif entry.flag_bits & 1:
            bad.append(f"{archive.file}/{full}: cannot be read (it is encrypted)")
        elif entry.file_size > _MOST_BYTES:
            bad.append(f"{archive.file}/{full}: cannot be read (it unpacks to {entry.file_size >> 20:,} MiB)")
        else:
            found.append((full.removeprefix(top), (entry.file_size, entry.CRC)))
    where = archive.file / folder if folder else archive.file
    return listed_files(where, found, bad, lambda name: archive.read(top + name), _table(archive, folder))


def _table(archive: Archive, folder: str) -> bytes | None:
    """The content of a labels.csv in a folder or beside it."""
    places = {f"{place}/labels.csv".lstrip("/").lower() for place in (folder, folder.rpartition("/")[0])}
    with suppress(ValueError):  # damaged
        return next((archive.read(name) for name in archive.entries if name.lower() in places), None)
    return None


def list_whole(file: Path) -> Listed:
    """All pictures of a zip; a single folder that holds everything says nothing, and is left out of their names."""
    try:
        archive = open_archive(file)
    except (zipfile.BadZipFile, OSError) as error:
        return nothing(file, f"{file}: cannot be read as a zip file ({error})")
    tops = {name.partition("/")[0] if "/" in name else "" for name in archive.entries}
    top = tops.pop() if len(tops) == 1 else ""
    source, problems, bad = list_archive(archive, top)
    return replace(source, where=file / top if top else file), problems, bad
