"""What a training will take, measured before it begins: whole steps of all models as they will run, and a small map."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from unalter.maps.draw import draw_map
from unalter.maps.layout import LEAST_POINTS, map_codes
from unalter.pipeline.experiment import Experiment
from unalter.pipeline.side_by_side import model_shares
from unalter.support.console import duration
from unalter.support.parallel import threads_of, torch_threads
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler
from unalter.training.trainer import Trainer

_SECONDS = 1.0
"""Of trial steps for each model; fewer vary by more than a tenth."""
_FEW_STEPS = 100
_POINTS = 1_500
"""Of the trial map: half a second."""
_GROWTH, _LINEAR_FROM = 1.45, 20_000
"""How the time of a map grows with its points, and from where on in proportion. (By the times of maps of
18,778 and 300,000 points on two cores, and of 1,500 on one.)"""
_MANY_POINTS = 100_000
"""A map of more takes minutes on two cores."""


@dataclass(frozen=True)
class Costs:
    """What things cost here, in seconds."""

    epochs: tuple[float, ...]
    """An epoch of each model, validation included, while the others run beside it."""
    at_once: int
    """So many models are trained side by side."""
    map: float
    """To make a map of all points, and to draw it."""
    maps: int
    """How many there will be."""
    points: int


def measured_costs(experiment: Experiment, sampler: PairSampler) -> Costs | None:
    """Try a few steps, which nothing is kept of, and a small map; None where the whole would hardly take longer."""
    options = experiment.options
    in_epoch = len(sampler.plan(0, options.batch_size))
    if in_epoch * options.epochs < _FEW_STEPS:
        return None
    at_once, threads = model_shares(options, sampler.device)
    # to the end there are as many at once as there will be
    names = [*options.models, *options.models[: -len(options.models) % at_once]]
    with torch_threads(torch.get_num_threads()), threads_of(threads, at_once) as pool:
        steps = list(pool.map(lambda name: _step_seconds(experiment, sampler, name), names))
    in_validation = len(sampler.validation) / options.batch_size / 3  # forward only
    points = min(options.map_points or len(experiment.dataset.altered), len(experiment.dataset.altered))
    maps = _map_count(options) if points >= LEAST_POINTS else 0
    epochs = tuple(step * (in_epoch + in_validation) for step in steps[: len(options.models)])
    return Costs(epochs, at_once, _map_seconds(points, options.latent, sampler.device) if maps else 0.0, maps, points)


def in_words(costs: Costs, options: TrainOptions) -> str:
    """What a training will take, for people."""
    limit = options.max_minutes * 60
    each = [min(epoch * options.epochs, limit or float("inf")) for epoch in costs.epochs]
    training, drawing = sum(each) / costs.at_once, costs.map * costs.maps
    models = f"{len(each)} model{'s'[: len(each) > 1]}"
    said = f"this takes about {duration(training + drawing)} here, by trial: {models} for {options.epochs} epochs "
    said += duration(training)
    if costs.maps:
        said += f", {costs.maps} map{'s'[: costs.maps > 1]} {duration(drawing)}"
    if costs.maps and costs.points > _MANY_POINTS:
        said += f"\na map of {costs.points:,} points takes minutes: --map-points 20000 is quicker"
    return said


def _step_seconds(experiment: Experiment, sampler: PairSampler, name: str) -> float:
    """Of a whole step of one model."""
    trainer = Trainer(
        experiment.run.model(name), experiment.architecture(name), experiment.options, sampler, "", resume=False,
        device=sampler.device,
    )  # fmt: skip
    return trainer.trial(_SECONDS)


def _map_count(options: TrainOptions) -> int:
    """Maps of all models and epochs; those of a variational one are of means and of samples."""
    if not options.map_every:
        return 0
    each = -(-options.epochs // options.map_every)
    return each * sum(1 if name == "ae" else 2 for name in options.models)


def _map_seconds(points: int, latent: int, device: torch.device) -> float:
    """Of a map of so many points, drawn, by one of fewer."""
    few = min(points, _POINTS)
    rng = np.random.default_rng(0)
    codes, labels = rng.standard_normal((few, latent), np.float32), np.arange(few) % 2
    start = made = drawn = 0.0
    with TemporaryDirectory() as folder:
        for _ in range(2):  # the first one compiles and imports
            start = time.monotonic()
            one = map_codes(codes, labels, device=device.type)
            made = time.monotonic()
            draw_map(Path(folder, "map.png"), one, labels, "")
            drawn = time.monotonic()
    growth = (min(points, _LINEAR_FROM) / few) ** _GROWTH * max(points / _LINEAR_FROM, 1)
    return (made - start) * growth + drawn - made
