"""`unalter recipe`: how the altered pictures of a data set were made, as YAML."""

from __future__ import annotations

import os
from typing import Any

from unalter.alter import Recipe
from unalter.data.memory import as_data
from unalter.data.options import DataOptions
from unalter.pipeline.prepare import learned_recipe, read_data
from unalter.support.arguments import as_path, as_seed
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.files import check_output


@guest()
def recipe(
    data: Any = None, *, out: str | os.PathLike[str] | None = None, seed: int = 0, verbose: bool = False, **given: Any
) -> Recipe:
    """Find out how altered pictures were made; they need not be paired with the clean ones.

    Args:
        data: as for `train`.
        out: a YAML file to write, and the backgrounds of blends as PNG beside it; None: nothing is written.
        seed: of everything that is drawn.
        verbose: print what goes on.
        given: `clean`, `altered`, `labels` and `altered_labels` as for `train`; other fields of `DataOptions`.

    Returns:
        The recipe: `print(recipe.summary())`, `recipe(pictures, seed=0)`, `recipe.save("mine.yaml")`.

    Raises:
        InputError: the data or `out` cannot be used.
    """
    path, seed = None if out is None else as_path(out, "out"), as_seed(seed)
    if path is not None:
        check_output(path, ".yaml", ".yml")
    where, reading = as_data(data, given)
    console = Console(quiet=not verbose)
    fitted = learned_recipe(read_data(where, DataOptions.from_values(reading), console), seed, console)
    console.say(fitted.summary())
    if path is not None:
        fitted.save(path)
        console.say(f"written: {path}")
    return fitted
