"""`TrainOptions` as options of the command line: names, types, defaults and help come from the dataclass."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click
from click.core import ParameterSource

from unalter.config import TrainOptions


def train_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for every field of `TrainOptions`.

    The command receives those that stand on the command line, and no others: defaults stay the dataclass's.
    """
    explained = _docstrings(TrainOptions)

    @click.pass_context
    def with_given(context: click.Context, /, **arguments: Any) -> Any:
        names = [spec.name for spec in fields(TrainOptions)]
        given = {name: arguments.pop(name) for name in names}
        on_line = {n: v for n, v in given.items() if context.get_parameter_source(n) == ParameterSource.COMMANDLINE}
        return command(**arguments, **on_line)

    with_given.__doc__ = command.__doc__
    with_given.__name__ = command.__name__
    with_given.__click_params__ = list(getattr(command, "__click_params__", []))
    for spec in reversed(fields(TrainOptions)):
        with_given = _option(spec, explained[spec.name])(with_given)
    return with_given


def _option(spec: Field[Any], text: str) -> Callable[..., Any]:
    default: Any = spec.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    kind = str if isinstance(default, tuple) else type(default)
    name = spec.name.replace("_", "-")
    flags = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    return click.option(flags, spec.name, type=kind, help=f"{text}  [default: {str(shown).lower()}]")


def _docstrings(cls: type) -> dict[str, str]:
    """The text under each field of a dataclass, by the field's name."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for line, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(after, ast.Expr):
            texts[line.target.id] = inspect.cleandoc(ast.literal_eval(after.value))
    return texts
