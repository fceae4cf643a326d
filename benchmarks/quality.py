"""SSIM and PSNR on the 2,000 held-out files without partner, after so many minutes of training a model.

    python benchmarks/quality.py --minutes 10 --models ae,vae,cvae --seed 0

Trains with the shipped defaults on the real folders (held-out files moved out), maps off, then evaluates.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from _real import WORK, held_out, training_folders

_QUICK_MINUTES = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=_QUICK_MINUTES)
    parser.add_argument("--models", default="ae,vae,cvae")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("more", nargs="*", help="further arguments of unalter train, after --")
    arguments = parser.parse_args()
    out = arguments.out or WORK / f"quality-{arguments.minutes:g}min-seed{arguments.seed}"
    if arguments.out is None and arguments.minutes == _QUICK_MINUTES:  # a longer run is not thrown away
        shutil.rmtree(out, ignore_errors=True)
    train = [
        sys.executable, "-m", "unalter", "train", str(training_folders()), "--out", str(out),
        "--models", arguments.models, "--max-minutes", str(arguments.minutes), "--epochs", "100000",
        "--map-every", "0", "--seed", str(arguments.seed), *arguments.more,
    ]  # fmt: skip
    print("$", *train[1:], flush=True)
    subprocess.run(train, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"peak memory of training (max RSS of one process): {peak:.2f} GiB", flush=True)
    evaluate = ["evaluate", str(out), str(held_out()), "--truth", str(held_out() / "truth.csv")]
    subprocess.run([sys.executable, "-m", "unalter", *evaluate], check=True)


if __name__ == "__main__":
    main()
