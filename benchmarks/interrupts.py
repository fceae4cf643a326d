"""Ctrl-C during every command: does it leave a half file?

    python benchmarks/interrupts.py --times 12 --seed 0

Each command works on shipped digits in a process of its own and gets SIGINT after a random while. It must end with
exit code 130 (or be over: 0), and all that it left must be whole: pictures, tables, YAML, JSON, weights and pages are
read to their end, nothing written aside may stay. Prints what it counted; exits with 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

import unalter
from unalter.cli.main import main as command_line
from unalter.commands.alter import alter
from unalter.data.digits import write_digit_folder

_GRACE = 60
"""Seconds that a command may take to stop."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3, help="how often each command is interrupted")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ["XDG_CACHE_HOME"] = str(work / "cache")
        data, run = work / "data", work / "run"
        alter(write_digit_folder(work / "digits", "train", 300), data, "altered-mnist", count=200)
        torch.set_num_threads(1)
        _in_a_process(lambda: unalter.train(data, out=run, recipe="altered-mnist", epochs=2, batch_size=32))
        commands = {
            "pair": ["pair", data, "--recipe", "altered-mnist", "--out", "pairs.csv"],
            "recipe": ["recipe", data, "--out", "recipe.yaml"],
            "alter": ["alter", work / "digits", "altered"],
            "train": ["train", data, "--out", "new", "--recipe", "altered-mnist", "--epochs", 2, "--batch-size", 32],
            "evaluate": ["evaluate", run, data, "--out", "scores"],
            "denoise": ["denoise", run, data / "aug", "--out", "denoised"],
            "generate": ["generate", run, "--label", "all", "--count", 400, "--out", "generated.png"],
            "map": ["map", run, data, "--out", "map.html"],
            "report": ["report", run],
        }  # fmt: skip
        for name, words in commands.items():
            whole = work / name / "whole"
            began = time.monotonic()
            _in_a_process(lambda words=words, whole=whole: _run(words, whole))
            takes = time.monotonic() - began
            stopped = over = 0
            for turn in range(arguments.times):
                place = work / name / str(turn)
                status = _in_a_process(
                    lambda words=words, place=place: _run(words, place), float(rng.uniform(0, takes))
                )
                stopped += status == 130
                over += status == 0
                faults = _faults(place) + _faults(run)
                if status not in (0, 130):
                    faults.append(f"exit code {status}")
                wrong += len(faults)
                for fault in faults:
                    print(f"{name}: {fault}")
            print(f"{name}: takes {takes:.1f} s; interrupted {stopped} times, over before {over} times", flush=True)
    print("nothing half-written" if not wrong else f"{wrong} faults")
    return 1 if wrong else 0


def _run(words: list[object], place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")  # nothing is known from the turn before
    os.chdir(place)
    command_line([str(word) for word in words])


def _in_a_process(task, seconds: float | None = None) -> int:
    """Run a task in a process of its own, with SIGINT after so many seconds; its exit status."""

    def work() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        task()

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(seconds)
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, signal.SIGINT)
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()
    return process.exitcode or 0


def _faults(folder: Path) -> list[str]:
    """Files that are not whole, or should not be there."""
    found = []
    for path in folder.rglob("*"):
        if path.name.startswith(".") and path.name != ".lock":
            found.append(f"{path} was left behind")
        elif path.is_file():
            try:
                _read(path)
            except Exception as error:
                found.append(f"{path} is not whole: {error}")
    return found


def _read(path: Path) -> None:
    if path.suffix == ".png":
        with Image.open(path) as picture:
            picture.load()
    elif path.suffix == ".csv":
        with open(path, newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1
    elif path.suffix == ".yaml":
        assert yaml.safe_load(path.read_text())
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".safetensors":
        load_file(path)
    elif path.suffix == ".pt":
        torch.load(path, weights_only=True)
    elif path.suffix == ".npz":
        with np.load(path) as stored:
            assert all(stored[name] is not None for name in stored.files)
    elif path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>")


if __name__ == "__main__":
    sys.exit(main())
