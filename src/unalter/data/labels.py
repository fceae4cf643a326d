"""Which pictures belong together, and of what class they are: what names, sub-folders or a table say."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from unalter.data.sources import SUFFIXES, Source, natural
from unalter.support.errors import InputError

NAME = re.compile(rf".+_(\d+)_(\d+)(?:{'|'.join(map(re.escape, SUFFIXES))})", re.IGNORECASE)
_DIGITS = 18
"""An index of more digits does not fit into 64 bits."""
_LARGEST_LABEL = 999
"""More classes than this are a misread name rather than a data set of small pictures."""


@dataclass(frozen=True)
class Annotations:
    """Index and label of the pictures of one source."""

    index: np.ndarray
    """int64 [N]: pictures of one index and label belong together"""
    labels: np.ndarray
    """int64 [N]; 0 where there are none"""


@dataclass(frozen=True)
class Classes:
    """The classes of a data set."""

    names: tuple[str, ...]
    """Of the classes, by label; empty where there are no labels."""
    said: str
    """Where labels are from, for people."""


def misnamed(sources: list[Source]) -> dict[str, str]:
    """Pictures that are not called X_I_L.png in folders where most others are: what is wrong, by message's path."""
    form = f"X_I_L.png (index I of at most {_DIGITS} digits, label L of 0..{_LARGEST_LABEL}; or another"
    form += f" of {' '.join(SUFFIXES)}), as those of the others are"
    found = {}
    for source in sources:
        others = [] if source.labels is not None else [name for name in source.names if _parsed(name) is None]
        if 2 * len(others) < len(source):
            found |= {path: f"{path}: the name is not of the form {form}" for path in map(source.path, others)}
    return found


def infer_labels(
    sources: list[Source], table: Path | None = None, known: tuple[str, ...] = ()
) -> tuple[list[Annotations], Classes]:
    """Index and label of every picture.

    Labels are those that came with the pictures, else those of `table`, else the L of X_I_L.png, else the names of
    sub-folders, else there are none. Numbers stand for themselves, words are numbered in alphabetical order.

    Args:
        sources: one part of a data set, or both.
        table: a CSV file with the columns `file` and `label`.
        known: class names whose numbers are to be kept, those of a trained model.

    Raises:
        InputError: the table cannot be used, or does not have every picture; a class that is not among those known.
    """
    parsed = [[_parsed(name) for name in source.names] for source in sources]
    indices: list[np.ndarray] | None = None
    if all(source.labels is None and None not in of for source, of in zip(sources, parsed, strict=True)):
        numbers = [np.array(of, np.int64).reshape(-1, 2) for of in parsed]
        indices = [of[:, 0].copy() for of in numbers]
        if table is None:
            most = max(int(of[:, 1].max()) for of in numbers)
            annotations = [Annotations(index, of[:, 1].copy()) for index, of in zip(indices, numbers, strict=True)]
            return annotations, Classes(tuple(map(str, range(most + 1))), "labels are the L of names X_I_L.png")
    if indices is None:
        indices = _indices(sources)
    if table is not None:
        texts, said = _from_table(table, sources), f"labels are those of {table}"
    elif all(source.labels is not None for source in sources):
        texts, said = [source.labels or [] for source in sources], "labels came with the pictures"
    elif all(source.labels is None and all("/" in name for name in source.names) for source in sources):
        texts = [[name.split("/")[0] for name in source.names] for source in sources]
        said = "labels are the names of sub-folders"
    else:
        annotations = [Annotations(index, np.zeros(len(index), np.int64)) for index in indices]
        return annotations, Classes((), "no labels: neither names X_I_L.png, nor class sub-folders, nor a labels.csv")
    names = _class_names(set().union(*texts), known)
    number = {name: label for label, name in enumerate(names)}
    labels = [np.array([number[text] for text in of], np.int64) for of in texts]
    return [Annotations(*both) for both in zip(indices, labels, strict=True)], Classes(names, said)


def _parsed(name: str) -> tuple[int, int] | None:
    """Index and label of a name X_I_L.png."""
    match = NAME.fullmatch(name.rpartition("/")[2])
    if match is None or len(match[1]) > _DIGITS or int(match[2]) > _LARGEST_LABEL:
        return None
    return int(match[1]), int(match[2])


def _class_names(texts: set[str], known: tuple[str, ...]) -> tuple[str, ...]:
    if texts <= set(known):
        return known
    if all(re.fullmatch(r"0|[1-9]\d*", text) and int(text) <= _LARGEST_LABEL for text in texts):
        return tuple(map(str, range(max(map(int, texts), default=0) + 1)))
    if known:
        strange = sorted(texts - set(known))[0]
        raise InputError(f"label {strange!r} is unknown; the model knows {', '.join(known[:20])}")
    return tuple(sorted(texts, key=lambda text: (natural(text), text)))


def _indices(sources: list[Source]) -> list[np.ndarray]:
    """One number for all pictures of one name, whatever its ending; or, where no two are, of one last number in it."""
    if any(source.is_array for source in sources):
        together = len({len(source) for source in sources}) == 1
        starts = np.cumsum([0] + [0 if together else len(source) for source in sources])
        return [start + np.arange(len(source)) for start, source in zip(starts, sources, strict=False)]
    keys = [[str(PurePosixPath(name).with_suffix("")) for name in source.names] for source in sources]
    if len(sources) == 2 and not set(keys[0]) & set(keys[1]):
        numbered = [[_number(key) for key in of] for of in keys]
        if all(of and None not in of and max(Counter(of).values()) == 1 for of in numbered):
            keys = [[str(number) for number in of] for of in numbered]
    place = {key: i for i, key in enumerate(sorted(set().union(*keys), key=natural))}
    return [np.array([place[key] for key in of], np.int64) for of in keys]


def _number(key: str) -> str | None:
    """The last number in a name, with the sub-folder that it is in."""
    folder, _, name = key.rpartition("/")
    match = re.search(r"(\d+)\D*$", name)
    return f"{folder}/{int(match[1])}" if match else None


def _from_table(table: Path, sources: list[Source]) -> list[list[str]]:
    """The label of every picture: `file` is its path below the data folder (clean/a.png), or its name alone."""
    try:
        with open(table, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            columns = [column.strip().lower() for column in reader.fieldnames or []]
            if not {"file", "label"} <= set(columns):
                raise InputError(f"{table}: needs the columns 'file' and 'label', has {', '.join(columns) or 'none'}")
            reader.fieldnames = columns
            rows = [((row["file"] or "").strip().replace("\\", "/"), (row["label"] or "").strip()) for row in reader]
    except (OSError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read as CSV ({error})") from None
    label = dict(rows)
    problems, found = [], []
    for source in sources:
        prefix = source.where.name
        of = [label.get(f"{prefix}/{name}") or label.get(name) or "" for name in source.names]
        problems += [source.path(name) for name, text in zip(source.names, of, strict=True) if not text]
        found.append(of)
    if problems:
        more = f" and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        raise InputError(f"{table}: has no label for {problems[0]}{more}; every picture needs a line")
    return found
