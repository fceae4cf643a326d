"""A run that was stopped and killed on its way ends exactly where the run that was left alone ends."""

from __future__ import annotations

import csv
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unalter
from unalter.commands.alter import alter
from unalter.data.digits import load_digits
from unalter.images.sheet import write_picture
from unalter.models.files import load_model
from unalter.runs.folder import RunFolder
from unalter.support.errors import Interrupted
from unalter.training import trainer
from unalter.training.checkpoint import load_checkpoint
from unalter.training.trainer import Trainer

_EPOCHS = 3
_STEPS = 6  # an epoch: 48 altered pictures in batches of 8
_CLEAN = 150  # of each of two classes: enough for a mixture
_RECIPE = "branches: [{steps: [rotate: {degrees: [-180, 180]}, flip: {probability: 0.5}]}]"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    (folder / "recipe.yaml").write_text(_RECIPE)
    images, labels = load_digits("train")
    for i in np.concatenate([np.flatnonzero(labels == label)[:_CLEAN] for label in (0, 1)]):
        write_picture(folder / "digits" / f"clean_{i}_{labels[i]}.png", images[i])
    alter(folder / "digits", folder / "data", folder / "recipe.yaml", count=48)
    return folder / "data"


@pytest.fixture(scope="module")
def left_alone(data: Path, tmp_path_factory) -> Callable[[str], RunFolder]:
    """The run of a precision that nobody stopped."""

    @cache
    def trained(precision: str) -> RunFolder:
        out = tmp_path_factory.mktemp("whole") / "run"
        return RunFolder(unalter.train(data, out=out, **options(data, precision)).path)

    return trained


def options(data: Path, precision: str, **changes: Any) -> dict[str, Any]:
    recipe = str(data.parent / "recipe.yaml")
    short = {"epochs": _EPOCHS, "batch_size": 8, "latent": 8, "map_every": 0, "recipe": recipe}
    return {"models": "ae,cvae", **short, "precision": precision, **changes}


def rows(run: RunFolder, model: str) -> list[dict[str, str]]:
    """metrics.csv without what a clock decides."""
    with open(run.model(model).metrics, newline="") as file:
        return [
            {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in csv.DictReader(file)
        ]


def assert_same(expected: RunFolder, found: RunFolder, model: str) -> None:
    """Bit for bit: weights, their average, what the optimizers remember, the saved model, the metrics."""
    one, other = (load_checkpoint(run.model(model).checkpoint, torch.device("cpu")) for run in (expected, found))
    assert other["progress"]["finished"]
    for part in ("model", "average"):
        for name, tensor in one[part].items():
            assert torch.equal(tensor, other[part][name]), f"{part} {name}"
    muon, adam = one["optimizers"]
    assert muon["state"] and adam["state"]
    for optimizer, resumed in zip(one["optimizers"], other["optimizers"], strict=True):
        for number, state in optimizer["state"].items():
            for name, tensor in state.items():
                assert torch.equal(tensor, resumed["state"][number][name]), f"optimizer {number} {name}"
    assert (one["obedience"] is not None) == (model == "cvae")
    if one["obedience"] is not None:
        for name, tensor in one["obedience"]["classifier"].items():
            assert torch.equal(tensor, other["obedience"]["classifier"][name]), f"classifier {name}"
    assert expected.model(model).weights.read_bytes() == found.model(model).weights.read_bytes()
    assert rows(expected, model) == rows(found, model)
    assert [int(row["epoch"]) for row in rows(found, model)] == list(range(1, _EPOCHS + 1))


@pytest.mark.parametrize("seconds", [0, 60], ids=["saved every step", "saved every epoch"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_killed_twice_and_resumed_is_the_uninterrupted_run(
    data: Path, left_alone, tmp_path: Path, monkeypatch, precision: str, seconds: int
):
    class Killed(BaseException):
        pass

    steps, step = [], Trainer._train_step

    def dying(self, batch):
        steps.append(1)
        if len(steps) in (_STEPS + 3, _EPOCHS * _STEPS + 2 * _STEPS):  # on its way in the first model and in the second
            raise Killed
        step(self, batch)

    broken = RunFolder(tmp_path / "broken")
    monkeypatch.setattr(trainer, "_BETWEEN_SAVES", 0)  # or epochs as short as these would not be saved each
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", dying)
        with pytest.raises(Killed):
            unalter.train(data, out=broken.path, **options(data, precision, checkpoint_seconds=seconds))
        with pytest.raises(Killed):
            unalter.train(out=broken.path, resume=True)
        assert broken.model("cvae").checkpoint.is_file()
        unalter.train(out=broken.path, resume=True)
    for model in ("ae", "cvae"):
        assert_same(left_alone(precision), broken, model)


def test_a_full_disk_is_an_error_that_names_the_file_and_nothing_is_lost(
    data: Path, left_alone, tmp_path: Path, monkeypatch
):
    steps, step = [], Trainer._train_step
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def filling(self, batch):
        steps.append(1)
        if len(steps) == _STEPS + 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # no file grows further: as on a full disk
        step(self, batch)

    run = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", filling)
        try:
            with pytest.raises(OSError) as caught:
                unalter.train(data, out=run.path, **options(data, "32-true", checkpoint_seconds=0))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value.filename).endswith("ae/checkpoint.pt")
    assert steps_done(run, "ae") == _STEPS + 2
    assert list(run.path.rglob(".*")) == [run.lock]  # nothing half-written lies about
    unalter.train(out=run.path, resume=True)
    for model in ("ae", "cvae"):
        assert_same(left_alone("32-true"), run, model)


def test_poses_and_the_mixture_are_part_of_what_is_the_same(left_alone):
    run = left_alone("32-true")
    assert all(float(row["pose"]) > 0 for model in ("ae", "cvae") for row in rows(run, model))
    mixture = load_model(run.model("cvae"), torch.device("cpu"))[0].prior
    assert mixture is not None
    assert (mixture.means[:, 0] != 0).all()  # fitted, for both classes


def steps_done(run: RunFolder, model: str) -> int:
    path = run.model(model).checkpoint
    return load_checkpoint(path, torch.device("cpu"))["progress"]["total_steps"] if path.is_file() else 0


def command(*arguments: object) -> subprocess.Popen[bytes]:
    """Start a training of its own process, with as many threads as here."""
    words = [sys.executable, "-m", "unalter", "train", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def interrupted(
    process: subprocess.Popen[bytes], run: RunFolder, model: str, after: int, number: signal.Signals
) -> int:
    """Send a process a signal once so many steps are on the disk; its exit status."""
    with process:
        deadline = time.monotonic() + 120
        while steps_done(run, model) < after:
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, number)
        process.communicate(timeout=60)
        return process.returncode


def test_stopped_by_a_signal_killed_by_another_and_resumed_is_the_uninterrupted_run(
    data: Path, left_alone, tmp_path: Path
):
    run = RunFolder(tmp_path / "broken")
    words = [f"--{k.replace('_', '-')}={v}" for k, v in options(data, "32-true", checkpoint_seconds=0).items()]
    stopped = interrupted(command(data, "--out", run.path, *words), run, "ae", _STEPS + 2, signal.SIGUSR1)
    assert stopped == 128 + signal.SIGUSR1  # of clusters, before they end a job
    assert _STEPS + 2 <= steps_done(run, "ae") < _EPOCHS * _STEPS
    killed = interrupted(command("--resume", "--out", run.path), run, "cvae", 2, signal.SIGKILL)
    assert killed == -signal.SIGKILL
    assert steps_done(run, "cvae") < _EPOCHS * _STEPS, "the run was over before it could be killed"
    unalter.train(out=run.path, resume=True)
    for model in ("ae", "cvae"):
        assert_same(left_alone("32-true"), run, model)


def test_stopped_while_a_map_is_made_the_epoch_is_saved_with_its_model(data: Path, tmp_path: Path, monkeypatch):
    def interrupted_map(_self, trainer) -> None:
        if trainer.state.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("unalter.pipeline.epoch_visuals.EpochVisuals.take", interrupted_map)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(Interrupted):
        unalter.train(data, out=run.path, **options(data, "32-true", models="ae", map_every=2))
    assert steps_done(run, "ae") == 2 * _STEPS
    assert load_model(run.model("ae"), torch.device("cpu"))[1]["epoch"] == 2


def test_maps_and_samples_change_nothing_in_the_training(data: Path, left_alone, tmp_path: Path):
    changes = {"models": "cvae", "map_every": 2}
    mapped = RunFolder(unalter.train(data, out=tmp_path / "run", **options(data, "32-true", **changes)).path)
    assert_same(left_alone("32-true"), mapped, "cvae")  # nor does the model that was trained before it
    folder = mapped.model("cvae")
    for epoch in (2, 3):
        assert folder.map_picture(epoch).is_file() and folder.map_picture(epoch, sampled=True).is_file()
        with np.load(folder.map_points(epoch)) as points:
            assert points["means"].shape == points["sampled"].shape == (48, 3)
            assert np.array_equal(points["row"], np.arange(48))
    assert not folder.map_points(1).exists()
