"""Class names in a picture of matplotlib: in a font that has their letters, no longer than there is room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

_LONGEST = 16
"""Letters that a legend has room for."""
_BOXES = "Last Resort"
"""A font that has a box for every letter there is; matplotlib brings it along."""


def lettering(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of all classes for a legend, and the fonts to write them in.

    A long name keeps its beginning and its end. Where no font that is installed has a letter of it (`unlettered`), or
    all of it is invisible, its place among the names stands for it, from 0, with a #.
    """
    fonts, missing = _fonts(_letters(names))
    return [(_shortened(name) if not set(name) & missing else "") or f"#{i}" for i, name in enumerate(names)], fonts


def unlettered(names: Sequence[str]) -> list[str]:
    """The names that no font here has all letters of."""
    if all(map(str.isascii, names)):
        return []  # every font has these: matplotlib need not be imported
    _, missing = _fonts(_letters(names))
    return [name for name in names if set(name) & missing]


def _letters(names: Sequence[str]) -> frozenset[str]:
    return frozenset(letter for name in names for letter in name if not letter.isspace() and letter.isprintable())


def _shortened(name: str) -> str:
    """On one line, and no longer than there is room."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 2]}…{name[-(_LONGEST - _LONGEST // 2 - 1) :]}"


@lru_cache(maxsize=8)
def _fonts(letters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """matplotlib's own font, and others that are installed where it lacks letters; and the letters that all lack."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    own = list(rcParams["font.family"])
    missing = {letter for letter in letters if not get_font(findfont(FontProperties())).get_char_index(ord(letter))}
    fonts = []
    for entry in fontManager.ttflist if missing else ():
        if entry.name.startswith(_BOXES):
            continue
        try:
            font = get_font(entry.fname)
            found = {letter for letter in missing if font.get_char_index(ord(letter))}
        except (OSError, RuntimeError):  # it was removed, or is damaged
            continue
        if found:
            fonts.append(entry.name)
            missing -= found
        if not missing:
            break
    return [*own, *fonts], frozenset(missing)
