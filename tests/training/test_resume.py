"""A run that was stopped and killed on its way ends exactly where the run that was left alone ends."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from unalter.altering import write_altered
from unalter.data.digits import write_digit_folder
from unalter.run import RunFolder
from unalter.training.checkpoint import load_checkpoint

_EPOCHS = 4
_STEPS = 6  # an epoch: 48 altered pictures in batches of 8


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    write_altered(write_digit_folder(folder / "digits", "train", 80), folder / "data", "altered-mnist", count=48)
    return folder / "data"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "unalter", "train", *map(str, arguments)]


def start(data: Path, out: Path, precision: str, *more: str) -> list[str]:
    return command(
        data, "--out", out, "--models", "cvae", "--epochs", _EPOCHS, "--batch-size", 8, "--latent", 8,
        "--map-every", 0, "--precision", precision, "--checkpoint-seconds", 0, *more,
    )  # fmt: skip


def steps_done(run: RunFolder) -> int:
    path = run.model("cvae").checkpoint
    return load_checkpoint(path, torch.device("cpu"))["progress"]["total_steps"] if path.is_file() else 0


def interrupt(arguments: list[str], run: RunFolder, after_step: int, number: signal.Signals) -> int:
    """Run a command, send it a signal once `after_step` steps are on the disk, and give its exit status."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while steps_done(run) < after_step:
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, number)
        process.communicate(timeout=60)
        return process.returncode


def rows(run: RunFolder) -> list[dict[str, str]]:
    """metrics.csv without what a clock decides."""
    with open(run.model("cvae").metrics, newline="") as file:
        return [
            {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_stopped_killed_and_resumed_is_the_uninterrupted_run(data: Path, tmp_path: Path, precision: str):
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    subprocess.run(start(data, whole.path, precision), check=True, stdout=subprocess.DEVNULL)

    stopped = interrupt(start(data, broken.path, precision), broken, 2 * _STEPS, signal.SIGTERM)
    assert stopped == 130
    first = steps_done(broken)
    assert 2 * _STEPS <= first < _EPOCHS * _STEPS
    resume = command("--resume", "--out", broken.path)
    killed = interrupt(resume, broken, first + 2, signal.SIGKILL)
    assert killed == -signal.SIGKILL
    assert steps_done(broken) < _EPOCHS * _STEPS, "the run was over before it could be killed"
    subprocess.run(resume, check=True, stdout=subprocess.DEVNULL)

    expected, found = (load_checkpoint(run.model("cvae").checkpoint, torch.device("cpu")) for run in (whole, broken))
    assert found["progress"]["finished"]
    for part in ("model", "average"):
        for name, tensor in expected[part].items():
            assert torch.equal(tensor, found[part][name]), f"{part} {name}"
    for number, state in expected["optimizer"]["state"].items():
        for name, tensor in state.items():
            assert torch.equal(tensor, found["optimizer"]["state"][number][name]), f"optimizer {number} {name}"
    assert whole.model("cvae").weights.read_bytes() == broken.model("cvae").weights.read_bytes()
    assert rows(whole) == rows(broken)
    assert [int(row["epoch"]) for row in rows(whole)] == list(range(1, _EPOCHS + 1))

    again = subprocess.run(resume, check=True, capture_output=True, text=True)
    assert "nothing to resume" in again.stdout


def test_maps_and_samples_change_nothing_in_the_training(data: Path, tmp_path: Path):
    plain, mapped = RunFolder(tmp_path / "plain"), RunFolder(tmp_path / "mapped")
    subprocess.run(start(data, plain.path, "32-true"), check=True, stdout=subprocess.DEVNULL)
    subprocess.run(start(data, mapped.path, "32-true", "--map-every", "2"), check=True, stdout=subprocess.DEVNULL)
    assert plain.model("cvae").weights.read_bytes() == mapped.model("cvae").weights.read_bytes()
    assert rows(plain) == rows(mapped)
    folder = mapped.model("cvae")
    for epoch in (2, 4):
        assert folder.map_picture(epoch).is_file() and folder.map_picture(epoch, sampled=True).is_file()
        with np.load(folder.map_points(epoch)) as points:
            assert points["means"].shape == points["sampled"].shape == (48, 3)
            assert np.array_equal(points["row"], np.arange(48))
    assert not folder.map_points(3).exists()
