"""What documents tell a user to type, typed: shell lines and Python blocks, on small data and with less training."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unalter.alter import find_backgrounds, load_recipe
from unalter.cli.main import main
from unalter.commands import train as workflow
from unalter.pairing.find import find_pairs
from unalter.pairing.options import PairingOptions

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SHORT = {"epochs": 1, "batch_size": 16, "map_points": 20, "precision": "32-true"}
"""Options of a training that are put in place of those of a document."""
_BLOCK = re.compile(r'(?:^<!-- not run: ([^\n]+) -->\n)?^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', re.S | re.M)


@dataclass(frozen=True)
class Block:
    """A block of code in a document."""

    reason: str
    """Why it cannot be run, from the comment before it; empty where it can."""
    language: str
    title: str
    """The name of the file that it is, where it is one."""
    text: str


def blocks(document: Path) -> list[Block]:
    """The blocks of a document, in order."""
    return [Block(*parts) for parts in _BLOCK.findall(document.read_text("utf-8"))]


def commands(text: str) -> list[list[str]]:
    """The words of every line of a shell block."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def type_in(words: list[str]) -> None:
    """Run a command as a shell would; it has to succeed."""
    if words[0] == "unalter":
        with pytest.raises(SystemExit) as ended:
            main(words[1:])
        assert ended.value.code == 0, words
    else:
        assert words[0] == "python", words
        subprocess.run([sys.executable, *words[1:]], check=True)


def follow(document: Path) -> dict[str, Any]:
    """Do all that a document says, in the current folder; returns the names that its Python blocks have bound."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(document):
        if block.reason:
            continue
        if block.title:
            Path(block.title).write_text(block.text, "utf-8")
        elif block.language == "sh":
            for words in commands(block.text):
                type_in(words)
        elif block.language == "python":
            exec(compile(block.text, document.name, "exec", dont_inherit=True), names)
    return names


_FEW = PairingOptions(
    imitated_true=20, least_imitated_true=20, imitated=50, least_imitated=50, shortlist=8,
    matcher_batch=64, matcher_rounds=1, least_matcher_steps=5,
)  # fmt: skip
"""A search for pairs takes minutes."""


def make_quick(patch: pytest.MonkeyPatch, recipe: str | Path, *, report: bool = True, **options: Any) -> None:
    """Train a narrow net for one epoch, whatever is asked for; `recipe` in place of a fitted one; few candidates.

    Args:
        report: whether a training writes its report too, or an empty file in its place.
    """
    train = workflow.train

    def short(*data: Any, resume: bool = False, **asked: Any) -> workflow.Run:
        return train(*data, resume=resume, **(asked if resume else asked | SHORT | options))

    def fit(_clean: Any, altered: Any, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(recipe=load_recipe(recipe).fitted_to(find_backgrounds(altered)))

    if not report:
        patch.setattr(workflow, "write_report", lambda experiment, _: experiment.run.report.touch())
    patch.setattr(workflow, "train", short)
    patch.setattr("unalter.pipeline.prepare.fit_recipe", fit)
    patch.setattr("unalter.export.hub.write_onnx", lambda *_: 0.0)  # `--format onnx` does it in earnest
    patch.setitem(find_pairs.__kwdefaults__, "options", _FEW)
    patch.setattr("unalter.pipeline.experiment.widths_for", lambda height, width: (8, 16))
