"""Tables by column: data sets of Hugging Face, frames of pandas and polars, mappings of arrays."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from unalter.support.errors import InputError

_WORDS = re.compile(r"[a-z]+|\d+")


def words(name: Any) -> set[str]:
    """x_train: x, train."""
    return set(_WORDS.findall(str(name).lower()))


def is_table(given: Any) -> bool:
    """Whether it has columns with names."""
    frame = hasattr(given, "columns") and hasattr(given, "dtypes")
    arrow = hasattr(given, "column_names") and (hasattr(given, "features") or hasattr(given, "schema"))
    return isinstance(given, Mapping) or frame or arrow


def column_names(table: Any) -> list[Any]:
    """The names of its columns.

    Raises:
        InputError: it is several tables, one for each split.
    """
    if isinstance(table, Mapping):
        if table and all(map(is_table, table.values())):
            splits = ", ".join(map(repr, table))
            raise InputError(
                f"the data set has several splits ({splits}): give one of them, such as data[{next(iter(table))!r}]"
            )
        return list(table)
    named = getattr(table, "column_names", None)
    return list(table.columns if named is None else named)


def column(table: Any, name: Any) -> Any:
    """The values of a column; classes of Hugging Face by their names."""
    values = table[name]
    feature = (getattr(table, "features", None) or {}).get(name)
    if feature is not None and hasattr(feature, "int2str"):
        return [None if value is None or value < 0 else feature.int2str(value) for value in values]
    if hasattr(values, "to_pylist"):  # of pyarrow
        return values.to_pylist()
    return values if isinstance(table, Mapping) else list(values)


def named_column(names: Iterable[Any], asked: Any, called: Collection[str], what: str) -> Any | None:
    """The column that was `asked` for by name; else the one that is `called` as such columns are; None: there is none.

    Raises:
        InputError: no column has the name that was asked for; several could be meant.
    """
    names = list(names)
    has = ", ".join(map(str, names)) or "none"
    if asked is not None:
        if asked not in names:
            raise InputError(f"there is no column {asked!r}; the data have {has}")
        return asked
    found = [name for name in names if str(name).lower() in called] or [n for n in names if words(n) & set(called)]
    if len(found) > 1:
        raise InputError(f"several columns could be the {what}: {', '.join(map(str, found))}; say which by its name")
    return found[0] if found else None
