"""How long a user waits before anything happens: --help, a wrong option, reading the folders.

python benchmarks/startup.py --rounds 7
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _real import training_folders

from unalter.data.dataset import read_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    program = Path(sys.executable).with_name("unalter")
    for arguments in (["--help"], ["train", "--help"], ["train", "--wrong"]):
        seconds = []
        for _ in range(rounds):
            start = time.perf_counter()
            status = subprocess.run([program, *arguments], capture_output=True).returncode
            seconds.append(time.perf_counter() - start)
        print(f"unalter {' '.join(arguments):<14} {statistics.median(seconds):.2f} s (exit {status})")
    data = training_folders()
    with tempfile.TemporaryDirectory() as cache:
        for what in ("decode and cache", "start again"):
            start = time.perf_counter()
            dataset = read_dataset(data, cache=Path(cache))
            spent = time.perf_counter() - start
            print(f"real folders, {what}: {spent:.2f} s ({len(dataset.clean) + len(dataset.altered):,} pictures)")


if __name__ == "__main__":
    main()
