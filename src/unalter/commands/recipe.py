"""`unalter recipe`: how the altered pictures of a data set were made, as YAML."""

from __future__ import annotations

from pathlib import Path

from unalter.alter import Recipe
from unalter.data.options import AS_FOUND, DataOptions
from unalter.pipeline.prepare import learned_recipe, read_data
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.files import check_output


@guest()
def fit_folder(data: Path | None, out: Path, reading: DataOptions = AS_FOUND, *, seed: int) -> Recipe:
    """Fit a recipe to a data set; write `out` (YAML), and the backgrounds of blends as PNG beside it.

    Raises:
        InputError: the data or `out` cannot be used.
    """
    check_output(out, ".yaml", ".yml")
    console = Console()
    recipe = learned_recipe(read_data(data, reading, console), seed, console)
    recipe.save(out)
    console.say(recipe.summary())
    console.say(f"written: {out}")
    return recipe
