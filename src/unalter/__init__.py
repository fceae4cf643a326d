"""unalter gives pictures back that something was done to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unalter._version import __version__

_PUBLIC = {
    "InputError": "unalter.support.errors",
    "Model": "unalter.models.model",
    "Recipe": "unalter.alter",
    "Run": "unalter.commands.train",
    "TSNE": "unalter.tsne",
    "denoise": "unalter.commands.denoise",
    "evaluate": "unalter.commands.evaluate",
    "generate": "unalter.commands.generate",
    "load": "unalter.models.model",
    "load_recipe": "unalter.alter",
    "map": "unalter.commands.map",
    "pair": "unalter.commands.pair",
    "recipe": "unalter.commands.recipe",
    "train": "unalter.commands.train",
}
_VERBS = {"alter", "report"}
"""Rooms that can be called, see `support/verbs.py`."""

if TYPE_CHECKING:
    from unalter.alter import Recipe, load_recipe
    from unalter.commands.alter import alter
    from unalter.commands.denoise import denoise
    from unalter.commands.evaluate import evaluate
    from unalter.commands.generate import generate
    from unalter.commands.map import map
    from unalter.commands.pair import pair
    from unalter.commands.recipe import recipe
    from unalter.commands.report import report
    from unalter.commands.train import Run, train
    from unalter.models.model import Model, load
    from unalter.support.errors import InputError
    from unalter.tsne import TSNE

__all__ = [
    "TSNE", "InputError", "Model", "Recipe", "Run", "__version__", "alter", "denoise", "evaluate", "generate", "load",
    "load_recipe", "map", "pair", "recipe", "report", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import public names when they are used: `import unalter` does not import torch."""
    if name in _VERBS:
        return import_module(f"unalter.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'unalter' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC, *_VERBS])
