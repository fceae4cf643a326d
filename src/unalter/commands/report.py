"""`unalter report`: report.html of a run, written anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from unalter.data.memory import as_data
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.report.page import write_report
from unalter.runs.folder import RunFolder
from unalter.support.arguments import as_path
from unalter.support.caller import guest
from unalter.support.console import Console
from unalter.support.errors import InputError


@guest()
def report(run: str | os.PathLike[str], data: Any = None, *, verbose: bool = False, **given: Any) -> Path:
    """Write report.html of a run anew, from what is in its folder.

    Args:
        run: the run folder, or a `Run`.
        data: what it was trained on, where that lies elsewhere now, or in memory; as for `train`.
        verbose: print what goes on.
        given: `clean`, `altered`, `labels` and `altered_labels` as for `train`; other fields of `DataOptions`, where
            they are other ones now.

    Returns:
        The page's path.

    Raises:
        InputError: no run there, none of its models is trained, or the data are others.
    """
    folder = RunFolder(as_path(run, "run"))
    where, reading = as_data(data, given)
    settings = saved_settings(folder, where, reading)
    if not folder.trained():
        raise InputError(f"{folder.path}: no trained model here yet; go on with 'unalter train --resume'")
    experiment = saved_experiment(folder, *settings, Console(quiet=not verbose))
    write_report(experiment, experiment.sampler(torch.device("cpu")))
    return folder.report
