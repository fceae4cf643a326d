"""Of what class pictures are, and which belong together: what names, sub-folders or a table say."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unalter.data.classes import class_names, find_class
from unalter.data.name_pairs import name_indices
from unalter.data.sources import SUFFIXES, Source
from unalter.data.table import Row, as_path, decoded, is_old, read_table
from unalter.support.errors import InputError, raise_together

NAME = re.compile(rf".+_(\d+)_(\d+)(?:{'|'.join(map(re.escape, SUFFIXES))})", re.IGNORECASE)
_DIGITS = 18
"""An index of more digits does not fit into 64 bits."""
_LARGEST_LABEL = 999
"""More classes than this are a misread name rather than a data set of small pictures."""
_SPLITS = re.compile(
    r"train|training|val|valid|validation|test|testing|dev|eval|holdout|(batch|part|fold|split|chunk)[-_ ]?\d+"
)
"""Folders called so are parts of a data set, not classes, where all are."""
_YEARS = range(1900, 2100)
_MISSING = {"", "nan"}
"""What is written for a label that is not there, in lower case."""


@dataclass(frozen=True)
class Annotations:
    """Index and label of the pictures of one source."""

    index: np.ndarray
    """int64 [N]: pictures of one index and label belong together"""
    labels: np.ndarray
    """int64 [N], the place of the class among the names of all; 0 where there are none"""


@dataclass(frozen=True)
class Classes:
    """The classes of a data set."""

    names: tuple[str, ...]
    """Of the classes, by label; empty where there are no labels."""
    said: tuple[str, ...]
    """Where labels are from and what was assumed, for people, a line each."""


@dataclass(frozen=True)
class Form:
    """What the names of pictures say."""

    indexed: bool
    """They are X_I_L.png: the index is I."""
    labelled: str
    """What says the class: `given`, `folders`, `names` or nothing."""
    outside: dict[str, str]
    """Pictures that are not called so, where most others are: what is wrong, by message's path."""
    notes: tuple[str, ...] = ()
    """What was assumed, a line each."""


def form_of(sources: list[Source], has_table: bool, known: tuple[str, ...] = ()) -> Form:
    """What the names of one part of a data set, or of both, say.

    Class folders go before names X_I_L.png; `train` and `val` are no classes; and numbers that are sizes, frames or
    dates by the look of them are neither index nor label.

    Args:
        sources: one part, or both.
        has_table: whether a table says the classes.
        known: class names of a trained model.
    """
    if any(source.is_array for source in sources):
        given = all(source.labels is not None for source in sources)
        return Form(False, "given" if given else "", {})
    if has_table:
        return Form(all(_all_indexed(source) for source in sources) and not _misread(sources, known), "given", {})
    notes = []
    splits = _splits(sources)
    if splits:
        listed = ", ".join(f"{name}/" for name in sorted(splits)[:5])
        notes.append(f"folders {listed} are taken for parts of the data, not for classes")
    if all(_in_folders(source, splits) for source in sources):
        outside = {
            source.path(name): f"{source.path(name)}: lies in no class folder, where most others do; move it into one"
            for source in sources
            for name in source.names
            if _folder(name, splits) == ""
        }
        if all(_all_indexed(source) for source in sources):
            notes.append("names are of the form X_I_L.png, too, which says nothing beside class folders")
        return Form(False, "folders", outside, tuple(notes))
    indexed = [sum(_numbers(name) is not None for name in source.names) for source in sources]
    if not all(2 * count > len(source) or not len(source) for count, source in zip(indexed, sources, strict=True)):
        return Form(False, "", {}, tuple(notes))
    if why := _misread(sources, known):
        notes.append(f"names are not taken for X_I_L.png (index, label): {why}; if they are, give a labels.csv")
        return Form(False, "", {}, tuple(notes))
    form = f"X_I_L.png (index I of at most {_DIGITS} digits, label L of 0..{_LARGEST_LABEL}; or another"
    form += f" of {' '.join(SUFFIXES)}), as those of the others are"
    outside = {
        source.path(name): f"{source.path(name)}: the name is not of the form {form}"
        for source in sources
        for name in source.names
        if _parsed(name) is None
    }
    return Form(True, "names", outside, tuple(notes))


def infer_labels(
    sources: list[Source], form: Form, table: Path | None = None, content: bytes | None = None,
    known: tuple[str, ...] = (),
) -> tuple[list[Annotations], Classes]:  # fmt: skip
    """Index and label of every picture.

    Args:
        sources: one part of a data set, or both, less those outside of `form`.
        form: what names say.
        table: a CSV file with the columns `file` and `label`.
        content: of the table, where it lies in a zip.
        known: class names whose places are to be kept, those of a trained model.

    Raises:
        InputError: the table cannot be used, or does not have every picture; a class that is not among those known, or
            whose name is no text.
    """
    parsed = [[_parsed(name) or (0, 0) for name in source.names] for source in sources] if form.indexed else []
    if form.indexed:
        indices, notes = [np.array([index for index, _ in of], np.int64) for of in parsed], []
    else:
        indices, notes = name_indices(sources)
    if table is not None:
        texts, more = _from_table(table, content, sources)
        notes = [*more, *notes]
        said = f"labels are those of {table}"
    elif form.labelled == "given":
        texts, said = [source.labels or [] for source in sources], "labels came with the pictures"
    elif form.labelled == "folders":
        splits = _splits(sources)
        texts = [[_folder(name, splits) for name in source.names] for source in sources]
        said = "labels are the names of sub-folders"
    elif form.labelled == "names":
        texts, said = [[str(label) for _, label in of] for of in parsed], "labels are the L of names X_I_L.png"
    else:
        none = [Annotations(index, np.zeros(len(index), np.int64)) for index in indices]
        said = "no labels: neither names X_I_L.png, nor class sub-folders, nor a labels.csv"
        return none, Classes((), (said, *form.notes, *notes))
    _check_texts(texts)
    names, number, assumed = _numbered(texts, known)
    labels = [np.array([number[text] for text in of], np.int64) for of in texts]
    annotations = [Annotations(*both) for both in zip(indices, labels, strict=True)]
    return annotations, Classes(names, (said, *form.notes, *assumed, *notes))


def _numbered(texts: list[list[str]], known: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, int], list[str]]:
    """The names of all classes, the place of each text's class among them, and what was assumed."""
    if not known:
        name, names, notes = class_names(texts)
        place = {one: i for i, one in enumerate(names)}
        return names, {text: place[one] for text, one in name.items()}, notes
    found = {text: find_class(text, known) for text in sorted(set().union(*texts))}
    strange = [text for text, place in found.items() if place is None]
    if strange:
        raise InputError(f"label {strange[0]!r} is unknown; the model knows {', '.join(known[:20])}")
    return known, {text: place for text, place in found.items() if place is not None}, []


def _check_texts(texts: list[list[str]]) -> None:
    """Refuse class names that cannot be written anywhere."""
    wrong = sorted(text for text in set().union(*texts) if is_old(text))
    if wrong:
        likely = decoded(wrong[0])
        raise InputError(
            f"class {ascii(wrong[0])[1:-1]}: its name is no UTF-8; call the folder otherwise ({likely!r}, most likely)"
        )


def _numbers(name: str) -> tuple[int, int] | None:
    """The last two numbers of a name that looks like X_I_L.png, whatever they are."""
    match = NAME.fullmatch(name.rpartition("/")[2])
    return None if match is None else (int(match[1]), int(match[2]))


def _parsed(name: str) -> tuple[int, int] | None:
    """Index and label of a name X_I_L.png."""
    numbers = _numbers(name)
    if numbers is None or numbers[0] >= 10**_DIGITS or numbers[1] > _LARGEST_LABEL:
        return None
    return numbers


def _all_indexed(source: Source) -> bool:
    return all(_parsed(name) is not None for name in source.names)


def _misread(sources: list[Source], known: tuple[str, ...]) -> str:
    """Why the last two numbers in names are no index and label, by the look of them; empty where they can be."""
    of = [[numbers for name in source.names if (numbers := _numbers(name)) is not None] for source in sources]
    all_labels = {label for numbers in of for _, label in numbers}
    if known and all(find_class(str(label), known) is not None for label in all_labels):
        return ""
    if len(all_labels) == 1 and (one := next(iter(all_labels))) > 9:
        return f"they all end in {one}, as with a size"
    for numbers in map(set, of):
        indices, labels = {index for index, _ in numbers}, {label for _, label in numbers}
        if len(numbers) < 2:
            continue
        if all(_is_date(index) for index in indices):
            return f"the numbers before the last are dates ({min(indices)})"
        if indices <= set(_YEARS) and labels <= set(range(1, 13)) and len(indices) < len(numbers):
            return f"the last two numbers are years and months ({min(indices)})"
        if len(labels) > len(indices) or 2 * len(indices) < len(numbers):
            return f"the last number differs more often than the one before it ({min(labels)} to {max(labels)})"
        if max(labels) > 9 and len(labels) > 10 and 2 * len(labels) > len(numbers):
            return f"the last number differs in most ({min(labels)} to {max(labels)})"
        if 2 * sum(label > _LARGEST_LABEL for _, label in numbers) > len(numbers):
            return f"the last number goes up to {max(labels)}"
    return ""


def _is_date(number: int) -> bool:
    """Whether a number is a day, as 20240131."""
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    return year in _YEARS and 1 <= month <= 12 and 1 <= day <= 31


def _splits(sources: list[Source]) -> set[str]:
    """The topmost folders, where all are called as parts of a data set are."""
    found = {name.partition("/")[0] for source in sources for name in source.names if "/" in name}
    return found if all(_SPLITS.fullmatch(name.lower()) for name in found) else set()


def _folder(name: str, splits: set[str]) -> str:
    """The class folder that a picture lies in, below a part of the data set or not; empty where it lies in none."""
    first, _, rest = name.partition("/")
    inner = rest if first in splits else name
    return inner.partition("/")[0] if "/" in inner else ""


def _in_folders(source: Source, splits: set[str]) -> bool:
    """Whether sub-folders are classes: all pictures lie in one, or most do and there are several."""
    count = Counter(_folder(name, splits) for name in source.names)
    inside = len(source) - count[""]
    return inside == len(source) > 0 or (2 * inside > len(source) and len(count) > 2)


def _from_table(table: Path, content: bytes | None, sources: list[Source]) -> tuple[list[list[str]], list[str]]:
    """The label of every picture: `file` is its path below the data folder (clean/a.png), or its name alone."""
    rows = read_table(table, ("file", "label"), content)
    problems, notes, of = [], [], {}
    for row in rows:
        if row.cells["label"].lower() in _MISSING:
            problems.append(f"line {row.line}: has no label for {row.cells['file'] or 'a picture without a name'}")
        key = as_path(row.cells["file"])
        before = of.setdefault(key, row)
        if before.cells["label"] != row.cells["label"]:
            labels = f"{before.cells['label']} and {row.cells['label']}"
            problems.append(f"lines {before.line} and {row.line} give {row.cells['file']} two labels, {labels}")
    raise_together(problems, f"{table} cannot be used:")
    folded = {key.casefold(): row for key, row in of.items()}
    found: list[list[str]] = []
    used: set[int] = set()
    for source in sources:
        texts = []
        for name in source.names:
            row = _row_of(name, source.where.name, of, folded)
            if row is None:
                problems.append(source.path(name))
            else:
                used.add(row.line)
                texts.append(row.cells["label"])
        found.append(texts)
    if problems:
        more = f" and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        like = f" (its first is {rows[0].cells['file']})" if rows else " (it has none)"
        raise InputError(f"{table}: has no label for {problems[0]}{more}; every picture needs a line{like}")
    unused = [row for row in of.values() if row.line not in used]
    if len(sources) == 2 and unused:
        first = f"{unused[0].cells['file']} in line {unused[0].line}"
        notes.append(f"{table.name} names pictures that are not there: {len(unused):,}, such as {first}")
    old = next((text for texts in found for text in texts if is_old(text)), None)
    if old is not None:
        notes.append(f"{table.name} is no UTF-8: taken for Windows-1252 ({decoded(old)!r})")
        found = [[decoded(text) for text in texts] for texts in found]
    return found, notes


def _row_of(name: str, part: str, of: dict[str, Row], folded: dict[str, Row]) -> Row | None:
    """The line of a picture: by its path below the data folder or its part, or its name; with its ending or not."""
    name = as_path(name)
    for path in (f"{part}/{name}", name, name.rpartition("/")[2]):
        for key in (path, path.rpartition(".")[0]):
            for rows, wanted in ((of, key), (folded, key.casefold())):
                if wanted in rows:
                    return rows[wanted]
    return None
