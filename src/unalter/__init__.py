"""unalter gives pictures back that something was done to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unalter._version import __version__

_PUBLIC = {
    "InputError": "unalter.support.errors",
    "Model": "unalter.models.model",
    "Run": "unalter.commands.train",
    "TSNE": "unalter.tsne",
    "evaluate": "unalter.commands.evaluate",
    "load": "unalter.models.model",
    "train": "unalter.commands.train",
}

if TYPE_CHECKING:
    from unalter.commands.evaluate import evaluate
    from unalter.commands.train import Run, train
    from unalter.models.model import Model, load
    from unalter.support.errors import InputError
    from unalter.tsne import TSNE

__all__ = ["TSNE", "InputError", "Model", "Run", "__version__", "evaluate", "load", "train"]


def __getattr__(name: str) -> Any:
    """Import public names when they are used: `import unalter` does not import torch."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'unalter' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
