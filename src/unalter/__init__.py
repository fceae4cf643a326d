"""unalter gives pictures back that something was done to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "InputError": "unalter.errors",
    "Model": "unalter.inference",
    "Run": "unalter.workflow",
    "TSNE": "unalter.tsne",
    "evaluate": "unalter.evaluation",
    "load": "unalter.inference",
    "train": "unalter.workflow",
}

if TYPE_CHECKING:
    from unalter.errors import InputError
    from unalter.evaluation import evaluate
    from unalter.inference import Model, load
    from unalter.tsne import TSNE
    from unalter.workflow import Run, train

__all__ = ["TSNE", "InputError", "Model", "Run", "__version__", "evaluate", "load", "train"]


def __getattr__(name: str) -> Any:
    """Import public names when they are used: `import unalter` does not import torch."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'unalter' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
