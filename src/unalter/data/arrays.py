"""Pictures as the rows of an array."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unalter.data.class_labels import class_texts
from unalter.data.layout import of_rows, on_black
from unalter.data.sources import Listed, Source, nothing, stamp_of
from unalter.data.tables import words
from unalter.data.values import Values, as_array, values_of
from unalter.support.errors import InputError, first_line

PART_WORDS: dict[str, tuple[str, ...]] = {
    "clean": ("clean", "target", "targets", "gt", "original", "originals", "reference"),
    "altered": ("aug", "altered", "noisy", "input", "inputs", "corrupted", "degraded", "distorted"),
}
"""What people call the two parts of a data set in arrays and tables; the first is the one to recommend."""
LABELS = {"label", "labels", "y", "class", "classes", "category", "targets", "target", "digit"}
_FILLERS = {"x", "image", "images", "img", "imgs", "picture", "pictures", "data", "train", "arr", "0"}
"""Words in the names of arrays that say nothing on which part it is."""


def list_arrays(file: Path, part: str = "") -> Listed:
    """The rows of an npy file, or of one array in an npz file, with labels where it has some.

    Args:
        part: clean or altered: which of two parts in one file; empty: the file holds one.
    """
    try:
        with open(file, "rb") as opened:
            stored = np.load(opened, allow_pickle=False)
            arrays = stored if isinstance(stored, np.ndarray) else {name: stored[name] for name in stored.files}
    except Exception as error:  # numpy raises half a dozen types for what is damaged, and ValueError for objects
        return nothing(file, f"{file}: cannot be read as arrays of numpy ({first_line(error)})")
    stamp = stamp_of(file.stat())
    try:
        if isinstance(arrays, np.ndarray):
            return list_array(file, arrays, None, stamp)
        images, labels, said = chosen_arrays(arrays, part, str(file))
        return list_array(file, images, labels, stamp, said)
    except InputError as error:
        return nothing(file, str(error))


def has_parts(file: Path) -> bool:
    """Whether an npz file has arrays that are called as the altered part is."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return any(words(name) & set(PART_WORDS["altered"]) for name in stored.files)
    except Exception:  # whatever it is, it is not that
        return False


def chosen_arrays(arrays: Mapping[str, Any], part: str, where: str) -> tuple[Any, Any | None, tuple[str, ...]]:
    """The pictures of a part (see `list_arrays`) and their labels among arrays by name, and what was assumed.

    Raises:
        InputError: there are none, or several that could be meant.
    """
    pictures = [name for name, array in arrays.items() if np.ndim(array) in (3, 4)]
    rows = [name for name, array in arrays.items() if np.ndim(array) == 2 and not words(name) & LABELS]
    name = _one_of(arrays, pictures or rows, part, where)
    own = words(name) | ({part} if part else set())
    others = {word for other in PART_WORDS for word in PART_WORDS[other] if part and other != part}
    flat = [other for other in arrays if other != name and np.ndim(arrays[other]) in (1, 2)]
    labels = [other for other in flat if words(other) & LABELS and not words(other) & others]
    # those that are called after the pictures first: aug_labels of aug, y_train of x_train; then any of that number
    labels.sort(key=lambda other: (-len(words(other) & own), len(arrays[other]) != len(arrays[name])))
    said = ()
    if name not in _usual(part):
        said = (f"{where}: {name!r} is read as the {f'{part} ' if part else ''}pictures",)
    return arrays[name], arrays[labels[0]] if labels else None, said


def _one_of(arrays: Mapping[str, Any], pictures: list[str], part: str, where: str) -> str:
    has = ", ".join(arrays) or "none"
    if part:
        called = [name for name in pictures if words(name) & set(PART_WORDS[part])]
    else:
        called = [name for name in pictures if words(name) <= _FILLERS]
        called = [name for name in called if "train" in words(name)] or called or pictures
    found = [name for name in _usual(part) if name in arrays][:1] or called
    wanted = " or ".join(map(repr, _usual(part)))
    if len(found) > 1:
        raise InputError(f"{where}: several arrays could be meant: {', '.join(found)}; call one of them {wanted}")
    if not found:
        raise InputError(f"{where}: needs an array called {wanted}, has {has}")
    return found[0]


def _usual(part: str) -> tuple[str, ...]:
    """What the documentation calls such an array."""
    return {"": ("images",), "clean": ("clean",), "altered": ("aug", "altered")}[part]


def list_array(
    where: Path, images: Any, labels: Any = None, stamp: tuple[int, ...] | None = None, said: Collection[str] = ()
) -> Listed:
    """The rows of an array as pictures; see `of_rows` for its shapes, `values_of` for its values.

    Args:
        where: said in messages.
        images: of numpy, torch or what turns into an array.
        labels: see `class_texts`.
        stamp: of the file that they are from (`stamp_of`); None: of none.
        said: what was assumed so far.

    Raises:
        InputError: a shape, values or labels that cannot be used.
    """
    what = str(where)
    pixels = as_array(images, what)
    texts, read = (None, "") if labels is None else class_texts(labels, f"{where}: labels")
    pictures, laid = of_rows(pixels, what, None if texts is None else len(texts))
    if len(pictures) == 0:
        raise InputError(f"{where}: has no picture in it")
    if texts is not None and len(texts) != len(pictures):
        raise InputError(f"{where}: expected {len(pictures):,} labels, one a picture, got {len(texts):,}")
    values = values_of([pixels], what)
    names = [str(i) for i in range(len(pictures))]
    assumed = tuple(filter(None, (*said, laid, values.said, read)))
    source = Source(
        where, names, [stamp or (0, 0)] * len(names), partial(_row, pictures, values), texts, is_array=True,
        in_memory=stamp is None, notes=assumed,
    )  # fmt: skip
    return source, [], []


def _row(pictures: np.ndarray, values: Values, name: str) -> np.ndarray:
    """uint8 [H, W] or [H, W, 3]"""
    picture = on_black(values.to_uint8(pictures[int(name)]))
    return picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
