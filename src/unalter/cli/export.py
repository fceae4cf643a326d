"""The command `export`, apart from the others: main.py is long enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unalter.cli.flags import FOLDER, data_options
from unalter.runs.folder import MODELS


@click.command()
@click.argument("run", type=FOLDER)
@click.argument("out", type=FOLDER)
@click.option("--format", "form", type=click.Choice(["onnx", "hub"]), default="onnx", show_default=True,
              help="onnx: four files a model; hub: a folder for the Hugging Face Hub.")  # fmt: skip
@click.option("--model", type=click.Choice(MODELS), help="Default: every model of the run.")
@click.option("--push", "to", metavar="USER/NAME", help="Also upload it there, as a repository of models (hub).")
@click.option("--data", type=FOLDER, help="Where the data of RUN lie now, if they were moved (hub).")
@data_options()
def export(
    run: Path, out: Path, form: str, model: str | None, to: str | None, data: Path | None, **reading: Any
) -> None:
    """Write the models of RUN into a new folder OUT, to be shared.

    As ONNX, for which no Python is needed: encoder, decoder and both in one. Or as a folder that is a repository of
    models and a page at once, with weights, ONNX, scores and samples; 'unalter.load' reads it, here or on the Hub.
    """
    from unalter.commands.export import export_run
    from unalter.support.console import Console

    click.echo(f"written: {export_run(run, out, form, model, to, data, Console(), **reading)}")
