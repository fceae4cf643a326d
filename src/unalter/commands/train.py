"""`unalter train`: two folders in, trained models, their maps and a run folder out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from unalter._version import __version__
from unalter.data.options import DataOptions
from unalter.maps.run_page import write_run_page
from unalter.models.model import Model, load
from unalter.pipeline.experiment import Experiment, split_options
from unalter.pipeline.fit import Watcher, fit_models
from unalter.pipeline.resume import resumed_device, saved_experiment, saved_settings
from unalter.pipeline.start import claimed, new_experiment, write_experiment
from unalter.pipeline.tensorboard import BoardWriter, check_tensorboard
from unalter.report.page import write_report
from unalter.runs.folder import RunFolder, latest_run, new_run
from unalter.support.console import Console
from unalter.support.device import choose_device
from unalter.support.errors import InputError
from unalter.support.options import read_options
from unalter.training.options import TrainOptions, renewed

_RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A finished run."""

    path: Path

    def load(self, model: str | None = None) -> Model:
        """One of its models (ae, vae, cvae); None: the best on validation."""
        return load(self.path, model)


def train(
    data: str | Path | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    config: str | Path | None = None,
    verbose: bool = False,
    on_step: Watcher | None = None,
    on_epoch: Watcher | None = None,
    on_map: Watcher | None = None,
    **options: Any,
) -> Run:
    """Train the models on clean pictures and altered ones: pairs, training, maps, scores.

    Args:
        data: a folder or zip with clean/ and aug/, or a file of arrays; may be left out on resume. With `clean` alone
            (of `DataOptions`) and a `recipe` there are no altered pictures: "none" trains regular autoencoders.
        out: the run folder; default the next number below runs/, on resume the newest there.
        resume: go on with a run that was stopped, to the same result as if it had not been.
        config: a YAML file with options; those given here win.
        verbose: print what goes on, with progress; log.txt has it in any case.
        on_step: called after every step with the model's name and how far it is.
        on_epoch: the same after every epoch; the last row of `history` is that of metrics.csv.
        on_map: the same when the samples and maps of an epoch have been drawn.
        options: fields of `TrainOptions` and of `DataOptions`.

    Raises:
        InputError: something given cannot be used, and nothing is written; or the loss is no longer a number.
        Interrupted: Ctrl-C or SIGTERM; the state is saved.
    """
    console = Console(quiet=not verbose)
    if config is not None:
        data, options = _with_config(Path(config), data, options)
    where = None if data is None else Path(data)
    place = None if out is None else Path(out)
    opened = _resumed(where, place, options, console) if resume else _begun(where, place, options, console)
    with opened as experiment:
        run = experiment.run
        console.keep_in(run.log)
        console.say(f"unalter {__version__}, run folder {run.path}" + (", resumed" if resume else ""))
        for notice in renewed(options)[1]:
            console.say(notice)
        try:
            _train(experiment, console, resume, on_step, on_epoch, on_map)
        except InputError as error:
            console.log_only(f"error: {error}")
            raise
        console.say(f"done: {run.path}")
    return Run(run.path)


def _with_config(
    file: Path, data: str | Path | None, given: dict[str, Any]
) -> tuple[str | Path | None, dict[str, Any]]:
    """Data and options of a YAML file, less those that are `given`."""
    values = {str(key).replace("-", "_"): value for key, value in read_options(file).items()}
    values.pop("unalter", None)  # a run's config.yaml names the version that wrote it
    in_file = values.pop("data", None)
    TrainOptions.from_values(split_options(values)[1], str(file))
    return data or (str(in_file) if in_file else None), {**values, **given}


@contextmanager
def _begun(data: Path | None, out: Path | None, options: dict[str, Any], console: Console) -> Iterator[Experiment]:
    """A new run; everything that can be wrong is found before its folder exists."""
    run = RunFolder(out) if out is not None else new_run(_RUNS)
    of_data, of_training = split_options(options)
    reading, chosen = DataOptions.from_values(of_data), TrainOptions.from_values(of_training)
    if chosen.tensorboard:
        check_tensorboard()
    experiment = new_experiment(run, data, reading, chosen, console, given=options)
    with claimed(run):
        yield write_experiment(experiment)


@contextmanager
def _resumed(data: Path | None, out: Path | None, options: dict[str, Any], console: Console) -> Iterator[Experiment]:
    run = RunFolder(out) if out is not None else latest_run(_RUNS)
    where, reading, chosen = saved_settings(run, data, options)
    with run.locked():
        # one that is not here is told before anything is read
        chosen = replace(chosen, device=resumed_device(run, chosen.device, console).type)
        yield saved_experiment(run, where, reading, chosen, console)


def _train(
    experiment: Experiment, console: Console, resume: bool, on_step: Watcher | None, on_epoch: Watcher | None,
    on_map: Watcher | None,
) -> None:  # fmt: skip
    run, dataset, options = experiment.run, experiment.dataset, experiment.options
    for line in experiment.summary():
        console.say(line)
    device = choose_device(options.device)
    sampler = experiment.sampler(device)
    threads = torch.get_num_threads()
    console.say(f"device {device}, {threads} threads, precision {options.precision}, seed {options.seed}")
    board = BoardWriter(run) if options.tensorboard else None
    each_epoch = [watch for watch in (board, on_epoch) if watch]
    trained_any = fit_models(experiment, sampler, console, resume, on_step, each_epoch, on_map)
    if (trained_any or not run.map_page.exists()) and write_run_page(run, dataset, experiment.pairs):
        console.say(f"all maps, to move about in: {run.map_page}")
    if trained_any or not run.report.exists():
        write_report(experiment, sampler)
        console.say(f"all of it on one page: {run.report}")
    if resume and not trained_any:
        console.say("this run is finished: there is nothing to resume")
