"""Frozen dataclasses as options of the command line: names, types, defaults and help come from them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from unalter.data.options import DataOptions
from unalter.training.options import OLD_NAMES, TrainOptions

FOLDER = click.Path(path_type=Path)


def train_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for every field of `TrainOptions`."""
    return _with_options(command, TrainOptions, old_names=OLD_NAMES)


def data_options(*only: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for every field of `DataOptions`, or for those named."""
    return lambda command: _with_options(command, DataOptions, only)


def _with_options(
    command: Callable[..., Any], cls: Any, only: tuple[str, ...] = (), old_names: Mapping[str, str] | None = None
) -> Callable[..., Any]:
    """The command receives those that stand on the command line, and no others: defaults stay the dataclass's.

    Options are also known, without being listed, by the `old_names` that map to theirs.
    """
    explained = _docstrings(cls)
    chosen = {spec.name: spec for spec in fields(cls) if not only or spec.name in only}
    hidden = {old: chosen[now] for old, now in (old_names or {}).items()}

    @click.pass_context
    def with_given(context: click.Context, /, **arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in (*chosen, *hidden)}
        on_line = {n: v for n, v in given.items() if context.get_parameter_source(n) == ParameterSource.COMMANDLINE}
        return command(**arguments, **on_line)

    with_given.__doc__ = command.__doc__
    with_given.__name__ = command.__name__
    with_given.__click_params__ = list(getattr(command, "__click_params__", []))
    for name, spec in reversed([*chosen.items(), *hidden.items()]):
        with_given = _option(name, spec, explained[spec.name], hidden=name in hidden)(with_given)
    return with_given


def _option(name: str, spec: Field[Any], text: str, hidden: bool) -> Callable[..., Any]:
    default: Any = spec.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    kind = str if isinstance(default, tuple) else type(default)
    flag = f"--{name.replace('_', '-')}"
    if default is False:  # nobody asks for what is the case anyway
        return click.option(flag, name, is_flag=True, help=text, hidden=hidden)
    flags = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    told = f"{text}  [default: {str(shown).lower()}]" if shown != "" else text
    return click.option(flags, name, type=kind, help=told, hidden=hidden)


def _docstrings(cls: type) -> dict[str, str]:
    """The text under each field of a dataclass, by the field's name."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for line, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(after, ast.Expr):
            texts[line.target.id] = inspect.cleandoc(ast.literal_eval(after.value))
    return texts
