"""Every model of a run trained: side by side on a processor, on a GPU one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch

from unalter.pipeline.epoch_visuals import EpochVisuals
from unalter.pipeline.experiment import Experiment
from unalter.pipeline.side_by_side import advance, model_shares
from unalter.support.console import Console
from unalter.support.errors import Interrupted
from unalter.support.processes import ALONE, Processes
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler
from unalter.training.state import TrainState
from unalter.training.stop import StopRequest
from unalter.training.trainer import Callback, Trainer
from unalter.training.validate import input_ssim

Watcher = Callable[[str, TrainState], object]
"""Called with a model's name and how far its training is."""


def fit_models(
    experiment: Experiment,
    sampler: PairSampler,
    console: Console,
    resume: bool,
    watch_step: Watcher | None,
    watch_epoch: Sequence[Watcher],
    watch_map: Watcher | None,
    processes: Processes = ALONE,
) -> bool:
    """Train the models of a run, each from the start or from its checkpoint; samples and maps on the way.

    Args:
        watch_map: told when samples and maps of an epoch have been written.
        processes: who train them together; the first one looks at them, and is watched.

    Returns:
        Whether there was anything left to do.
    """
    options = experiment.options
    shares = model_shares(options, sampler.device, processes)
    fingerprint = experiment.fingerprint()
    did_anything = False
    for names in [options.models] if shares[0] > 1 else [(name,) for name in options.models]:
        looks: dict[Trainer, EpochVisuals] = {}
        for name in names:
            folder, shape = experiment.run.model(name), experiment.architecture(name)
            trainer = Trainer(
                folder, shape, options, sampler, fingerprint, resume=resume, device=sampler.device, processes=processes
            )
            looks[trainer] = EpochVisuals(folder, experiment.dataset, sampler, options, console)

        def look(trainer: Trainer, looks: dict[Trainer, EpochVisuals] = looks) -> bool:
            wrote = processes.of_first(lambda: looks[trainer].take(trainer))
            if wrote and watch_map is not None and processes.first:
                watch_map(trainer.folder.name, trainer.state)
            return wrote

        for trainer in looks:
            if trainer.state.finished:
                console.say(f"{trainer.folder.name}: finished already, {trainer.state.epoch} epochs")
                did_anything |= look(trainer)
        unfinished = {trainer: looks[trainer] for trainer in looks if not trainer.state.finished}
        if unfinished:
            did_anything = True
            _fit(unfinished, look, shares, sampler, options, console, watch_step, watch_epoch, processes)
    return did_anything


def _fit(
    looks: dict[Trainer, EpochVisuals], look: Callback, shares: tuple[int, int], sampler: PairSampler,
    options: TrainOptions, console: Console, watch_step: Watcher | None, watch_epoch: Sequence[Watcher],
    processes: Processes,
) -> None:  # fmt: skip
    """Train models, those of one run at once or a single one, and look at them when it is due."""
    unfinished = list(looks)
    for trainer in unfinished:
        _introduce(trainer, options, console)
    with console.progress(", ".join(trainer.folder.name for trainer in unfinished)) as show:

        def on_step(trainer: Trainer) -> None:
            if not processes.first:
                return
            running = [one.state for one in looks if one.state.pictures and not one.state.finished]
            speed = sum(now.pictures / max(now.epoch_seconds, 1e-9) for now in running)
            done = sum(one.fraction_done for one in looks) / len(looks)
            show(f"epoch {trainer.state.epoch + 1}, {speed:,.0f} images/s", done)
            if watch_step is not None:
                watch_step(trainer.folder.name, trainer.state)

        def on_epoch(trainer: Trainer) -> None:
            if not processes.first:
                return
            name, now = trainer.folder.name, trainer.state
            console.say(_epoch_line(name, now.history[-1], options.epochs))
            for watch in watch_epoch:
                watch(name, now)

        stop = StopRequest(processes)
        try:
            with stop:
                begun = [trainer for trainer in unfinished if trainer.state.step == 0 and trainer.state.epoch > 0]
                _look_at(begun, look, stop)
                while unfinished:
                    until = min(looks[trainer].next_due(trainer.state.epoch) for trainer in unfinished)
                    advance(unfinished, until, shares, on_step, on_epoch, stop)
                    _look_at(unfinished, look, stop)
                    for trainer in unfinished:
                        if trainer.state.finished and processes.first:
                            _judge(trainer, sampler, console)
                    unfinished = [trainer for trainer in unfinished if not trainer.state.finished]
        except Interrupted as interrupted:
            interrupted.signal = stop.signal
            for trainer in unfinished:
                name, now = trainer.folder.name, trainer.state
                console.say(f"{name}: stopped and saved after {now.epoch} epochs and {now.step} steps")
            console.say(f"go on with\n  unalter train --resume --out {trainer.folder.path.parent}")
            raise


def _look_at(trainers: Sequence[Trainer], look: Callback, stop: StopRequest) -> None:
    """Look at models between their epochs; a signal ends that at once, for a map can take minutes."""
    try:
        with stop.at_once() if stop.processes.first else nullcontext():
            for trainer in trainers:
                look(trainer)
    except KeyboardInterrupt:
        for trainer in trainers:
            trainer.save()
        raise Interrupted from None


def _introduce(trainer: Trainer, options: TrainOptions, console: Console) -> None:
    """Say what is trained, and from where on."""
    name, now = trainer.folder.name, trainer.state
    if now.total_steps:
        console.say(f"{name}: going on after {now.epoch} epochs and {now.step} steps")
    weights = sum(parameter.numel() for parameter in trainer.averaged.parameters())
    limit = f" or {options.max_minutes:g} minutes" if options.max_minutes else ""
    epochs = f"{options.epochs} epoch{'s'[: options.epochs > 1]}"
    console.say(f"{name}: {weights:,} weights, {epochs}{limit}; scores are on validation pictures")


def _judge(trainer: Trainer, sampler: PairSampler, console: Console) -> None:
    """Say how good the model has become, and whether that is better than nothing."""
    now = trainer.state
    best = f"best on validation: SSIM {now.best_ssim:.4f} in epoch {now.best_epoch}"
    console.say(f"{trainer.folder.name}: trained in {now.seconds:.0f} s; {best}")
    if torch.equal(sampler.validation.x_alt, sampler.validation.x):
        return  # nothing was altered
    as_they_are = input_ssim(sampler.validation)
    if now.best_ssim < as_they_are:
        console.say(
            f"  that is less than the altered pictures themselves have ({as_they_are:.4f}): trained too short, "
            "or pictures that do not go through so small a code (--latent)"
        )


def _epoch_line(name: str, row: dict[str, float], of: int) -> str:
    kl = f"  KL {row['kl']:5.1f}" if name != "ae" else ""
    return (
        f"{name:<4} epoch {row['epoch']:>3}/{of}  loss {row['loss']:5.1f}{kl}  SSIM {row['validation_ssim']:.4f}  "
        f"PSNR {row['validation_psnr']:5.2f}  {row['images_per_second']:>5,.0f} images/s"
    )
