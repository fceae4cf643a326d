"""Classes by what they are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from unalter.data.sources import natural

_WHOLE = re.compile(r"[+]?\d+(?:[.,]0*)?")


def find_class(called: str, names: Sequence[str]) -> int | None:
    """The place of a class among `names`: by its name, however composed; else without regard to case; else as a number.

    Class `001` is found by 1, and class 1 by 1.0; never is a number taken for a place. None: there is none, or several.
    """
    for form in (str, composed, _folded, _number):
        wanted = form(called)
        found = [i for i, name in enumerate(names) if wanted is not None and form(name) == wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def class_names(parts: Sequence[Iterable[str]]) -> tuple[dict[str, str], tuple[str, ...], list[str]]:
    """The names of the classes that texts in one or two parts of a data set stand for.

    Composed and decomposed letters are one; so are capitals and small letters, unless a part has both; and 1.0 is 1
    where all are numbers.

    Returns:
        The name of each text; all names in natural order; what was assumed, a line each.
    """
    found = [set(part) for part in parts]
    texts = sorted(set().union(*found), key=lambda text: (natural(text), text))
    name = {text: composed(text) for text in texts}
    notes = []
    if texts and all(_WHOLE.fullmatch(text) for text in texts) and not all(text.isdigit() for text in texts):
        name = {text: str(_number(text)) for text in texts}
        notes.append(f"labels are taken for whole numbers: {texts[0]} is {name[texts[0]]}")
    spelled: dict[str, list[str]] = {}
    for one in dict.fromkeys(name.values()):
        spelled.setdefault(one.casefold(), []).append(one)
    for several in spelled.values():
        if len(several) == 1:
            continue
        listed = " and ".join(several)
        if any(sum(one in {name[text] for text in part} for one in several) > 1 for part in found):
            notes.append(f"classes {listed} differ by capital letters only, and are taken for several")
        else:
            notes.append(f"classes {listed} are taken for one, {several[0]}")
            name |= {text: several[0] for text, one in name.items() if one in several}
    ordered = sorted(set(name.values()), key=lambda text: (natural(text), text))
    return name, tuple(ordered), notes


def called(labels: Any, names: Sequence[str]) -> np.ndarray:
    """Labels by the names of their classes, as models take them: str [N]; without names as they are."""
    places = np.asarray(labels)
    return np.array(names)[places] if names else places


def composed(text: str) -> str:
    """With letters and accents as one: a Mac's names have them apart."""
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return composed(text).casefold()


def _number(text: str) -> int | None:
    return int(re.split("[.,]", text)[0]) if _WHOLE.fullmatch(text) else None
