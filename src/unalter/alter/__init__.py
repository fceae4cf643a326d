"""Alterations as batched tensor functions, and recipes made of them; all of `catalogue.KINDS` is exported by name."""

from typing import Any

from unalter.alter.alteration import Alteration
from unalter.alter.backgrounds import find_backgrounds
from unalter.alter.catalogue import KINDS
from unalter.alter.draws import KeyedDraws, fold_in
from unalter.alter.geometric import Geometric
from unalter.alter.recipe import Branch, Recipe
from unalter.alter.recipe_file import load_recipe, presets
from unalter.support.verbs import make_verb

__all__ = [
    "KINDS",
    "Alteration",
    "Branch",
    "Geometric",
    "KeyedDraws",
    "Recipe",
    "find_backgrounds",
    "fold_in",
    "load_recipe",
    "presets",
]


def __getattr__(name: str) -> Any:
    for kind in KINDS:
        if kind.__name__ == name:
            return kind
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


make_verb(__name__)  # unalter.alter(...) is the verb
