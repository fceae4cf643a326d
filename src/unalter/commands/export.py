"""`unalter export`: models in the forms in which others take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unalter.export.hub import is_unfinished, write_hub
from unalter.export.onnx import real_pictures, write_onnx
from unalter.export.push import check_push, push
from unalter.models.files import find_models
from unalter.models.model import load
from unalter.models.shared import sha256
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.runs.folder import ModelFolder, RunFolder
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.support.extras import need
from unalter.support.files import new_folder, refuse_existing

FORMS = ("onnx", "hub")
"""What can be exported to."""


def export_run(
    run: str | Path, out: str | Path, form: str = "onnx", model: str | None = None, to: str | None = None,
    data: str | Path | None = None, console: Console | None = None, **reading: Any,
) -> Path:  # fmt: skip
    """Write the models of a run into a new folder.

    Args:
        run: a run folder (every model in it, or only `model`); for "onnx" one model's folder, too.
        out: must not exist, or be empty.
        form: "onnx", four files a model; or "hub", a folder to put on the Hugging Face Hub.
        model: only this one of a run folder: ae, vae or cvae.
        to: push it to this repository, user/name; "hub" only.
        data: what the run was trained on, where that lies elsewhere now; "hub" only.
        console: told of what is done; None: nobody is.
        reading: fields of `DataOptions`, where they are other ones now; "hub" only.

    Returns:
        The folder.

    Raises:
        InputError: no such run or model, a package that it takes is not installed, `out` is in the way, the data are
            others, the export is not right, or the Hub refuses it.
    """
    out, console = Path(out), console or Console(quiet=True)
    if form not in FORMS:
        raise InputError(f"format is {form!r}; it must be one of {', '.join(FORMS)}")
    if form != "hub" and (to or data or reading):
        raise InputError("--push and options of data go with --format hub only")
    refuse_existing(out)
    need("onnx", "onnxruntime", extra="export")
    folders = find_models(run, model)
    for folder in folders:
        if is_unfinished(folder):
            console.say(f"notice: training of the {folder.name} is not finished; go on with unalter train --resume")
    if form == "onnx":
        with new_folder(out) as aside:
            _write_onnx(folders, aside, console)
        return out
    if to is not None:
        check_push(to)
    source = RunFolder(Path(run))
    if not source.config.is_file():
        raise InputError(f"{run}: is no run folder, and the card is made of all of a run; give that, and --model")
    settings = saved_settings(source, None if data is None else Path(data), reading)
    experiment = saved_experiment(source, *settings, Console(quiet=True))
    name = out.absolute().name if to is None else to.partition("/")[2]
    with new_folder(out) as aside:
        write_hub(experiment, folders, aside, name, f"hf://{to}" if to else name, console)
    if to is not None:
        console.say(f"pushed: {push(out, to)}")
    return out


def _write_onnx(folders: list[ModelFolder], target: Path, console: Console) -> None:
    for folder in folders:
        model = load(folder.path, device="cpu")
        (target / folder.name).mkdir()
        difference = write_onnx(model, real_pictures(folder, model), sha256(folder.weights), target / folder.name)
        console.say(f"{folder.name}: differs from torch by {difference:.1g} at most")
