"""Which pictures of the two parts belong together, by what they are called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from unalter.data.classes import composed
from unalter.data.sources import Source, natural

_ROLES = {
    "clean", "cleaned", "noisy", "noise", "noised", "aug", "augmented", "alt", "altered", "input", "inputs",
    "target", "targets", "gt", "low", "high", "lr", "hr", "lq", "hq", "orig", "original", "degraded",
    "corrupted", "distorted", "damaged", "blur", "blurred", "blurry", "ref", "reference",
}  # fmt: skip
"""Words in names that say which of the two parts a picture is of."""

_Key = Hashable | None


@dataclass(frozen=True)
class _Way:
    """How names of the two parts are compared."""

    of_clean: Callable[[str], _Key]
    of_altered: Callable[[str], list[_Key]]
    """The first that is a clean picture's counts."""
    is_sure: bool
    """Whether it will do for the few that are left over."""
    words: str
    """What is said of it; nothing where it is what everybody expects."""
    is_single: bool = False
    """Whether two altered pictures of one clean one mean that names mean something else."""


def name_indices(sources: list[Source]) -> tuple[list[np.ndarray], list[str]]:
    """A number for each picture, int64 [N] for each source: one for all that belong together by name.

    Pictures of one name do, whatever its ending. Of two parts also those whose names differ by capital letters, by
    composed or decomposed accents, by words such as `noisy` or by how numbers are written; and, where less than half of
    the altered pictures have a partner so, those that begin with a clean one's name, or have its numbers.

    Returns:
        The numbers; what was assumed, a line each.
    """
    if any(source.is_array for source in sources):
        together = len({len(source) for source in sources}) == 1
        starts = np.cumsum([0] + [0 if together else len(source) for source in sources])
        return [start + np.arange(len(source)) for start, source in zip(starts, sources, strict=False)], []
    keys = [[_stem(name) for name in source.names] for source in sources]
    notes: list[str] = []
    if len(sources) == 2:
        partner, notes = _partners(*sources)
        times = Counter(keys[0])
        keys[0] = [key if times[key] == 1 else name for key, name in zip(keys[0], sources[0].names, strict=True)]
        keys[1] = [keys[0][row] if row >= 0 else key for key, row in zip(keys[1], partner, strict=True)]
    place = {key: i for i, key in enumerate(sorted(set().union(*keys), key=lambda key: (natural(key), key)))}
    return [np.array([place[key] for key in of], np.int64) for of in keys], notes


def _partners(clean: Source, altered: Source) -> tuple[list[int], list[str]]:
    """For each altered picture the row of its clean one, or -1; and what was assumed."""
    partner = [-1] * len(altered)
    doubtful: dict[int, list[int]] = {}
    notes = []
    for way in _WAYS:
        left = [row for row, one in enumerate(partner) if one < 0]
        if not left or (not way.is_sure and 2 * len(left) <= len(altered)):
            break
        found = _matched([(row, altered.names[row]) for row in left], clean.names, way)
        for row, rows in found.items():
            if len(rows) == 1:
                partner[row] = rows[0]
            elif way.is_sure:
                doubtful.setdefault(row, rows)
        sure = [row for row, rows in found.items() if len(rows) == 1]
        if sure and way.words:
            example = f"{altered.path(altered.names[sure[0]])} with {clean.path(clean.names[partner[sure[0]]])}"
            notes.append(f"{len(sure):,} pairs by {way.words}, such as {example}")
    unsolved = [row for row in doubtful if partner[row] < 0]
    if unsolved:
        several = " and ".join(clean.path(clean.names[row]) for row in doubtful[unsolved[0]][:2])
        of = altered.path(altered.names[unsolved[0]])
        notes.append(f"warning: no pair by name where several clean ones would fit, such as {of} with {several}")
    return partner, notes


def _matched(altered: list[tuple[int, str]], clean: list[str], way: _Way) -> dict[int, list[int]]:
    """The rows of the clean pictures that altered ones belong to, by the altered one's row."""
    rows: dict[_Key, list[int]] = defaultdict(list)
    for row, name in enumerate(clean):
        rows[way.of_clean(name)].append(row)
    rows.pop(None, None)
    keys = {row: next((key for key in way.of_altered(name) if key in rows), None) for row, name in altered}
    times = Counter(keys.values())
    if way.is_single and any(count > 1 for key, count in times.items() if key is not None):
        return {}
    return {row: rows[key] for row, key in keys.items() if key is not None}


def _stem(name: str) -> str:
    return composed(str(PurePosixPath(name).with_suffix("")))


def _folded(name: str) -> str:
    return _stem(name).casefold()


def _tokens(name: str) -> tuple[str | int, ...] | None:
    """The sub-folder, and the words and numbers of a name, less those that say which part it is of."""
    folder, _, own = _folded(name).rpartition("/")
    found = re.findall(r"[^\W\d_]+|[0-9]+", own)
    tokens = [int(one) if one.isdecimal() else one for one in found if one not in _ROLES]
    return (folder, *tokens) if tokens else None


def _beginnings(name: str) -> list[_Key]:
    """Of a name's tokens, the longest first."""
    tokens = _tokens(name) or ()
    return [tokens[:end] for end in range(len(tokens) - 1, 1, -1)]


def _numbers(name: str) -> tuple[str | int, ...] | None:
    tokens = _tokens(name) or ("",)
    numbers = tuple(one for one in tokens[1:] if isinstance(one, int))
    return (tokens[0], *numbers) if numbers else None


def _last_number(name: str) -> tuple[str | int, ...] | None:
    numbers = _numbers(name)
    return (numbers[0], numbers[-1]) if numbers else None


def _one(key: Callable[[str], _Key]) -> Callable[[str], list[_Key]]:
    return lambda name: [key(name)]


_WAYS = (
    _Way(composed, _one(composed), True, ""),
    _Way(_stem, _one(_stem), True, ""),
    _Way(_folded, _one(_folded), True, "names that differ by capital letters"),
    _Way(_tokens, _one(_tokens), True, "names without words such as 'clean' and 'noisy'"),
    _Way(_tokens, _beginnings, False, "names that begin with a clean one's"),
    _Way(_numbers, _one(_numbers), False, "the numbers in names", True),
    _Way(_last_number, _one(_last_number), False, "the last number in names", True),
)
"""One after another."""
