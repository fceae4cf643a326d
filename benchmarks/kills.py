"""Training that is killed again and again, and run out of disk: does it end as if it had been left alone?

    python benchmarks/kills.py --kills 100 --seed 0

A small VAE on shipped digits, saved after every step, so that kills fall into saving too. Each time the
training is killed (SIGKILL) after a random while, or, every fifth time, no file may grow beyond a random size (as on a
full disk), and is resumed. In the end weights, what is saved of the state, and metrics.csv must be the same, bit for
bit, as those of the run that was left alone. Prints what it counted; exits with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import unalter
from unalter.commands.alter import alter
from unalter.data.digits import write_digit_folder
from unalter.runs.folder import ModelFolder
from unalter.training.checkpoint import load_checkpoint

_FULL_EVERY = 5
_LONGEST = 1.5
"""Seconds that a training runs before it is killed, at most; it starts within half a second."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        recipe = work / "recipe.yaml"
        recipe.write_text("branches: [{steps: [rotate: {degrees: [-90, 90]}, flip: {probability: 0.5}]}]")
        alter(write_digit_folder(work / "digits", "train", 300), work / "data", recipe, count=300)
        options = {
            "models": "vae", "batch_size": 30, "latent": 8, "map_every": 0, "recipe": str(recipe),
            "precision": "32-true", "checkpoint_seconds": 0, "epochs": max(3, arguments.kills),
        }  # fmt: skip
        began = time.monotonic()
        _in_a_process(lambda: unalter.train(work / "data", out=work / "whole", **options), None)
        alone = time.monotonic() - began
        killed = full = early = 0
        for turn in range(arguments.kills):
            if (work / "killed" / "config.yaml").is_file():
                task = lambda: unalter.train(out=work / "killed", resume=True)  # noqa: E731
            else:
                shutil.rmtree(work / "killed", ignore_errors=True)  # killed before there was anything to go on with
                task = lambda: unalter.train(work / "data", out=work / "killed", **options)  # noqa: E731
            most = int(rng.integers(1_000, 3_000_000)) if turn % _FULL_EVERY == _FULL_EVERY - 1 else 0
            status = _in_a_process(task, float(rng.uniform(0.1, _LONGEST)), most)
            killed += status == -signal.SIGKILL
            full += status == 1
            early += status == 0
        _in_a_process(lambda: unalter.train(out=work / "killed", resume=True), None)
        same = _same(ModelFolder(work / "whole" / "vae"), ModelFolder(work / "killed" / "vae"))
    print(f"left alone: {alone:.0f} s; killed {killed} times, out of disk {full} times, over before {early} times")
    for what, equal in same.items():
        print(f"{what}: {'the same' if equal else 'DIFFERENT'}")
    return 0 if all(same.values()) else 1


def _in_a_process(task, seconds: float | None, most: int = 0) -> int:
    """Run a task in a process of its own, killed after so many seconds; its exit status."""

    def work() -> None:
        os.setsid()
        torch.set_num_threads(1)
        if most:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        try:
            task()
        except OSError:
            os._exit(1)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode or 0


def _same(one: ModelFolder, other: ModelFolder) -> dict[str, bool]:
    states = [load_checkpoint(folder.checkpoint, torch.device("cpu")) for folder in (one, other)]
    tables = []
    for folder in (one, other):
        with open(folder.metrics, newline="") as file:
            rows = csv.DictReader(file)
            tables.append([{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows])
    return {
        "saved model": one.weights.read_bytes() == other.weights.read_bytes(),
        "weights, average, optimisers": all(
            _equal(states[0][k], states[1][k]) for k in ("model", "average", "optimizers")
        ),
        "metrics.csv": tables[0] == tables[1],
    }


def _equal(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return a == b


if __name__ == "__main__":
    sys.exit(main())
