"""Two processes that train as one. A spawn takes seconds, so there are two of them for all that is to be seen."""

from __future__ import annotations

import csv
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import unalter
from unalter.commands import launch
from unalter.runs.folder import RunFolder
from unalter.support.errors import ProcessLost

NOT_COMPARED = ("images_per_second", "seconds")


class Enough(Exception):
    pass


@pytest.fixture(scope="module")
def options(small_data: Path) -> dict[str, Any]:
    """Of a CVAE, which has all there is of a model: three epochs of seven steps.

    Learning rates are those of the first steps of a long training. With full ones at once rounding grows a hundredfold,
    in one process with another number of threads too.
    """
    return {
        "data": small_data, "recipe": str(small_data / "recipe.yaml"), "models": "cvae", "epochs": 3, "batch_size": 8,
        "latent": 8, "map_every": 0, "precision": "32-true", "checkpoint_seconds": 0.0, "muon_lr": 0.002,
        "learning_rate": 0.0004,
    }  # fmt: skip


@pytest.fixture(scope="module")
def alone(options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process."""
    return unalter.train(out=tmp_path_factory.mktemp("alone") / "run", **options).path


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "usable_processors", lambda: 2)


def losses(run: Path) -> list[dict[str, float]]:
    with open(RunFolder(run).model("cvae").metrics, newline="") as file:
        return [{k: float(v) for k, v in row.items() if k not in NOT_COMPARED} for row in csv.DictReader(file)]


def test_two_processes_go_on_with_the_run_of_one_and_come_to_the_same(
    options: dict[str, Any], alone: Path, tmp_path: Path
):
    def stop(model: str, now: Any) -> None:
        raise Enough

    with pytest.raises(Enough):
        unalter.train(out=tmp_path / "run", on_epoch=stop, **options)
    run = unalter.train(out=tmp_path / "run", resume=True, devices=2).path
    for own, other in zip(losses(run), losses(alone), strict=True):
        assert own == pytest.approx(other, rel=1e-4)
    assert "2 processes of" in (run / "log.txt").read_text()
    assert (run / "report.html").exists() and (run / "config.yaml").read_text() == (alone / "config.yaml").read_text()


def test_where_one_is_killed_all_end_and_the_run_goes_on_with_one(
    options: dict[str, Any], alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    children: list[subprocess.Popen[bytes]] = []

    def started(*words: Any, **more: Any) -> subprocess.Popen[bytes]:
        children.append(popen(*words, **more))
        return children[-1]

    def kill_one() -> None:
        while not RunFolder(tmp_path / "run").model("cvae").metrics.exists() and children[0].poll() is None:
            time.sleep(0.02)
        children[1].kill()

    popen = subprocess.Popen
    monkeypatch.setattr(launch.subprocess, "Popen", started)
    killer = threading.Thread(target=lambda: (time.sleep(0.5), kill_one()))
    killer.start()
    with pytest.raises(ProcessLost, match=r"process 1 of 2 .* was killed or has crashed"):
        unalter.train(out=tmp_path / "run", devices=2, **options)
    killer.join()
    assert all(child.poll() is not None for child in children)
    assert not list((tmp_path / "run").rglob(".*.pt"))  # nothing half-written
    run = unalter.train(out=tmp_path / "run", resume=True).path
    for own, other in zip(losses(run), losses(alone), strict=True):
        assert own == pytest.approx(other, rel=1e-4)
    assert os.environ.get("RANK") is None
