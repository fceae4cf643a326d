"""What a training starts from: the recipe and the pairs of two folders, learned once and kept in the user's cache."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from unalter.alter import Recipe, find_backgrounds, load_recipe
from unalter.data.dataset import Dataset, read_dataset
from unalter.data.memory import InMemory
from unalter.data.options import DataOptions
from unalter.fitting.fit import fit_recipe
from unalter.images.metrics import LEAST_SIZE
from unalter.pairing.find import PRECISION, check_altered, find_pairs
from unalter.pairing.names import pair_by_name
from unalter.pairing.pairs import ITSELF, MADE, NAME, Pairs, own_pairs
from unalter.pairing.shifts import shift_by_labels, shift_by_likeness, shift_seen
from unalter.pipeline.remarks import remarks
from unalter.support.arguments import as_path, is_path
from unalter.support.cache import from_cache
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.support.files import atomic_write
from unalter.support.processes import ALONE, Processes
from unalter.support.progress import ProgressCallback

_FORMAT = 8
"""Raised whenever the same folders would give another recipe or other pairs."""
_LOOKED_AT = 20_000
"""Altered pictures that a training looks at for pairs, unless told to look at all: true pairs are a small part of what
trains, and to look at a million takes hours."""


def read_data(
    data: Path | InMemory | None, options: DataOptions, console: Console, *, clean_will_do: bool = False,
    processes: Processes = ALONE,
) -> Dataset:  # fmt: skip
    """Read a data set, say what should be known of it, and `check` it.

    Args:
        clean_will_do: see `read_dataset`.
        processes: all of them read it, those of one computer the first one's cache.

    Raises:
        InputError: it cannot be read, or nothing can be learned from it; or it is not the same for all processes.
    """
    with console.progress("reading") as advance, processes.first_here():
        dataset = read_dataset(data, options, clean_will_do=clean_will_do, on_progress=advance)
    _check_same(dataset, processes)
    for note in (*dataset.notes, *remarks(dataset)):
        console.say(note)
    check(dataset)
    return dataset


def _check_same(dataset: Dataset, processes: Processes) -> None:
    """Refuse data that are not the same for all processes."""
    if processes.world == 1:
        return
    hashes = processes.gather(content_hash(dataset))
    others = [rank for rank, other in enumerate(hashes) if other != hashes[0]]
    if others:
        raise InputError(
            f"the data are not the same everywhere: process {others[0]} of {processes.world} "
            f"({processes.hosts[others[0]]}) has other pictures or names than process 0 ({processes.hosts[0]}); "
            "give a folder that all of them see, or equal copies"
        )


def check(dataset: Dataset) -> None:
    """Refuse folders that nothing can be learned from.

    Raises:
        InputError: pictures too small; no label in both folders; an altered folder that holds the clean pictures.
    """
    if min(dataset.clean.images.shape[-2:]) < LEAST_SIZE:
        raise InputError(f"pictures must be at least {LEAST_SIZE} x {LEAST_SIZE} pixels: SSIM's window is as large")
    if not dataset.one_folder:
        check_altered(dataset)


def as_recipe(given: str | os.PathLike[str] | Recipe) -> str | Recipe:
    """A recipe, or what it is called: auto, none, a preset, or the path of a YAML file.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(given, Recipe):
        return given
    if not is_path(given):
        raise InputError(f"recipe is of type {type(given).__name__}; it must be a preset, a path or a Recipe")
    return str(as_path(given, "recipe"))


def recipe_for(
    name: str | Recipe, dataset: Dataset, seed: int, console: Console, processes: Processes = ALONE
) -> Recipe:
    """A recipe, or that of a preset or file, its blends fitted to the altered folder; or, called auto, a fitted one.

    Raises:
        InputError: no such recipe, or one that cannot be applied to these pictures.
    """
    shape = dataset.clean.images.shape[1:]
    if isinstance(name, Recipe):
        recipe = name
    elif name == "auto":
        recipe = learned_recipe(dataset, seed, console, processes)
    elif dataset.one_folder:
        recipe = load_recipe(name, (shape[0], shape[1], shape[2]))
    else:
        recipe = load_recipe(name)
    if recipe.needs_backgrounds and not dataset.one_folder:
        found = find_backgrounds(dataset.altered.images)
        if found is None:
            console.say("no fixed backgrounds found in the altered pictures")
        else:
            share = f"{found.share:.1%} of the altered pictures"
            console.say(f"{len(found.images)} fixed backgrounds found in {share}")
        recipe = recipe.fitted_to(found)
    recipe.check((shape[0], shape[1], shape[2]))
    return recipe


def learned_recipe(dataset: Dataset, seed: int, console: Console, processes: Processes = ALONE) -> Recipe:
    """The recipe fitted to two folders, by several processes together, or from the cache where it is there."""

    def load(folder: Path) -> Recipe:
        recipe = load_recipe(folder / "recipe.yaml")
        if recipe.needs_backgrounds:
            raise InputError(f"{folder}: the backgrounds are gone")
        return recipe

    def fit_by(processes: Processes) -> Recipe:
        with console.progress("recipe") as advance:
            return fit_recipe(
                dataset.clean.images,
                dataset.altered.images,
                clean_labels=dataset.clean.labels,
                altered_labels=dataset.altered.labels,
                seed=seed,
                on_progress=lambda words: console.say(f"  {words}"),
                on_tried=lambda tried: advance(f"{tried:,} ways tried", math.nan),
                processes=processes,
            ).recipe

    def fit() -> Recipe:
        console.say("looking at the two folders, a minute or two, once: how were the altered pictures made?")
        if processes.beside < processes.world:  # another processor rounds otherwise, and would take another way
            return processes.of_first(lambda: fit_by(ALONE))
        return fit_by(processes)

    return from_cache(
        "recipe", _key(dataset, seed), load, fit, lambda recipe, folder: recipe.save(folder / "recipe.yaml"),
        processes=processes,
    )  # fmt: skip


def pairs_for(
    method: str, dataset: Dataset, recipe: Recipe | None, seed: int, console: Console, processes: Processes = ALONE
) -> Pairs:
    """The pairs of two folders: by name, verified, and by appearance where asked for.

    Args:
        method: trust (names as they are), names (verified), appearance (search too), or auto, which searches only where
            there are no names, or none that hold, and of very many pictures looks at some.
        recipe: how altered pictures come about; None: names are taken as they are.

    Raises:
        InputError: a search without a recipe.
    """
    if dataset.one_folder:
        return own_pairs(len(dataset.clean), ITSELF if recipe is None else MADE)
    if recipe is None and method == "appearance":
        raise InputError("pairs are found by appearance with the help of a recipe: leave --recipe none out")
    named = pair_by_name(dataset)
    if recipe is None or method == "trust":
        say_shift(dataset, named, console)
        return named
    pairs = _looked_for(method, dataset, named, recipe, seed, console, processes)
    say_shift(dataset, pairs, console)
    return pairs


def say_shift(dataset: Dataset, pairs: Pairs, console: Console) -> None:
    """Say where names seem to be shifted by one."""
    looked = bool((pairs.method != NAME)[pairs.likeliest >= 0].any())
    said = shift_by_labels(dataset) or (shift_seen if looked else shift_by_likeness)(dataset, pairs)
    if said is not None:
        console.say(said)


def _looked_for(
    method: str, dataset: Dataset, named: Pairs, recipe: Recipe, seed: int, console: Console, processes: Processes
) -> Pairs:
    only, count = None, len(dataset.altered)
    if method == "auto" and count > _LOOKED_AT:
        only = np.sort(np.random.default_rng([seed, 8]).permutation(count)[:_LOOKED_AT])
        console.say(
            f"pairs: looking at {_LOOKED_AT:,} of the {count:,} altered pictures "
            "(--pairing names or appearance: at all)"
        )
    with console.progress("pairs") as advance:

        def found(by_appearance: bool) -> Pairs:
            return found_pairs(dataset, recipe, by_appearance, PRECISION, seed, advance, only, processes)

        if method == "appearance" or (method == "auto" and len(named.altered) == 0):
            return found(True)
        pairs = found(False)
        return pairs if method == "names" or pairs.names_hold else found(True)


def found_pairs(
    dataset: Dataset, recipe: Recipe, by_appearance: bool, precision: float, seed: int,
    on_progress: ProgressCallback, only: np.ndarray | None = None, processes: Processes = ALONE,
) -> Pairs:  # fmt: skip
    """`find_pairs`, from the cache where its result is there."""
    some = b"" if only is None else only.tobytes()
    key = _key(dataset, seed, recipe.to_yaml(), _background_bytes(recipe), by_appearance, precision, some)

    def load(folder: Path) -> Pairs:
        with open(folder / "pairs.npz", "rb") as file:
            kept = np.load(file)
            return Pairs(**{spec.name: kept[spec.name] for spec in fields(Pairs)})

    def find() -> Pairs:
        return find_pairs(
            dataset, recipe, by_appearance=by_appearance, only=only, precision=precision, seed=seed,
            on_progress=on_progress, processes=processes,
        )  # fmt: skip

    def save(pairs: Pairs, folder: Path) -> None:
        with atomic_write(folder / "pairs.npz") as aside, open(aside, "wb") as file:
            np.savez(file, **vars(pairs))

    return from_cache("pairs", key, load, find, save, processes=processes)


def content_hash(dataset: Dataset) -> str:
    """A hash of all pixels, names and labels, wherever they lie; not of altered pictures that were made."""
    digest = hashlib.sha256()
    for part in (dataset.clean, dataset.altered)[: 2 - dataset.one_folder]:
        digest.update("\n".join(part.names).encode(errors="surrogateescape"))
        digest.update(part.labels.tobytes())
        digest.update(f"{part.images.shape}".encode())
        digest.update(b"".join(part.digests))
    return digest.hexdigest()


def _key(dataset: Dataset, seed: int, *more: object) -> str:
    """Of something learned from these folders, in the cache."""
    digest = hashlib.sha256(f"{_FORMAT} {content_hash(dataset)} {seed}".encode())
    for part in more:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
    return digest.hexdigest()[:32]


def _background_bytes(recipe: Recipe) -> bytes:
    found = [getattr(step, "backgrounds", None) for branch in recipe.branches for step in branch.steps]
    return b"".join(pictures.numpy().tobytes() for pictures in found if isinstance(pictures, torch.Tensor))
