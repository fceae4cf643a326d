"""Rooms that are called like a verb of the program: `unalter.alter` holds alterations, and alters when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    def __call__(self, *given: Any, **options: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(f"unalter.commands.{name}"), name)(*given, **options)


def make_verb(package: str) -> None:
    """Let a package be called: that does what the file of `commands/` with its name does."""
    sys.modules[package].__class__ = _Verb
