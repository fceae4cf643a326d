"""What a person should know of a data set before anything is learned from it."""

from __future__ import annotations

import numpy as np

from unalter.data.dataset import Dataset
from unalter.maps.lettering import unlettered
from unalter.nn.latent_prior import FEWEST_CODES


def remarks(dataset: Dataset) -> list[str]:
    """A line for each thing: copies among the pictures, classes that are small, names that maps have no letters for."""
    return [*_repeated(dataset), *_classes(dataset), *_unlettered(dataset)]


def _repeated(dataset: Dataset) -> list[str]:
    """Says which pictures are there more than once."""
    said = []
    for what, part in (("clean", dataset.clean), ("altered", dataset.altered))[: 2 - dataset.one_folder]:
        first: dict[bytes, int] = {}
        again = []
        for row, digest in enumerate(part.digests):
            if (before := first.setdefault(digest, row)) != row:
                again.append((before, row))
        if again:
            names = " and ".join(part.names[row] for row in again[0])
            said.append(f"warning: copies among the {what} pictures: {len(again):,} (such as {names}); they weigh more")
    return said


def _classes(dataset: Dataset) -> list[str]:
    """Says which classes a CVAE can do little with."""
    if not dataset.classes:
        return []
    found = np.bincount(dataset.clean.labels, minlength=dataset.classes)
    of_altered = np.bincount(dataset.altered.labels, minlength=dataset.classes)
    there = np.flatnonzero(found + of_altered)
    names = dataset.label_names
    if len(there) == 1:
        return [f"warning: all pictures are of class {names[there[0]]}: a CVAE learns nothing from the label"]
    few = [label for label in there if found[label] < FEWEST_CODES]
    if not few:
        return []
    least = min(few, key=lambda label: found[label])
    most = f"fewer than {FEWEST_CODES} clean pictures (class {names[least]} has {found[least]})"
    return [f"warning: {len(few)} of {len(there)} classes have {most}: few to generate from"]


def _unlettered(dataset: Dataset) -> list[str]:
    """Says which classes maps cannot call by their names."""
    names = unlettered(dataset.label_names)
    if not names:
        return []
    place = dataset.label_names.index(names[0])
    return [f"no font here has all letters of {len(names)} class names: {names[0]} is #{place} on PNG maps, and so on"]
