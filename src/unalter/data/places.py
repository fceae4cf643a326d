"""Which folders hold the two parts of a data set, by what people call them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unalter.data.sources import is_litter
from unalter.support.errors import InputError

PARTS = {"clean": ("clean",), "altered": ("aug", "altered")}
"""What the two parts of a data set are called; the first is the one to recommend."""
_WORDS = {
    "clean": {
        "clean", "cleaned", "original", "originals", "orig", "target", "targets", "gt", "truth", "groundtruth",
        "high", "hr", "hq", "highres", "sharp", "reference", "references", "ref", "refs", "ideal", "pristine",
    },
    "altered": {
        "aug", "augmented", "altered", "noisy", "noise", "noised", "input", "inputs", "low", "lr", "lq", "lowres",
        "lowlight", "degraded", "distorted", "corrupted", "corrupt", "dirty", "damaged", "blurred", "blurry",
        "blur", "rainy", "hazy", "source", "modified",
    },
}  # fmt: skip
"""What people call them."""
_FILLERS = {
    "image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "data", "set", "dataset",
    "train", "training", "test", "png", "jpg", "files", "frames", "ground", "resolution", "res", "quality",
    "light", "digits",
}  # fmt: skip
"""Words beside these that say nothing."""
_DEEPEST = 3
"""Folders below the one that was given: further down people do not mean it."""


@dataclass(frozen=True)
class Found:
    """The folders of both parts, below the one that was given, without a / at the end."""

    clean: str
    altered: str

    @property
    def said(self) -> tuple[str, ...]:
        """What was assumed, where the two are not called and placed as is usual."""
        if self.clean in PARTS["clean"] and self.altered in PARTS["altered"]:
            return ()
        return (f"clean pictures are those of {self.clean}/, altered ones those of {self.altered}/",)


def parts_of_folder(data: Path) -> Found | None:
    """The two folders in `data`, or a few folders below it; None where there are none.

    Raises:
        InputError: several would do.
    """
    level = [""]
    for _ in range(_DEEPEST):
        below = [f"{folder}/{name}".lstrip("/") for folder in level for name in _sub_folders(data / folder)]
        if found := parts_among(data, below):
            return found
        if any(name.rpartition("/")[2] in (*PARTS["clean"], *PARTS["altered"]) for name in below):
            return None  # the one is there, the other is not
        level = below
    return None


def parts_among(data: Path, folders: Iterable[str]) -> Found | None:
    """The two among folders below `data`: the topmost that lie side by side; None where there are none.

    Raises:
        InputError: several would do.
    """
    beside: dict[str, list[str]] = {}
    for folder in folders:
        above, _, name = folder.rpartition("/")
        beside.setdefault(above, []).append(name)
    choices = {above: (_called(names, "clean"), _called(names, "altered")) for above, names in beside.items()}
    choices = {above: both for above, both in choices.items() if all(both)}
    if not choices:
        return None
    least = min(above.count("/") + bool(above) for above in choices)
    topmost = sorted(above for above in choices if above.count("/") + bool(above) == least)
    if len(topmost) > 1:
        listed = ", ".join(f"{above}/" for above in topmost[:5])
        give = "give one of them" if data.is_dir() else "unpack it and give one of them"
        raise InputError(f"{data}: has clean and altered pictures in {listed}; {give}")
    above = f"{topmost[0]}/" if topmost[0] else ""
    for names, option in zip(choices[topmost[0]], ("clean", "altered"), strict=True):
        if len(names) > 1:
            listed = ", ".join(f"{above}{name}/" for name in names[:5])
            raise InputError(f"{data}: {listed}: which of them holds the {option} pictures? say so by --{option}")
    (clean,), (altered,) = choices[topmost[0]]
    return Found(above + clean, above + altered)


def _called(names: list[str], part: str) -> list[str]:
    """Those of some folders side by side that are called as one part is, the usual names before others."""
    for usual in PARTS[part]:
        same = [name for name in names if name == usual] or [name for name in names if name.lower() == usual]
        if same:
            return same
    return sorted(name for name in names if _part_of(name) == part)


def _part_of(name: str) -> str | None:
    words = set(re.findall(r"[a-z]+", name.lower())) - _FILLERS
    parts = [part for part, known in _WORDS.items() if words and words <= known]
    return parts[0] if len(parts) == 1 else None


def _sub_folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not is_litter(entry.name) and _is_folder(entry))
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
