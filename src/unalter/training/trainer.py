"""The training of one model, an epoch at a time: it can be stopped, saved and gone on with, bit for bit."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from unalter.models.files import save_model
from unalter.nn import Architecture, Autoencoder, Pose, negative_elbo, new_model, pose_error
from unalter.nn.over_processes import over_processes
from unalter.runs.folder import ModelFolder
from unalter.support.errors import InputError, Interrupted
from unalter.support.processes import ALONE, Processes
from unalter.training import schedule
from unalter.training.average import averaged_model
from unalter.training.checkpoint import check_fits, lasting, load_checkpoint, plain, save_checkpoint
from unalter.training.obedience import Obedience
from unalter.training.optimizers import make_optimizers, set_rate
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import Batch, PairSampler
from unalter.training.precision import autocast
from unalter.training.prior import fit_prior
from unalter.training.readings import Reading, Readings
from unalter.training.state import TERMS, TrainState
from unalter.training.stop import StopRequest
from unalter.training.validate import validate

_AVERAGE_DECAY = 0.998
_USUAL_SIZE = 784
"""Numbers in a picture that the weights of the loss are meant for; the cross-entropy is a sum, so they grow with it."""
_BETWEEN_SAVES = 10.0
"""Seconds since the last save after which the end of an epoch is saved; to save takes as long as a few steps."""
_WARM_UP = 3
"""Steps in which libraries choose how to compute, and memory is found."""
_CLIP_NORM = 400.0
"""Of such a picture: gradient norms are a hundred or so once training runs; beyond this a batch is an outlier."""
Callback = Callable[["Trainer"], object]


class Trainer:
    """Train one model in its folder, from the start or from its checkpoint.

    Args:
        folder: where weights, checkpoint and metrics go.
        config: the model's architecture.
        options: how to train.
        sampler: the pairs.
        fingerprint: says which data and recipe these are; a checkpoint of others is refused.
        resume: go on from the checkpoint, where there is one.
        processes: who train it together: all have all of it, the first one writes.

    Raises:
        InputError: the checkpoint does not fit.
    """

    def __init__(
        self,
        folder: ModelFolder,
        config: Architecture,
        options: TrainOptions,
        sampler: PairSampler,
        fingerprint: str,
        *,
        resume: bool,
        device: torch.device,
        processes: Processes = ALONE,
    ) -> None:
        self.folder = folder
        self.state = TrainState()
        self._options = options
        self._sampler = sampler
        self._fingerprint = fingerprint
        self._processes = processes
        saved = load_checkpoint(folder.checkpoint, device) if resume and folder.checkpoint.is_file() else None
        if saved is not None:
            check_fits(folder.checkpoint, saved, fingerprint, config, options)
        model = new_model(config, options.seed).to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._model = model
        self._average = averaged_model(model, _AVERAGE_DECAY)
        self._readings = Readings(device)
        self._optimizers = make_optimizers(model, options)
        self._obedience = Obedience(config, options.seed, device, processes) if config.classes else None
        self._all_steps = len(sampler.plan(0, options.batch_size)) * options.epochs
        over_processes(model, processes)
        if saved is not None:
            self._restore(saved)
        self._saved_at, self._saved_state = time.monotonic(), (self.state.epoch, self.state.step)
        self._best: tuple[Autoencoder, dict[str, Any]] | None = None
        self._size = config.channels * config.height * config.width / _USUAL_SIZE

    @property
    def averaged(self) -> Autoencoder:
        """The model with averaged weights, in evaluation mode: what is validated, mapped and saved."""
        model = self._average.module
        assert isinstance(model, Autoencoder)
        return model

    def run_epoch(self, on_step: Callback, stop: StopRequest) -> None:
        """Train to the end of the present epoch, and validate.

        Args:
            on_step: called after every step.
            stop: asked after every step.

        Raises:
            InputError: the loss is no longer a number.
            Interrupted: a stop was requested; the state is saved.
        """
        self._train_epoch(on_step, stop)
        self._end_epoch()

    def trial(self, seconds: float) -> float:
        """About how long a whole step takes, in seconds; its steps change this trainer, which is of no use afterwards.

        Args:
            seconds: to measure for, at least one step, after a few others.
        """
        self._model.train()
        plan = self._sampler.plan(0, self._options.batch_size)
        done, start, now = -_WARM_UP, 0.0, 0.0
        while done < 1 or now - start < seconds:
            self._train_step(self._sampler.batch(plan[done % len(plan)], 0, done % len(plan)))
            done, now = done + 1, time.monotonic()
            start = now if done <= 0 else start
        return (now - start) / done

    def _train_epoch(self, on_step: Callback, stop: StopRequest) -> None:
        now = self.state
        self._model.train()
        plan = self._sampler.placed(self._sampler.plan(now.epoch, self._options.batch_size))
        while now.step < len(plan) and self.fraction_done < 1:
            start = time.monotonic()
            batch = self._sampler.batch(plan[now.step], now.epoch, now.step)
            self._train_step(batch)
            now.step += 1
            now.total_steps += 1
            spent = stop.agreed(time.monotonic() - start)
            now.seconds += spent
            now.epoch_seconds += spent
            on_step(self)
            if now.step == len(plan):
                break
            if stop.requested or self._not_saved_for(self._options.checkpoint_seconds):
                self.save()
            if stop.requested:
                self._processes.wait()
                raise Interrupted

    def _train_step(self, batch: Batch) -> None:
        now, options = self.state, self._options
        done = self.fraction_done
        for optimizer, peak in zip(self._optimizers, (options.muon_lr, options.learning_rate), strict=True):
            set_rate(optimizer, schedule.learning_rate(peak, now.total_steps, self._all_steps, done))
        # a seed of its own for every step, so that its noise needs no saved state
        noise = torch.Generator(batch.x.device).manual_seed((options.seed * 1_000_003 + now.total_steps) % 2**63)
        whole = len(batch.labels)
        told = self._obedience.told(batch.labels) if self._obedience is not None else None
        with self._autocast():
            output = self._model(batch.x_alt, batch.y, noise, told, whole)
        loss = negative_elbo(output, batch.x, schedule.warm_beta(options.beta, done), options.ssim_weight * self._size)
        loss = loss.part(len(batch.x), whole)
        if self._obedience is not None and told is not None:
            error = self._obedience.error(output, told, self._autocast())
            loss = loss.with_obedience(error, schedule.warm_label(done) * options.obedience_weight * self._size)
        if output.pose is not None and batch.made:
            made = Pose(*(part[len(batch.x) - len(batch.homography) :] for part in output.pose))
            error = pose_error(made, batch.homography, batch.made, self._processes)
            loss = loss.with_pose(error, options.pose_weight * self._size)
        self._model.zero_grad(set_to_none=True)
        loss.total.backward()
        terms = torch.stack([loss.terms()[name] for name in TERMS])
        gradients = [weight.grad for weight in self._model.parameters() if weight.grad is not None]
        self._processes.sum_([*gradients, terms])
        norm = nn.utils.clip_grad_norm_(self._model.parameters(), _CLIP_NORM * self._size)
        values = torch.cat([terms, norm.detach()[None]])
        self._look(self._readings.put(values, now.step, whole))
        for optimizer in self._optimizers:
            optimizer.step()
        if self._obedience is not None:
            share = schedule.learning_rate(1.0, now.total_steps, self._all_steps, done)
            self._obedience.learn(output, batch.x, batch.y, share, noise, self._autocast(), whole)
        self._average.update_parameters(self._model)

    def _look(self, readings: Iterable[Reading]) -> None:
        """Take what came out of steps into account; on a processor before the weights take the step in."""
        for reading in readings:
            *values, norm = reading.values
            if not (math.isfinite(values[0]) and math.isfinite(norm)):
                self._diverged(reading)
            for name, value in zip(TERMS, values, strict=True):
                self.state.sums[name] += value * reading.pictures
            self.state.pictures += reading.pictures

    def _end_epoch(self) -> None:
        now, options = self.state, self._options
        start = time.monotonic()
        self._look(self._readings.rest())
        scores = validate(self.averaged, self._sampler.validation, self._autocast(), self._processes)
        spent, _ = self._processes.agree(time.monotonic() - start, False)
        now.seconds += spent
        now.end_epoch(scores, self._optimizers[1].param_groups[0]["lr"])
        now.finished = self._is_finished
        if scores["validation_ssim"] > now.best_ssim:
            now.best_ssim, now.best_epoch = scores["validation_ssim"], now.epoch
            details = {
                "epoch": now.epoch,
                "validation_ssim": now.best_ssim,
                "preprocessing": "uint8 0..255 divided by 255",
                "labels": list(self._sampler.label_names[: self.averaged.config.classes]),
            }
            self._best = copy.deepcopy(self.averaged), details
        if now.finished:
            self._save_best()
            start = time.monotonic()
            self._processes.of_first(lambda: fit_prior(self.folder, self._sampler, options.seed, self._autocast()))
            now.seconds += time.monotonic() - start
        if self._processes.first:
            now.write_metrics(self.folder.metrics)
        if now.finished or self._not_saved_for(min(_BETWEEN_SAVES, options.checkpoint_seconds)):
            self.save()

    @property
    def fraction_done(self) -> float:
        """The share of the training that is done, 0..1, by steps or by time."""
        now, options = self.state, self._options
        return schedule.fraction_done(now.total_steps, self._all_steps, now.seconds, options.max_minutes * 60)

    @property
    def _is_finished(self) -> bool:
        return self.state.epoch >= self._options.epochs or self.fraction_done >= 1

    def _diverged(self, reading: Reading) -> None:
        now = self.state
        if self._readings.late:  # the weights have taken it in: what was saved last stays
            self._save_best()
        else:
            self.save()
        self._processes.wait()
        terms = ", ".join(f"{name} {value:g}" for name, value in zip((*TERMS, "gradient"), reading.values, strict=True))
        kept = f"the best weights, of epoch {now.best_epoch}, are kept" if now.best_epoch else "no epoch was finished"
        raise InputError(
            f"{self.folder.name}: the loss or its gradient is no longer a number in epoch {now.epoch + 1}, "
            f"step {reading.step + 1} ({terms}); {kept}. "
            "Train again with a lower --learning-rate, or with --precision 32-true."
        )

    def _autocast(self) -> torch.autocast:
        return autocast(self._sampler.device, self._options.precision)

    def _not_saved_for(self, seconds: float) -> bool:
        return time.monotonic() - self._saved_at > seconds

    def _save_best(self) -> None:
        if self._best is not None:
            if self._processes.first:
                save_model(self.folder, *self._best)
            self._best = None

    def save(self) -> None:
        """Write the best model and the state, where they are not what was written last; the first process does.

        Raises:
            InputError: the loss is no longer a number.
        """
        self._look(self._readings.rest())
        self._save_best()
        if not self._processes.first or self._saved_state == (self.state.epoch, self.state.step):
            return
        state = {
            "data": self._fingerprint,
            "architecture": plain(vars(self.averaged.config)),
            "options": lasting(self._options),
            "progress": vars(self.state),
            "model": self._model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "average": self._average.state_dict(),
            "obedience": self._obedience.state_dict() if self._obedience is not None else None,
            # no random generator has a state to save: each step seeds its own
        }
        save_checkpoint(self.folder.checkpoint, state)
        self._saved_at, self._saved_state = time.monotonic(), (self.state.epoch, self.state.step)

    def _restore(self, saved: dict[str, Any]) -> None:
        self._model.load_state_dict(saved["model"])
        for optimizer, state in zip(self._optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self._average.load_state_dict(saved["average"])
        if self._obedience is not None:
            self._obedience.load_state_dict(saved["obedience"])
        self.state = TrainState(**saved["progress"])
        self.state.finished = self._is_finished  # no longer so where it is trained for longer
        if self._processes.first:
            self.state.write_metrics(self.folder.metrics)
