"""Frozen dataclasses as options of the command line: names, types, defaults and help come from them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click
from click.core import ParameterSource

from unalter.config import DataOptions, TrainOptions


def train_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for every field of `TrainOptions`."""
    return _with_options(command, TrainOptions)


def data_options(*only: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for every field of `DataOptions`, or for those named."""
    return lambda command: _with_options(command, DataOptions, only)


def _with_options(command: Callable[..., Any], cls: Any, only: tuple[str, ...] = ()) -> Callable[..., Any]:
    """The command receives those that stand on the command line, and no others: defaults stay the dataclass's."""
    explained = _docstrings(cls)
    chosen = [spec for spec in fields(cls) if not only or spec.name in only]

    @click.pass_context
    def with_given(context: click.Context, /, **arguments: Any) -> Any:
        given = {spec.name: arguments.pop(spec.name) for spec in chosen}
        on_line = {n: v for n, v in given.items() if context.get_parameter_source(n) == ParameterSource.COMMANDLINE}
        return command(**arguments, **on_line)

    with_given.__doc__ = command.__doc__
    with_given.__name__ = command.__name__
    with_given.__click_params__ = list(getattr(command, "__click_params__", []))
    for spec in reversed(chosen):
        with_given = _option(spec, explained[spec.name])(with_given)
    return with_given


def _option(spec: Field[Any], text: str) -> Callable[..., Any]:
    default: Any = spec.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    kind = str if isinstance(default, tuple) else type(default)
    name = spec.name.replace("_", "-")
    flags = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    if default is False:  # nobody asks for what is the case anyway
        return click.option(f"--{name}", spec.name, is_flag=True, help=text)
    told = f"{text}  [default: {str(shown).lower()}]" if shown != "" else text
    return click.option(flags, spec.name, type=kind, help=told)


def _docstrings(cls: type) -> dict[str, str]:
    """The text under each field of a dataclass, by the field's name."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for line, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(after, ast.Expr):
            texts[line.target.id] = inspect.cleandoc(ast.literal_eval(after.value))
    return texts
