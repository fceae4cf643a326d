"""Files that appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from unalter.support.errors import InputError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; rename it to `path` when the block ends without error.

    The data is on the disk before the name is, so a power cut leaves the old file or the new one.

    Raises:
        OSError: it cannot be written, the disk is full; what was there before is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{path.suffix}")
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the umask takes its bits off
    try:
        yield aside
        with open(aside, "r+b") as written:  # Windows does not sync what is open for reading only
            os.fsync(written.fileno())
        os.replace(aside, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to fill; rename it to `path` when the block ends without error, else remove it.

    Raises:
        InputError: something is there already, but for an empty folder.
    """
    path = path.absolute()
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield aside
        aside.chmod(0o755)  # as if it had not been a temporary one
        if path.exists():
            path.rmdir()
        os.replace(aside, path)
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


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written, before the work for it begins.

    Raises:
        InputError: it is a folder, or its folder is not there or may not be written to.
    """
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"{path}: cannot be written; give a file in a folder that exists")
