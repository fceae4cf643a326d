"""Tables of people: CSV as spreadsheets and editors write it."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from unalter.data.classes import composed
from unalter.support.errors import InputError, raise_together

_SEPARATORS = (",", ";", "\t", "|")
_OLD = "cp1252"
"""What a table is taken for that is no UTF-8: Windows of the west, and Excel there."""


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    line: int
    """Where it stands in the file, from 1."""
    cells: dict[str, str]
    """By column, without spaces around; bytes that are no UTF-8 as surrogates, as in names of files."""


def read_table(file: Path, needed: tuple[str, ...], content: bytes | None = None) -> list[Row]:
    """The rows of a CSV file, empty ones left out.

    Separated by commas, semicolons, tabs or bars; UTF-8, UTF-16 or an old code page; with or without quotes, a byte
    order mark, Excel's line `sep=;` and empty columns at the end.

    Args:
        file: said in messages.
        needed: the columns that must be there, in lower case; others may be.
        content: of the file, where it lies in a zip.

    Raises:
        InputError: it cannot be read; says in which line, and what to do.
    """
    try:
        content = file.read_bytes() if content is None else content
    except OSError as error:
        raise InputError(f"{file}: cannot be read as CSV ({error.strerror})") from None
    lines = io.StringIO(_text(file, content), newline="").readlines()
    skipped = 0
    asked = ""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) <= len("sep=;"):
        asked, skipped = lines[0].rstrip("\r\n")[4:5], 1
    head = next((line for line in lines[skipped:] if line.strip(" \t\r\n,;|")), "")
    separator = asked or _separator(head, needed)
    reader = csv.reader(lines[skipped:], delimiter=separator, strict=True, skipinitialspace=True)
    try:
        records = []
        for cells in reader:
            records.append((reader.line_num + skipped, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise InputError(
            f"{file}: line {reader.line_num + skipped} cannot be read as CSV ({error}): mind the quotes"
        ) from None
    records = [(line, cells) for line, cells in records if any(cells)]
    columns = [cell.lower() for cell in records[0][1]] if records else []
    while columns and not columns[-1]:
        columns.pop()
    if not set(needed) <= set(columns):
        raise InputError(f"{file}: {_columns_missing(needed, columns, separator)}")
    twice = [name for name in needed if columns.count(name) > 1]
    if twice:
        raise InputError(f"{file}: has the column {twice[0]!r} twice; which one counts?")
    rows, problems = [], []
    for line, cells in records[1:]:
        while len(cells) > len(columns) and not cells[-1]:
            cells.pop()
        if len(cells) > len(columns):
            problems.append(
                f"line {line} has {len(cells)} columns where the first has {len(columns)}: put a text with a "
                f"{_word(separator)} in it into quotes"
            )
        rows.append(Row(line, dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=False))))
    raise_together(problems, f"{file} cannot be used:")
    return rows


def decoded(text: str) -> str:
    """A text of a table with bytes that are no UTF-8, by the code page that it is likely to be in."""
    return text.encode("utf-8", "surrogateescape").decode(_OLD, "replace") if is_old(text) else text


def as_path(text: str) -> str:
    """The name of a file in a table, or on disk, in the one way that both can be compared in."""
    return composed(decoded(text)).replace("\\", "/").removeprefix("./")


def is_old(text: str) -> bool:
    """Whether a text holds bytes that are no UTF-8."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _text(file: Path, content: bytes) -> str:
    if content[:4] == b"PK\x03\x04" or content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(f"{file}: is a workbook, not a table of text: save it as 'CSV UTF-8' there")
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        if b"\0" in content[:200]:
            return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le")
        return content.decode("utf-8-sig", "surrogateescape")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: cannot be read as CSV ({error.reason}): save it as 'CSV UTF-8'") from None


def _separator(head: str, needed: tuple[str, ...]) -> str:
    """The one under which the first line has the columns that are needed; else the one that it has most of."""
    for separator in _SEPARATORS:
        cells = next(csv.reader(io.StringIO(head), delimiter=separator, skipinitialspace=True), [])
        if set(needed) <= {cell.strip().lower() for cell in cells}:
            return separator
    return max(_SEPARATORS, key=head.count)


def _columns_missing(needed: tuple[str, ...], columns: list[str], separator: str) -> str:
    wanted = " and ".join(map(repr, needed))
    if not columns:
        return f"needs the columns {wanted}, is empty"
    has = f"needs the columns {wanted}, has {', '.join(columns)}"
    if any("." in column for column in columns):
        return f"{has}: is the first line a picture? it must name the columns: {separator.join(needed)}"
    return has


def _word(separator: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab"}.get(separator, separator)
