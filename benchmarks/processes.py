"""Several processes against one: training, and the search for pairs.

    python benchmarks/processes.py --processes 2 --altered 500

On shipped digits altered by a preset. Training: images per second of a VAE in its last epoch, so many processes of one
thread against one process of so many threads. Pairs: seconds of the search for all altered pictures, recipe known and
names of no use, so many processes of one thread against one; each starts with an empty cache. Both ways take turns.
Needs as many processors as processes, and nothing else at work on them.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from unalter.commands.alter import alter
from unalter.data.digits import write_digit_folder
from unalter.runs.folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--altered", type=int, default=500, help="altered pictures")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    count = arguments.processes
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        digits = write_digit_folder(work / "digits", "train", arguments.altered)
        alter(digits, work / "data", "altered-mnist", count=arguments.altered)
        for number, path in enumerate(sorted((work / "data" / "aug").iterdir())):  # indices that pair nothing
            label = path.stem.rpartition("_")[2]
            path.rename(path.with_name(f"aug_{number + 10**6}_{label}.png"))
        print(f"{'training, images/s':>34}{'pairs, seconds':>34}")
        print(f"{'one':>12}{count:>12}{'ratio':>10}{'one':>12}{count:>12}{'ratio':>10}")
        for turn in range(arguments.rounds):
            threaded = trained(work, f"one-{turn}", 1, count, arguments.epochs)
            together = trained(work, f"several-{turn}", count, 1, arguments.epochs)
            alone, shared = searched(work, 1), searched(work, count)
            print(
                f"{threaded:12,.0f}{together:12,.0f}{together / threaded:10.2f}"
                f"{alone:12.1f}{shared:12.1f}{alone / shared:10.2f}",
                flush=True,
            )


def trained(work: Path, name: str, processes: int, threads: int, epochs: int) -> float:
    """Images per second in the last epoch."""
    out = work / name
    command = ["train", work / "data", "--recipe", "altered-mnist", "--pairing", "trust", "--models", "vae"]
    run([*command, "--epochs", epochs, "--map-every", 0, "--devices", processes, "--out", out], work / "cache", threads)
    with open(RunFolder(out).model("vae").metrics, newline="") as file:
        return float(list(csv.DictReader(file))[-1]["images_per_second"])


def searched(work: Path, processes: int) -> float:
    """Seconds that `unalter pair` takes, all in all."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as cache:
        command = ["pair", work / "data", "--recipe", "altered-mnist", "--devices", processes, "--out", work / "p.csv"]
        run(command, Path(cache), 1)
    return time.perf_counter() - start


def run(words: list[object], cache: Path, threads: int) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "XDG_CACHE_HOME": str(cache)}
    subprocess.run(
        [sys.executable, "-m", "unalter", *map(str, words)], env=environment, check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main()
