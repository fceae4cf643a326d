"""A data set: clean pictures and altered ones, read from wherever they lie."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np

from unalter.data.decode import Decoded, decode
from unalter.data.labels import Annotations, form_of, infer_labels
from unalter.data.memory import InMemory
from unalter.data.options import AS_FOUND, DataOptions
from unalter.data.parts import list_altered, list_both, list_pictures
from unalter.data.pixel_cache import cached, fingerprint
from unalter.data.sources import Listed, Source
from unalter.support.arguments import as_path
from unalter.support.errors import InputError, raise_together
from unalter.support.progress import ProgressCallback, no_progress

_MOST = 0.9
"""The parts are swapped where this share of the names say so."""
_SLIPS = 0.05
"""Labels that disagree in a smaller share of the pairs are slips; in a larger one, names mean nothing."""
_SHOWN = 5
"""Pictures left out that are named; the others are counted."""


@dataclass(frozen=True)
class ImageSet:
    """The pictures of one part of a data set, decoded."""

    images: np.ndarray
    """uint8 [N, C, H, W], C = 1 (grey) or 3 (colour); usually memory-mapped, never to be written to."""
    index: np.ndarray
    """int64 [N]: the I of X_I_L.png, or a number for each name"""
    labels: np.ndarray
    """int64 [N], the place of the class among `label_names`; 0 where there are none"""
    names: list[str]
    label_names: tuple[str, ...] = ()
    """Of the classes, by label; empty where pictures have no labels."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def digests(self) -> list[bytes]:
        """A hash of every picture's pixels: 16 bytes each, equal where pictures are."""
        return [blake2b(picture.tobytes(), digest_size=16).digest() for picture in self.images]

    def rows(self, which: np.ndarray) -> ImageSet:
        """The pictures at the rows `which` (int64 [M])."""
        names = [self.names[i] for i in which]
        return ImageSet(self.images[which], self.index[which], self.labels[which], names, self.label_names)


@dataclass(frozen=True)
class Dataset:
    """A data set: clean pictures and altered ones, of one size and number of channels."""

    clean: ImageSet
    altered: ImageSet
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a person should know of how they were read, a line each."""
    one_folder: bool = False
    """Whether clean pictures alone were given: each altered one is the clean one itself, or made of it."""

    @property
    def regular(self) -> bool:
        """Whether every picture is its own target, as for a regular autoencoder."""
        return self.altered is self.clean

    @property
    def label_names(self) -> tuple[str, ...]:
        """Of the classes, by label; empty where pictures have no labels."""
        return self.clean.label_names

    @property
    def classes(self) -> int:
        """The number of classes; 0 where pictures have no labels."""
        return len(self.label_names)


def read_dataset(
    data: str | Path | InMemory | None,
    options: DataOptions = AS_FOUND,
    *,
    clean_will_do: bool = False,
    known: tuple[str, ...] = (),
    cache: Path | None = None,
    on_progress: ProgressCallback = no_progress,
) -> Dataset:
    """Read the clean and the altered pictures of a data set.

    Decoded once; later calls map the decoded array from the user's cache folder (`cache` in its place when
    given). Every fault of both parts is found and reported before anything else is done.

    Args:
        data: a folder or zip with clean/ and aug/, a file of arrays (see `parts.list_both`), or what `as_data` makes of
            pictures in memory.
        options: where else pictures lie, and how they are read.
        clean_will_do: take clean pictures that are given alone (`is_one_folder`); they are both parts then.
        known: class names whose numbers are to be kept, those of a trained model.
        cache: in place of the user's cache folder.
        on_progress: told how far it is.

    Raises:
        InputError: a folder is missing or empty, pictures cannot be read or differ in size, folders are swapped,
            labels disagree inside a pair, labels are missing; all faults in one message.
    """
    data = _place(data)
    said: tuple[str, ...] = ()
    if clean_will_do and is_one_folder(data, options):
        folder = data if isinstance(data, InMemory) else as_path(options.clean, "clean")
        listed = folder.clean if isinstance(folder, InMemory) else list_pictures(folder)
        assert listed is not None
        table = _table(folder, options)
        (clean,), notes = _read([listed], str(folder), table, options, known, cache, on_progress)
        return Dataset(clean, clean, notes, one_folder=True)
    if isinstance(data, InMemory):
        if data.clean is None or data.altered is None:
            raise InputError("which data? give both clean= and altered=")
        both, said = (data.clean, data.altered), data.said
    else:
        both = list_both(data, options.clean, options.altered)
    table = _table(data, options)
    where = str(data) if data is not None else f"{options.clean} and {options.altered}"
    (clean, altered), notes = _read(list(both), where, table, options, known, cache, on_progress)
    return Dataset(clean, altered, (*said, *notes))


def _place(data: str | Path | InMemory | None) -> Path | InMemory | None:
    return data if data is None or isinstance(data, InMemory) else as_path(data, "data")


def is_one_folder(data: Path | InMemory | None, options: DataOptions) -> bool:
    """Whether clean pictures are given, and no altered ones."""
    if isinstance(data, InMemory):
        return data.altered is None
    return data is None and bool(options.clean) and not options.altered


def read_altered(
    data: str | Path | InMemory, options: DataOptions = AS_FOUND, *, known: tuple[str, ...] = (),
    cache: Path | None = None,
) -> ImageSet:  # fmt: skip
    """Read the altered pictures of a data set, or those of one folder; errors and cache as in `read_dataset`."""
    where = data if isinstance(data, InMemory) else as_path(data, "data")
    listed = (where.altered or where.clean) if isinstance(where, InMemory) else list_altered(where)
    assert listed is not None
    table = _table(where, options)
    (pictures,), _ = _read([listed], str(where), table, options, known, cache, no_progress)
    return pictures


def _table(data: str | Path | InMemory | None, options: DataOptions) -> Path | None:
    """The table of labels, where there is one."""
    if options.labels:
        return as_path(options.labels, "labels")
    if not isinstance(data, Path) or not data.is_dir():
        return None
    called = sorted(name for name in os.listdir(data) if name.lower() == "labels.csv" and (data / name).is_file())
    return data / called[-1] if called else None  # labels.csv before Labels.csv


def _read(
    listed: list[Listed], where: str, table: Path | None, options: DataOptions, known: tuple[str, ...],
    cache: Path | None, on_progress: ProgressCallback,
) -> tuple[list[ImageSet], tuple[str, ...]]:  # fmt: skip
    sources = [source for source, _, _ in listed]
    problems = [problem for _, whole, _ in listed for problem in whole]
    bad = {line: line for _, _, single in listed for line in single}
    content = next((source.table for source in sources if source.table is not None), None) if table is None else None
    if content is not None:
        table = Path(where) / "labels.csv"
    form = form_of(sources, table is not None, known)
    bad |= form.outside
    sources = [source.without(form.outside) for source in sources]
    if problems or (bad and not options.skip_bad):
        problems += [*bad.values(), *_faults(sources)]
        ways = "; mend or remove the files, or leave them out by --skip-bad" if bad else ""
        raise_together(dict.fromkeys(problems), f"{where} cannot be used{ways}:")
    if not all(map(len, sources)):
        raise InputError(f"{where}: no picture is left that can be used:\n" + "\n".join(list(bad.values())[:_SHOWN]))
    annotations, classes = infer_labels(sources, form, table, content, known)
    raise_together(_contradictions(sources, annotations), f"{where} cannot be used:")

    def decoded() -> Decoded:
        return decode(sources, options.resize, options.skip_bad, on_progress)

    if options.no_cache or any(source.in_memory for source in sources):
        found = decoded()
    else:
        key = fingerprint(sources, options.resize, options.skip_bad)
        found = cached(key, sum(map(len, sources)), decoded, cache)
    bad |= found.bad
    parts, start = [], 0
    for source, annotated in zip(sources, annotations, strict=True):
        keep = np.array(source.rows_without(found.bad), np.int64)
        images = found.images[start : start + len(keep)]
        start += len(keep)
        names = [source.names[i] for i in keep]
        parts.append(ImageSet(images, annotated.index[keep], annotated.labels[keep], names, classes.names))
    if not all(map(len, parts)):
        raise InputError(f"{where}: no picture is left that can be used:\n" + "\n".join(list(bad.values())[:_SHOWN]))
    assumed = [note for source in sources for note in source.notes] + list(found.notes)
    return parts, _notes([*classes.said, *dict.fromkeys(assumed)], bad, options.resize)


def _notes(said: list[str], bad: dict[str, str], resize: int) -> tuple[str, ...]:
    notes = list(said)
    if resize:
        notes.append(f"pictures brought to {resize} x {resize} pixels: proportions kept, the rest black")
    if bad:
        notes.append(f"{len(bad):,} left out that cannot be used:")
        notes += [f"  {line}" for line in list(bad.values())[:_SHOWN]]
        if len(bad) > _SHOWN:
            notes.append(f"  ... and {len(bad) - _SHOWN:,} more")
    return tuple(notes)


def _faults(sources: list[Source]) -> list[str]:
    """What else is wrong, so that it is all said at once."""
    try:
        return list(decode(sources, skip_bad=True).bad.values())
    except InputError:
        return []


def _contradictions(sources: list[Source], annotations: list[Annotations]) -> list[str]:
    if len(sources) < 2:
        return []
    clean, altered = sources
    return _swapped(clean, altered) + _disagreeing(clean, altered, *annotations)


def _swapped(clean: Source, altered: Source) -> list[str]:
    """What is wrong where names say that each part is the other one."""
    wrong = sum(name.lower().startswith("aug") for name in clean.names)
    wrong_too = sum(name.lower().startswith("clean") for name in altered.names)
    if wrong > _MOST * len(clean) and wrong_too > _MOST * len(altered):
        return [f"{clean.where} holds pictures named aug_... and {altered.where} clean_...: are the folders swapped?"]
    return []


def _disagreeing(clean: Source, altered: Source, of_clean: Annotations, of_altered: Annotations) -> list[str]:
    """Pictures of one index whose labels differ, where most others of one index have one label."""
    times = Counter(of_clean.index.tolist())
    of = {i: row for row, i in enumerate(of_clean.index.tolist()) if times[i] == 1}
    pairs = [(row, of[i]) for row, i in enumerate(of_altered.index.tolist()) if i in of]
    differ = [(row, other) for row, other in pairs if of_altered.labels[row] != of_clean.labels[other]]
    if len(differ) > _SLIPS * len(pairs):
        return []
    names = clean.names
    return [
        f"{altered.path(altered.names[row])} and {names[other]} have one index and two labels; mend the wrong one"
        for row, other in differ
    ]
