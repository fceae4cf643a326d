"""What a training starts from: the recipe and the pairs of two folders, learned once and kept in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from unalter.alter import Recipe, find_backgrounds, fit_recipe, load_recipe
from unalter.config import DataOptions
from unalter.console import Console
from unalter.data import Folders, read_folders
from unalter.data.cache import cache_folder
from unalter.errors import InputError
from unalter.files import whole_file
from unalter.metrics import LEAST_SIZE
from unalter.nn.mixture import LEAST_CODES
from unalter.pairing import PRECISION, Pairs, check_altered, find_pairs, pair_by_name
from unalter.progress import Advance

_FORMAT = 5
"""Raised whenever the same folders would give another recipe or other pairs."""
_LOOKED_AT = 20_000
"""Altered pictures that a training looks at for pairs, unless told to look at all: true pairs are a small part of what
trains, and to look at a million takes hours."""


def read_data(data: Path | None, options: DataOptions, console: Console) -> Folders:
    """Read a data set, say what should be known of it, and `check` it.

    Raises:
        InputError: it cannot be read, or nothing can be learned from it.
    """
    with console.progress("reading") as advance:
        folders = read_folders(data, options, on_progress=advance)
    for note in (*folders.notes, *_repeated(folders), *_classes(folders)):
        console.say(note)
    check(folders)
    return folders


def check(folders: Folders) -> None:
    """Refuse folders that nothing can be learned from.

    Raises:
        InputError: pictures too small; no label in both folders; an altered folder that holds the clean pictures.
    """
    if min(folders.clean.images.shape[-2:]) < LEAST_SIZE:
        raise InputError(f"pictures must be at least {LEAST_SIZE} x {LEAST_SIZE} pixels: SSIM's window is as large")
    check_altered(folders)


def _repeated(folders: Folders) -> list[str]:
    """Says which pictures are there more than once."""
    said = []
    for what, part in (("clean", folders.clean), ("altered", folders.altered)):
        first: dict[bytes, int] = {}
        again = []
        for row, picture in enumerate(part.images):
            if (before := first.setdefault(hashlib.blake2b(picture.tobytes(), digest_size=16).digest(), row)) != row:
                again.append((before, row))
        if again:
            names = " and ".join(part.names[row] for row in again[0])
            said.append(f"warning: copies among the {what} pictures: {len(again):,} (such as {names}); they weigh more")
    return said


def _classes(folders: Folders) -> list[str]:
    """Says which classes a CVAE can do little with."""
    if not folders.classes:
        return []
    found = np.bincount(folders.clean.labels, minlength=folders.classes)
    of_altered = np.bincount(folders.altered.labels, minlength=folders.classes)
    there = np.flatnonzero(found + of_altered)
    names = folders.label_names
    if len(there) == 1:
        return [f"warning: all pictures are of class {names[there[0]]}: a CVAE learns nothing from the label"]
    few = [label for label in there if found[label] < LEAST_CODES]
    if not few:
        return []
    least = min(few, key=lambda label: found[label])
    most = f"fewer than {LEAST_CODES} clean pictures (class {names[least]} has {found[least]})"
    return [f"warning: {len(few)} of {len(there)} classes have {most}: few to generate from"]


def recipe_for(name: str, folders: Folders, seed: int, console: Console) -> Recipe:
    """The recipe of a preset or file, its blends fitted to the altered folder; or, called auto, one fitted as a whole.

    Raises:
        InputError: no such recipe, or one that cannot be applied to these pictures.
    """
    shape = folders.clean.images.shape[1:]
    if name == "auto":
        recipe = learned_recipe(folders, seed, console)
    else:
        recipe = load_recipe(name)
        if recipe.needs_backgrounds:
            found = find_backgrounds(folders.altered.images)
            if found is None:
                console.say("no fixed backgrounds found in the altered pictures")
            else:
                share = f"{found.share:.1%} of the altered pictures"
                console.say(f"{len(found.images)} fixed backgrounds found in {share}")
            recipe = recipe.fitted_to(found)
    recipe.check((shape[0], shape[1], shape[2]))
    return recipe


def learned_recipe(folders: Folders, seed: int, console: Console) -> Recipe:
    """The recipe fitted to two folders, from the cache where it is there."""
    path = _kept("recipe", folders, seed) / "recipe.yaml"
    if path.is_file():
        with suppress(InputError):  # a damaged cache costs time, not the job
            kept = load_recipe(path)
            if not kept.needs_backgrounds:
                return kept
    console.say("looking at the two folders: how were the altered pictures made?")
    with _one_thread():
        fit = fit_recipe(
            folders.clean.images,
            folders.altered.images,
            clean_labels=folders.clean.labels,
            altered_labels=folders.altered.labels,
            seed=seed,
            on_progress=lambda words: console.say(f"  {words}"),
        )
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fit.recipe.save(path)
    return fit.recipe


@contextmanager
def _one_thread() -> Iterator[None]:
    """A fit is thousands of small steps: several threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def pairs_for(method: str, folders: Folders, recipe: Recipe | None, seed: int, console: Console) -> Pairs:
    """The pairs of two folders: by name, verified, and by appearance where asked for.

    Args:
        method: trust (names as they are), names (verified), looks (search too), or auto, which searches only where
            there are no names, or none that hold, and of very many pictures looks at some.
        recipe: how altered pictures come about; None: names are taken as they are.

    Raises:
        InputError: a search without a recipe.
    """
    if recipe is None and method == "looks":
        raise InputError("pairs are found by looks with the help of a recipe: leave --recipe none out")
    named = pair_by_name(folders)
    if recipe is None or method == "trust":
        return named
    only, count = None, len(folders.altered)
    if method == "auto" and count > _LOOKED_AT:
        only = np.sort(np.random.default_rng([seed, 8]).permutation(count)[:_LOOKED_AT])
        console.say(
            f"pairs: looking at {_LOOKED_AT:,} of the {count:,} altered pictures (--pairing names or looks: at all)"
        )
    with console.progress("pairs") as advance:

        def found(by_appearance: bool) -> Pairs:
            return found_pairs(folders, recipe, by_appearance, PRECISION, seed, advance, only)

        if method == "looks" or (method == "auto" and len(named.altered) == 0):
            return found(True)
        pairs = found(False)
        return pairs if method == "names" or pairs.names_hold else found(True)


def found_pairs(
    folders: Folders, recipe: Recipe, by_appearance: bool, precision: float, seed: int,
    on_progress: Advance, only: np.ndarray | None = None,
) -> Pairs:  # fmt: skip
    """`find_pairs`, from the cache where its result is there."""
    key = (recipe.to_yaml(), _background_bytes(recipe), by_appearance, precision)
    some = b"" if only is None else only.tobytes()
    path = _kept("pairs", folders, seed, *key, some).with_suffix(".npz")
    # not there, cut short or damaged: numpy raises half a dozen types for these
    with suppress(Exception), open(path, "rb") as file:
        kept = np.load(file)
        return Pairs(**{spec.name: kept[spec.name] for spec in fields(Pairs)})
    pairs = find_pairs(
        folders, recipe, by_appearance=by_appearance, only=only, precision=precision, seed=seed, on_progress=on_progress
    )
    with suppress(OSError), whole_file(path) as aside, open(aside, "wb") as file:
        np.savez(file, **vars(pairs))
    return pairs


def content_hash(folders: Folders) -> str:
    """A hash of all pixels, names and labels, wherever they lie."""
    digest = hashlib.sha256()
    for part in (folders.clean, folders.altered):
        digest.update("\n".join(part.names).encode(errors="surrogateescape"))
        digest.update(part.labels.tobytes())
        digest.update(part.images.tobytes())
    return digest.hexdigest()


def _kept(kind: str, folders: Folders, seed: int, *more: object) -> Path:
    """Where something learned from these folders is kept."""
    digest = hashlib.sha256(f"{_FORMAT} {content_hash(folders)} {seed}".encode())
    for part in more:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
    return cache_folder() / kind / digest.hexdigest()[:32]


def _background_bytes(recipe: Recipe) -> bytes:
    found = [getattr(step, "backgrounds", None) for branch in recipe.branches for step in branch.steps]
    return b"".join(pictures.numpy().tobytes() for pictures in found if isinstance(pictures, torch.Tensor))
