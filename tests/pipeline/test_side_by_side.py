"""Models that are trained side by side are those that are trained one after another."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import unalter
from unalter.pipeline.side_by_side import model_shares
from unalter.runs.folder import RunFolder
from unalter.support.errors import Interrupted
from unalter.training.checkpoint import load_checkpoint
from unalter.training.options import TrainOptions
from unalter.training.trainer import Trainer


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def train(data: Path, out: Path, **changes: Any) -> RunFolder:
    usual: dict[str, Any] = {
        "models": "ae,vae", "epochs": 2, "batch_size": 16, "latent": 4, "map_every": 0, "precision": "32-true",
        "recipe": str(data / "recipe.yaml"),
    }  # fmt: skip
    return RunFolder(unalter.train(data, out=out, **usual | changes).path)


def weights(run: RunFolder) -> dict[str, bytes]:
    return {folder.name: folder.weights.read_bytes() for folder in run.trained()}


def test_they_are_the_same_to_the_last_bit(small_data: Path, tmp_path: Path, two_threads):
    told: list[tuple[str, int]] = []
    run = train(small_data, tmp_path / "both", on_epoch=lambda name, now: told.append((name, now.epoch)))
    assert torch.get_num_threads() == 2
    assert sorted(told) == [(name, epoch) for name in ("ae", "vae") for epoch in (1, 2)]
    assert told[0][0] != told[1][0]  # no model is through before another one has begun
    torch.set_num_threads(1)
    assert weights(run) == weights(train(small_data, tmp_path / "one"))


def test_stopped_on_their_way_they_go_on_to_the_same(small_data: Path, tmp_path: Path, two_threads):
    seen: list[str] = []
    told: list[tuple[str, int]] = []

    def stop(name: str, _: Any) -> None:
        seen.append(name)
        if len(seen) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(small_data, tmp_path / "run", on_step=stop, on_epoch=lambda name, now: told.append((name, now.epoch)))
    for name in ("ae", "vae"):
        saved = load_checkpoint(RunFolder(tmp_path / "run").model(name).checkpoint, torch.device("cpu"))["progress"]
        assert saved["total_steps"] > 0
        assert [epoch for one, epoch in told if one == name] == list(range(1, saved["epoch"] + 1))
    unalter.train(out=tmp_path / "run", resume=True)
    assert weights(RunFolder(tmp_path / "run")) == weights(train(small_data, tmp_path / "whole"))


def test_what_ends_one_ends_all_and_nothing_goes_on_behind(small_data: Path, tmp_path: Path, monkeypatch, two_threads):
    step, before = Trainer._train_step, threading.active_count()

    def failing(self: Trainer, batch: Any) -> None:
        if self.folder.name == "vae" and self.state.total_steps == 1:
            raise OSError(28, "No space left on device")
        step(self, batch)

    monkeypatch.setattr(Trainer, "_train_step", failing)
    with pytest.raises(OSError, match="No space left"):
        train(small_data, tmp_path / "run", epochs=50)
    assert torch.get_num_threads() == 2
    assert threading.active_count() == before
    assert not RunFolder(tmp_path / "run").model("ae").metrics.exists()  # nor did another one go on to its end


@pytest.mark.parametrize(
    ("threads", "changes", "device", "shares"),
    [
        (1, {}, "cpu", (1, 1)), (2, {}, "cpu", (2, 1)), (16, {}, "cpu", (3, 5)), (16, {}, "meta", (1, 16)),
        (16, {"models": ("vae",)}, "cpu", (1, 16)), (16, {"max_minutes": 2.0}, "cpu", (1, 16)),
    ],
)  # fmt: skip
def test_threads_are_shared_out(threads, changes, device, shares, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert model_shares(TrainOptions.from_values(changes), torch.device(device)) == shares
