"""What pages get when they are built: formulas as MathML, and the help of every command."""

from __future__ import annotations

import html
import re
from typing import Any

import click
from latex2mathml.converter import convert

from unalter.cli.main import cli

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
_COMMANDS = "<!-- the help of every command -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help of every command where a page asks for it."""
    return markdown.replace(_COMMANDS, _help()) if _COMMANDS in markdown else markdown


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas into MathML: browsers draw it without a script or a font from elsewhere."""
    return _FORMULA.sub(_mathml, content)


def _mathml(formula: re.Match[str]) -> str:
    drawn = convert(html.unescape(formula[2]).strip(), display="block" if formula[1] == "div" else "inline")
    return drawn.replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")  # \sim is a relation, with room around it


def _help() -> str:
    """A section for the program, and one for each command."""
    above = click.Context(cli, info_name="unalter", **cli.context_settings)
    parts = [_section(cli, above)]
    for name in cli.list_commands(above):
        command = cli.get_command(above, name)
        assert command is not None
        parts.append(_section(command, click.Context(command, info_name=name, parent=above)))
    return "\n\n".join(parts)


def _section(command: click.Command, context: click.Context) -> str:
    """Usage, description and options, as `--help` has them."""
    usage = command.get_usage(context).removeprefix("Usage: ")
    paragraphs = [_plain(" ".join(text.split())) for text in (command.help or "").split("\n\n")]
    records = [param.get_help_record(context) for param in command.get_params(context)]
    options = [f"`{names}`\n:   {_plain(text)}" for names, text in filter(None, records) if text]
    heading = f"## {context.command_path}"
    return "\n\n".join([heading, f"```text\n{' '.join(usage.split())}\n```", *paragraphs, *options])


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]#+!|$])", r"\\\1", html.escape(text, quote=False))
