"""Files that appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from unalter.support.errors import InputError

_IN_USE = (5, 32, 33, 1224)
"""What Windows says of a file that another program has open, or mapped: its numbers for access denied, sharing
violation, lock violation, user-mapped section. A virus scanner lets go within a second."""
_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before the next try."""
_LONGEST_SUFFIX = 16
"""More is no kind of file, but a part of the name."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; rename it to `path` when the block ends without error.

    The data is on the disk before the name is, so a power cut leaves the old file or the new one. Where `path` is a
    link, the file that it leads to is written.

    Raises:
        InputError: there is a device or pipe of that name, or another program holds the file.
        OSError: it cannot be written, the disk is full; what was there before is as it was.
    """
    _check_regular(path)
    target = path.resolve() if path.is_symlink() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{aside_name(target)}")
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the umask takes its bits off
    try:
        yield aside
        with open(aside, "r+b") as written:  # Windows does not sync what is open for reading only
            os.fsync(written.fileno())
        replace(aside, target)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        with suppress(OSError):  # there is none, or it is held, too: the error on its way says more
            aside.unlink()


def aside_name(path: Path) -> str:
    """A name of no more than 24 letters that nothing has: names may be as long as the system allows."""
    return secrets.token_hex(4) + path.suffix[: _LONGEST_SUFFIX if len(path.suffix) <= _LONGEST_SUFFIX else 0]


def replace(new: Path, old: Path) -> None:
    """Rename `new` to `old`, a file or an empty folder; where another program has it open, try a few times.

    Raises:
        InputError: the other program did not let go.
        OSError: whatever else is the matter.
    """
    for wait in (*_WAITS, None):
        try:
            return os.replace(new, old)
        except OSError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
            if wait is None:
                raise InputError(
                    f"{old}: cannot be replaced, another program has it open; close it there, or choose another place"
                ) from None
            time.sleep(wait)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to fill; rename it to `path` when the block ends without error, else remove it.

    Raises:
        InputError: something is there already, but for an empty folder.
    """
    path = path.absolute()
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{aside_name(path)}")
    aside.mkdir()
    try:
        yield aside
        if path.exists():
            path.rmdir()
        replace(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, bytes of file names that are none escaped; the file appears whole or not at all."""
    with atomic_write(path) as aside:
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")


def unused_name(path: Path) -> Path:
    """The path, where nothing is there; else with the first number behind its name (7_01.png) that is not taken."""
    numbered = (path.with_name(f"{path.stem}_{number:02d}{path.suffix}") for number in count(1))
    return next(name for name in chain([path], numbered) if not name.exists())


def refuse_existing(folder: Path) -> None:
    """Refuse a folder that is to be made and is there already, before the work for it begins; an empty one will do.

    Raises:
        InputError: it is there, and not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder.absolute()} exists and is not empty; choose another folder")


def check_output(path: Path, *endings: str) -> None:
    """Refuse a file that cannot be written, before the work for it begins.

    Args:
        endings: what it is written as; a name may end so, or in nothing.

    Raises:
        InputError: it is a folder, a device or a pipe, its folder is not there or may not be written to, or the name
            promises another kind of file.
    """
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"{path}: cannot be written; give a file in a folder that exists")
    if endings and path.suffix and path.suffix.lower() not in endings:
        raise InputError(f"{path}: must end in {' or '.join(endings)}, for that is what is written")
    _check_regular(path)


def _check_regular(path: Path) -> None:
    """Refuse what a file must not take the place of; only folders are left for the system to refuse."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path}: is a device or pipe, which is not written to; give a file")
