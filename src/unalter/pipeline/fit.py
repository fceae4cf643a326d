"""Every model of a run trained, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from unalter.pipeline.epoch_visuals import EpochVisuals
from unalter.pipeline.experiment import Experiment
from unalter.support.console import Console
from unalter.support.errors import Interrupted
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler
from unalter.training.state import TrainState
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
) -> bool:
    """Train the models of a run, each from the start or from its checkpoint; samples and maps on the way.

    Args:
        watch_map: told when samples and maps of an epoch have been written.

    Returns:
        Whether there was anything left to do.
    """
    options = experiment.options
    fingerprint = experiment.fingerprint()
    did_anything = False
    for name in options.models:
        folder = experiment.run.model(name)
        trainer = Trainer(
            folder, experiment.architecture(name), options, sampler, fingerprint, resume=resume, device=sampler.device
        )
        visuals = EpochVisuals(folder, experiment.dataset, sampler, options, console)

        def look(trainer: Trainer, visuals: EpochVisuals = visuals) -> bool:
            wrote = visuals.take(trainer)
            if wrote and watch_map is not None:
                watch_map(trainer.folder.name, trainer.state)
            return wrote

        if trainer.state.finished:
            console.say(f"{name}: finished already, {trainer.state.epoch} epochs")
            did_anything |= look(trainer)
        else:
            did_anything = True
            _fit(trainer, look, options, console, watch_step, watch_epoch)
            _judge(trainer, sampler, console)
    return did_anything


def _fit(
    trainer: Trainer,
    look: Callback,
    options: TrainOptions,
    console: Console,
    watch_step: Watcher | None,
    watch_epoch: Sequence[Watcher],
) -> None:
    folder, now = trainer.folder, trainer.state
    if now.total_steps:
        console.say(f"{folder.name}: going on after {now.epoch} epochs and {now.step} steps")
    weights = sum(parameter.numel() for parameter in trainer.averaged.parameters())
    limit = f" or {options.max_minutes:g} minutes" if options.max_minutes else ""
    epochs = f"{options.epochs} epoch{'s'[: options.epochs > 1]}"
    console.say(f"{folder.name}: {weights:,} weights, {epochs}{limit}; scores are on validation pictures")
    with console.progress(folder.name) as advance:

        def on_step(trainer: Trainer) -> None:
            speed = now.pictures / max(now.epoch_seconds, 1e-9)
            advance(f"epoch {now.epoch + 1}, {speed:,.0f} images/s", trainer.fraction_done)
            if watch_step is not None:
                watch_step(folder.name, now)

        def on_epoch(trainer: Trainer) -> None:
            console.say(_epoch_line(folder.name, now.history[-1], options.epochs))
            for watch in watch_epoch:
                watch(folder.name, now)

        try:
            trainer.fit(on_step, on_epoch, look)
        except Interrupted:
            console.say(f"{folder.name}: stopped and saved after {now.epoch} epochs and {now.step} steps; go on with")
            console.say(f"  unalter train --resume --out {folder.path.parent}")
            raise


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
