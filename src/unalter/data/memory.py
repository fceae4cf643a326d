"""Data sets that a caller from Python holds: arrays, lists, torch's data sets, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unalter.data.arrays import LABELS, PART_WORDS, list_array
from unalter.data.class_labels import class_texts
from unalter.data.given import as_pixels, is_pil
from unalter.data.layout import of_one, on_black
from unalter.data.parts import list_pictures
from unalter.data.sources import Listed, Source
from unalter.data.tables import column, column_names, is_table, named_column
from unalter.data.values import Values, is_tensor, of_numbers, values_of
from unalter.support.arguments import as_path, is_path
from unalter.support.errors import InputError

_OPTIONS = ("clean", "altered", "labels", "altered_labels")
"""Keywords that pictures in memory and their labels are given by."""
_PICTURES = ("image", "images", "img", "picture", "path", "file", "filename", "filepath", "pixels")
"""What people call a table's column of pictures, or of paths to them."""


@dataclass(frozen=True)
class InMemory:
    """The parts of a data set that is given as objects, one of them at least not as a path."""

    clean: Listed | None
    altered: Listed | None
    said: tuple[str, ...] = ()
    """What was assumed of the two together."""

    def __str__(self) -> str:
        return "the pictures given"


def as_data(data: Any, options: Mapping[str, Any]) -> tuple[Path | InMemory | None, dict[str, Any]]:
    """DATA and options as a caller gives them: a path or what is in memory, and the options that are left.

    Args:
        data: a path; or both parts in one: a table (a data set of Hugging Face, a frame of pandas or polars, a mapping
            of arrays) with a column for each, or a data set of torch that gives (altered, clean) or (altered, clean,
            label).
        options: `clean` and `altered`: pictures each (an array, a list, a data set of torch, a table), a path, or the
            name of a column of `data`. `labels`: of both parts where they have as many pictures, else of the clean one;
            `altered_labels`: of the altered one. Any others come back.

    Raises:
        InputError: something that is none of these; labels of another number than pictures.
    """
    rest = {name: value for name, value in options.items() if name not in _OPTIONS}
    given = {name: None if isinstance(v := options.get(name), str) and not v else v for name in _OPTIONS}
    if data is not None and not is_path(data):
        return _in_memory(**_both(data, **given)), rest
    if all(given[name] is None or is_path(given[name]) for name in ("clean", "altered")):
        if given.pop("altered_labels") is not None or not (given["labels"] is None or is_path(given["labels"])):
            raise InputError("labels in memory are for pictures in memory; for files give a CSV: labels='labels.csv'")
        rest |= {name: str(as_path(value, name)) for name, value in given.items() if value is not None}
        return None if data is None else as_path(data, "data"), rest
    if data is not None:
        raise InputError("give either a data set, or both its parts by clean= and altered=")
    return _in_memory(**given), rest


def as_pictures(data: Any, labels: Any = None) -> Path | InMemory:
    """A path as it is; pictures in memory, or the altered ones of a table that has both parts, as a data set."""
    if is_path(data):
        return as_path(data, "data")
    if is_table(data) and named_column(column_names(data), None, PART_WORDS["altered"], "altered pictures") is not None:
        return _in_memory(**_both(data, None, None, labels, None))
    return InMemory(None, _part(data, "pictures", labels))


def _both(data: Any, clean: Any, altered: Any, labels: Any, altered_labels: Any) -> dict[str, Any]:
    """The parts of an object that has both."""
    if is_table(data):
        names = column_names(data)
        asked = {"clean": clean, "altered": altered}
        found = {part: named_column(names, asked[part], PART_WORDS[part], f"{part} pictures") for part in PART_WORDS}
        if None in found.values():
            missing = next(part for part, name in found.items() if name is None)
            raise InputError(
                f"which column has the {missing} pictures? the data have {', '.join(map(str, names))}; "
                f"say it by {missing}='name'; a data set of one part is given as clean=data"
            )
        if labels is None or isinstance(labels, str):
            left = [name for name in names if name not in found.values()]
            name = named_column(left, labels, LABELS, "labels")
            labels = None if name is None else column(data, name)
        parts = {part: column(data, name) for part, name in found.items()}
        return {**parts, "labels": labels, "altered_labels": altered_labels}
    items = _items(data)
    if not items or not all(isinstance(item, (tuple, list)) and len(item) in (2, 3) for item in items):
        raise InputError(
            "a data set of both parts gives (altered, clean) or (altered, clean, label); otherwise give the parts by "
            "clean= and altered="
        )
    if labels is None and len(items[0]) == 3:
        labels = [item[2] for item in items]
    return {
        "clean": [item[1] for item in items], "altered": [item[0] for item in items], "labels": labels,
        "altered_labels": altered_labels,
    }  # fmt: skip


def _in_memory(clean: Any, altered: Any, labels: Any, altered_labels: Any) -> InMemory:
    if is_path(labels) or is_path(altered_labels):
        raise InputError("labels of pictures in memory are given one a picture, not as a file")
    if clean is None:
        labels, altered_labels = None, labels if altered_labels is None else altered_labels
    first = None if clean is None else _part(clean, "clean", labels)
    second = None if altered is None else _part(altered, "altered", altered_labels)
    if first is None or second is None:
        return InMemory(first, second)
    one, other = first[0], second[0]
    said: tuple[str, ...] = ()
    if len(one) == len(other):
        said = (f"clean and altered have {len(one):,} pictures each: two of one row are taken for a pair",)
        one, other = replace(one, labels=one.labels or other.labels), replace(other, labels=other.labels or one.labels)
    elif labels is not None and other.in_memory and other.labels is None:
        raise InputError(
            f"labels are those of {len(one):,} clean pictures, and there are {len(other):,} altered ones: give theirs "
            "by altered_labels="
        )
    return InMemory((one, *first[1:]), (other, *second[1:]), said)


def _part(given: Any, what: str, labels: Any) -> Listed:
    """One part: a path, a table, an array, or pictures one by one."""
    if is_path(given):
        return list_pictures(as_path(given, what))
    if is_table(given):
        given, own = _of_table(given)
        labels = own if labels is None else labels
    if is_tensor(given) or (hasattr(given, "__array__") and np.asarray(given).dtype != object):
        return list_array(Path(what), given, labels)
    items = _items(given)
    if items and all(isinstance(item, tuple) and len(item) == 2 for item in items):
        labels = [item[1] for item in items] if labels is None else labels
        items = [item[0] for item in items]
    if items and all(isinstance(item, (list, int, float)) for item in items):
        return list_array(Path(what), of_numbers(items, what), labels)
    return _listed(items, what, labels)


def _of_table(table: Any) -> tuple[Any, Any]:
    """The pictures of a table of one part, and its labels where it has some."""
    names = column_names(table)
    features = getattr(table, "features", None) or {}
    pictures = [name for name in names if type(features.get(name)).__name__ == "Image"]
    if len(pictures) != 1:
        pictures = [named_column(names, None, _PICTURES, "pictures")]
    label = named_column([name for name in names if name not in pictures], None, LABELS, "labels")
    if pictures[0] is None:
        raise InputError(f"which column has the pictures? call it 'image', or 'path'; the data have {', '.join(names)}")
    return column(table, pictures[0]), None if label is None else column(table, label)


def _items(given: Any) -> list[Any]:
    """Whatever gives one thing after another, as a list."""
    if hasattr(given, "batch_size") and hasattr(given, "dataset"):
        raise InputError("a loader gives batches: give its data set, loader.dataset")
    if is_pil(given) or isinstance(given, (bytes, bytearray)):
        raise InputError(f"expected pictures, several of them, got one {type(given).__name__}; put it into a list")
    if hasattr(given, "to_list"):  # a column of a frame, whose rows may have other numbers
        return given.to_list()
    if hasattr(given, "__getitem__") and hasattr(given, "__len__"):
        return [given[row] for row in range(len(given))]  # torch's data sets need not end by themselves
    try:
        return list(given)
    except TypeError:
        raise InputError(
            f"expected pictures as a path, an array, a list, a data set or a table, not {type(given).__name__}"
        ) from None


def _listed(items: list[Any], what: str, labels: Any) -> Listed:
    """Pictures one by one, each a PIL picture, an array or a path."""
    if not items:
        raise InputError(f"{what}: has no picture in it")
    texts, read = (None, "") if labels is None else class_texts(labels, f"{what}: labels")
    if texts is not None and len(texts) != len(items):
        raise InputError(f"{what}: expected {len(items):,} labels, one a picture, got {len(texts):,}")
    items = [_encoded(item) for item in items]
    arrays = {row: as_pixels(item, what) for row, item in enumerate(items) if not _is_file(item) and not is_pil(item)}
    by_type = {array.dtype: [one for one in arrays.values() if one.dtype == array.dtype] for array in arrays.values()}
    values = {dtype: values_of(of, what) for dtype, of in by_type.items()}
    names = [str(row) for row in range(len(items))]
    said = tuple(filter(None, (*dict.fromkeys(one.said for one in values.values()), read)))
    source = Source(
        Path(what), names, [(0, 0)] * len(names), partial(_read, items, arrays, values), texts, is_array=True,
        in_memory=True, notes=said,
    )  # fmt: skip
    return source, [], []


def _is_file(item: Any) -> bool:
    return is_path(item) or isinstance(item, bytes)


def _encoded(item: Any) -> Any:
    """Bytes or path of a picture that is not decoded yet (of Hugging Face); nested lists as an array."""
    if isinstance(item, Mapping) and ("bytes" in item or "path" in item):
        return item.get("bytes") or item.get("path")
    return of_numbers(item, "a picture") if isinstance(item, list) else item


def _read(items: list[Any], arrays: dict[int, np.ndarray], values: dict[Any, Values], name: str) -> bytes | np.ndarray:
    row = int(name)
    item = items[row]
    if isinstance(item, bytes):
        return item
    if is_path(item):
        return as_path(item, "picture").read_bytes()
    if row not in arrays:
        return as_pixels(item, "a picture")
    picture = on_black(values[arrays[row].dtype].to_uint8(of_one(arrays[row])))
    return picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
