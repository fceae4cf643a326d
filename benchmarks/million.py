"""A million files: are they read, paired, trained on and denoised, in what time and memory?

    python benchmarks/million.py --folder runs/million --seed 0

Writes half a million digits (the shipped ones, moved and dimmed) to FOLDER, alters each by `unalter alter`, reads
both folders twice, trains an AE on them for a minute and denoises all altered ones. Prints seconds and the memory of
each step; what is in FOLDER already is used again. Needs 5 GB of disk and two million inodes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from unalter.data.digits import load_digits
from unalter.images.sheet import write_picture

_PART = 5_000
_MOST_MOVED = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--count", type=int, default=500_000, help="of clean files; there are as many altered ones")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    digits, data, run, denoised = (folder / name for name in ("digits", "data", "run", "denoised"))
    if not digits.exists():
        digits.mkdir(parents=True)
        with multiprocessing.Pool() as pool:
            starts = range(0, arguments.count, _PART)
            pool.map(partial(_write, digits, arguments.count, arguments.seed), starts)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    for path in (run, denoised, folder / "cache"):
        shutil.rmtree(path, ignore_errors=True)
    program = [sys.executable, "-m", "unalter"]
    if not data.exists():
        _timed("alter", [*program, "alter", digits, data, "--seed", arguments.seed])
    read = [sys.executable, "-c", "import sys; from unalter.data import read_folders; read_folders(sys.argv[1])", data]
    _timed("read: decode and cache", read)
    _timed("read again", read)
    options = ["--models", "ae", "--epochs", 1, "--max-minutes", 1, "--map-points", 2_000, "--seed", arguments.seed]
    _timed("train", [*program, "train", data, "--out", run, *options])
    print((run / "log.txt").read_text())
    _timed("denoise", [*program, "denoise", run, data / "aug", "--out", denoised])


def _write(folder: Path, count: int, seed: int, start: int) -> None:
    draw = np.random.default_rng([seed, start])
    images, labels = load_digits("train")
    for i in range(start, min(start + _PART, count)):
        row = draw.integers(len(images))
        moved = np.roll(images[row], draw.integers(-_MOST_MOVED, _MOST_MOVED + 1, 2), (0, 1))
        write_picture(folder / f"clean_{i}_{labels[row]}.png", (moved * draw.uniform(0.7, 1))[None].astype(np.uint8))


def _timed(what: str, words: list[object]) -> None:
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    print(f"{what}: {time.monotonic() - began:.0f} s, {usage.ru_maxrss / 2**20:.1f} GiB, exit code {code}", flush=True)


if __name__ == "__main__":
    main()
