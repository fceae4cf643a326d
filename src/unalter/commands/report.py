"""`unalter report`: report.html of a run, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.report.page import write_report
from unalter.runs.folder import RunFolder
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.errors import InputError


@guest()
def make_report(run: str | Path, data: str | Path | None = None, **reading: Any) -> Path:
    """Write report.html of a run anew, from what is in its folder.

    Args:
        run: the run folder.
        data: what it was trained on, where that lies elsewhere now.
        reading: fields of `DataOptions`, where they are other ones now.

    Returns:
        The page's path.

    Raises:
        InputError: no run there, none of its models is trained, or the data are others.
    """
    folder = RunFolder(Path(run))
    settings = saved_settings(folder, None if data is None else Path(data), reading)
    if not folder.trained():
        raise InputError(f"{folder.path}: no trained model here yet; go on with 'unalter train --resume'")
    experiment = saved_experiment(folder, *settings, Console(quiet=True))
    write_report(experiment, experiment.sampler(torch.device("cpu")))
    return folder.report
