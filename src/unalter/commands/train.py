"""`unalter train`: two folders in, trained models, their maps and a run folder out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from unalter._version import __version__
from unalter.alter import Recipe
from unalter.data.memory import InMemory, as_data
from unalter.data.options import DataOptions
from unalter.maps.run_page import write_run_page
from unalter.models.model import Model, load
from unalter.pipeline.experiment import Experiment, split_options
from unalter.pipeline.fit import Watcher, fit_models
from unalter.pipeline.forecast import in_words, measured_costs
from unalter.pipeline.resume import check_seen, lengthened, resumed_device, saved_experiment, saved_settings
from unalter.pipeline.start import GIVEN, check_batch, claimed, claimed_next, new_experiment, write_experiment
from unalter.pipeline.tensorboard import BoardWriter, check_tensorboard
from unalter.report.page import write_report
from unalter.runs.folder import RunFolder, latest_run, new_run
from unalter.support.arguments import as_path, is_path
from unalter.support.caller import guest
from unalter.support.console import Console, duration
from unalter.support.device import choose_device
from unalter.support.errors import InputError
from unalter.support.options import read_options
from unalter.support.processes import Processes
from unalter.support.started import check_count, joined, place_here
from unalter.training.options import TrainOptions, renewed
from unalter.training.pair_sampler import PairSampler

_RUNS = Path("runs")


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run. It stands for its folder wherever a path is taken."""

    path: Path

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {', '.join(self.models) or 'no trained model'})"

    @property
    def models(self) -> tuple[str, ...]:
        """What it has trained: some of ae, vae, cvae."""
        return tuple(folder.name for folder in RunFolder(self.path).trained())

    @property
    def report(self) -> Path:
        """The page with all of it."""
        return RunFolder(self.path).report

    def load(self, model: str | None = None, device: str | torch.device = "auto") -> Model:
        """One of its models (ae, vae, cvae); None: the best on validation."""
        return load(self.path, model, device)


@guest()
def train(
    data: Any = None,
    *,
    clean: Any = None,
    altered: Any = None,
    labels: Any = None,
    altered_labels: Any = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    config: str | os.PathLike[str] | None = None,
    devices: int = 1,
    verbose: bool = False,
    on_step: Watcher | None = None,
    on_epoch: Watcher | None = None,
    on_map: Watcher | None = None,
    **options: Any,
) -> Run:
    """Train the models on clean pictures and altered ones: pairs, training, maps, scores.

    Args:
        data: a folder or zip with clean/ and aug/, or a file of arrays; may be left out on resume. Or both parts in
            memory: a table (a data set of Hugging Face, a frame of pandas or polars, a mapping of arrays) with columns
            called clean and altered, or a data set of torch that gives (altered, clean) or (altered, clean, label).
        clean, altered: the parts, where `data` is not given: each a path, an array [N, H, W], [N, H, W, C] or
            [N, C, H, W] of numpy or torch, a list of PIL pictures, arrays or paths, a data set of torch that gives
            pictures or (picture, label), or a table; or the name of a column of `data`. Parts of as many pictures
            belong together row by row; whether they do is looked at, but for `pairing="trust"`. With `clean` alone and
            a `recipe` there are no altered pictures: "none" trains regular autoencoders.
        labels: a class, number or name, for each picture of the clean part, and of the altered one where that has as
            many; for files a CSV file.
        altered_labels: those of the altered part.
        out: the run folder; default the next number below runs/, on resume the newest there.
        resume: go on with a run that was stopped, to the same result as if it had not been; or, with more `epochs` or
            `max_minutes` than it was started with, for longer: its schedule is stretched, also where it was finished.
        config: a YAML file with options; those given here win.
        devices: processes of this computer that train together, each on a GPU or processors of its own. Where torchrun
            or srun started several, this is called by each of them, and only the first one writes, prints and calls.
        verbose: print what goes on, with progress; log.txt has it in any case.
        on_step: called after every step with the model's name and how far it is.
        on_epoch: the same after every epoch; the last row of `history` is that of metrics.csv.
        on_map: the same when the samples and maps of an epoch have been drawn.
        options: fields of `TrainOptions` and of `DataOptions`; `recipe` may be a `Recipe` as well.

    Raises:
        InputError: something given cannot be used, and nothing is written; or the loss is no longer a number.
        Interrupted: Ctrl-C or SIGTERM; the state is saved.
        EndedElsewhere: another of several processes has ended, and said why.
        ProcessLost: another of them was killed or crashed.
    """
    start = time.monotonic()
    parts = {"clean": clean, "altered": altered, "labels": labels, "altered_labels": altered_labels}
    options |= {name: value for name, value in parts.items() if value is not None}
    if config is not None:
        data, options = _with_config(as_path(config, "config"), data, options)
    where, options = as_data(data, options)
    recipe = None
    if isinstance(options.get("recipe"), Recipe):
        recipe, options["recipe"] = options["recipe"], GIVEN
    place = None if out is None else as_path(out, "out")
    if check_count(devices, place_here()):
        if on_step or on_epoch or on_map:
            raise InputError("devices is for processes that call nothing back: use torchrun, or leave on_... out")
        if isinstance(where, InMemory) or recipe is not None:
            raise InputError("devices is for data and recipes in files: other processes see no memory of this one")
        return _launched(where, place, resume, devices, verbose, options)
    with joined() as processes:
        console = Console(quiet=not (verbose and processes.first))
        run = processes.of_first(lambda: _run_folder(place, resume))
        if resume:
            opened = _resumed(where, run, options, console, processes)
        else:
            opened = _begun(where, run, options, recipe, console, processes, named=place is not None)
        with opened as experiment:
            run = experiment.run
            took = time.monotonic() - start
            _train(experiment, options, console, resume, took, on_step, on_epoch, on_map, processes)
    return Run(run.path)


def _run_folder(out: Path | None, resume: bool) -> RunFolder:
    if out is not None:
        return RunFolder(out)
    return latest_run(_RUNS) if resume else new_run(_RUNS)


def _launched(
    data: Path | None, out: Path | None, resume: bool, devices: int, verbose: bool, options: dict[str, Any]
) -> Run:
    """The run of several processes of this computer."""
    from unalter.commands.launch import launch

    run = _run_folder(out, resume)
    device = str(options.get("device", read_options(run.config).get("device", "auto") if resume else "auto"))
    words = {"out": run.path, "resume": resume, "devices": devices, **options}
    launch("train", data, words, devices, device, quiet=not verbose)
    return Run(run.path)


def _with_config(file: Path, data: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Data and options of a YAML file, less those that are `given`."""
    values = {str(key).replace("-", "_"): value for key, value in read_options(file).items()}
    values.pop("unalter", None)  # a run's config.yaml names the version that wrote it
    in_file = values.pop("data", None)
    TrainOptions.from_values(split_options(values)[1], str(file))
    if data is None and in_file and all(is_path(given.get(part, "")) for part in ("clean", "altered")):
        data = str(in_file)
    return data, {**values, **given}


@contextmanager
def _begun(
    data: Path | InMemory | None, run: RunFolder, options: dict[str, Any], recipe: Recipe | None, console: Console,
    processes: Processes, *, named: bool,
) -> Iterator[Experiment]:  # fmt: skip
    """A new run; everything that can be wrong is found before its folder exists."""
    of_data, of_training = split_options(options)
    reading, chosen = DataOptions.from_values(of_data), TrainOptions.from_values(of_training)
    if chosen.tensorboard:
        check_tensorboard()
    experiment = new_experiment(run, data, reading, chosen, console, given=options, recipe=recipe, processes=processes)
    if named or processes.world > 1:
        with claimed(run, processes):
            yield write_experiment(experiment, processes)
    else:
        with claimed_next(_RUNS) as run:
            yield write_experiment(replace(experiment, run=run))


@contextmanager
def _resumed(
    data: Path | InMemory | None, run: RunFolder, options: dict[str, Any], console: Console, processes: Processes
) -> Iterator[Experiment]:
    where, reading, chosen = saved_settings(run, data, options)
    with run.locked() if processes.first else nullcontext():
        check_seen(run, processes)
        # one that is not here is told before anything is read
        device = resumed_device(run, chosen.device, console)
        processes.take(device)
        chosen = replace(chosen, device=str(device))
        experiment = saved_experiment(run, where, reading, chosen, console, processes)
        check_batch(experiment.options, len(experiment.dataset.altered), processes)
        if processes.first:
            lengthened(run, chosen, console)
        yield experiment


def _train(
    experiment: Experiment, given: dict[str, Any], console: Console, resume: bool, prepared: float,
    on_step: Watcher | None, on_epoch: Watcher | None, on_map: Watcher | None, processes: Processes,
) -> None:  # fmt: skip
    """Train, with all that is said kept in the run's log; it was `prepared` in so many seconds."""
    run = experiment.run
    if processes.first:
        console.keep_in(run.log)
    how = "resumed" if resume else f"prepared in {duration(prepared)}"
    console.say(f"unalter {__version__}, run folder {run.path}, {how}")
    for notice in renewed(given)[1]:
        console.say(notice)
    try:
        _train_and_show(experiment, console, resume, on_step, on_epoch, on_map, processes)
    except InputError as error:
        if processes.first:
            console.log_only(f"error: {error}")
        raise
    console.say(f"done: {run.path}")


def _train_and_show(
    experiment: Experiment, console: Console, resume: bool, on_step: Watcher | None, on_epoch: Watcher | None,
    on_map: Watcher | None, processes: Processes,
) -> None:  # fmt: skip
    run, options = experiment.run, experiment.options
    for line in experiment.summary():
        console.say(line)
    device = choose_device(options.device)
    sampler = experiment.sampler(device, processes)
    threads = f"{torch.get_num_threads()} threads"
    if processes.world > 1:
        threads = f"{processes.world} processes of {threads}"
    console.say(f"device {device}, {threads}, precision {options.precision}, seed {options.seed}")
    if not resume and processes.world == 1 and (costs := measured_costs(experiment, sampler)) is not None:
        console.say(in_words(costs, options))
    board = BoardWriter(run) if options.tensorboard else None
    each_epoch = [watch for watch in (board, on_epoch) if watch]
    trained_any = fit_models(experiment, sampler, console, resume, on_step, each_epoch, on_map, processes)
    if processes.first:
        _show(experiment, sampler, console, trained_any)
    if resume and not trained_any:
        console.say("this run is finished: there is nothing to resume")


def _show(experiment: Experiment, sampler: PairSampler, console: Console, trained_any: bool) -> None:
    """Write the pages of a run, where they are not those of its models."""
    run = experiment.run
    if (trained_any or not run.map_page.exists()) and write_run_page(run, experiment.dataset, experiment.pairs):
        console.say(f"all maps, to move about in: {run.map_page}")
    if trained_any or not run.report.exists():
        write_report(experiment, sampler)
        console.say(f"all of it on one page: {run.report}")
