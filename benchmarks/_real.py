"""The real altered MNIST folders, with the held-out files moved out before anything runs.

Looked for in ../shared/data, beside the checkout; who does not have them cannot run these benchmarks.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from unalter.data.idx import read_idx
from unalter.images.sheet import write_picture

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
WORK = Path("runs/benchmark")
_IN_CLEAN = 7_733
"""clean/ holds the digits with a smaller index than this."""


def training_folders() -> Path:
    """WORK/data: clean/ and aug/ as given, less the 2,400 held-out files."""
    prepare()
    return WORK / "data"


def held_out() -> Path:
    """WORK/held-out: the 2,000 held-out files without partner in clean/, their true digits, and truth.csv.

    The group in truth.csv is the PNG mode: `blend` (L) or `geometric` (RGB); only the evaluation sees it.
    """
    prepare()
    return WORK / "held-out"


def prepare() -> None:
    if not (SHARED / "altered-mnist.tar.gz").is_file():
        print("skipped: the real folders are not here (../shared/data/altered-mnist.tar.gz)")
        sys.exit(0)
    if (WORK / "held-out" / "truth.csv").is_file():
        return
    shutil.rmtree(WORK / "data", ignore_errors=True)
    shutil.rmtree(WORK / "held-out", ignore_errors=True)
    with tarfile.open(SHARED / "altered-mnist.tar.gz") as archive:
        archive.extractall(WORK / "unpacked", filter="data")
    (WORK / "unpacked" / "altered-mnist").rename(WORK / "data")
    names = (SHARED / "altered-mnist-holdout.txt").read_text().split()
    digits = read_idx(SHARED / "mnist" / "train-images-idx3-ubyte.gz")
    rows = []
    (WORK / "held-out" / "aug").mkdir(parents=True)
    for name in names:
        source = WORK / "data" / "aug" / name
        _, index, label = name.removesuffix(".png").split("_")
        if int(index) < _IN_CLEAN:
            source.unlink()
            continue
        with Image.open(source) as picture:
            group = "blend" if picture.mode == "L" else "geometric"
        source.rename(WORK / "held-out" / "aug" / name)
        clean = f"clean_{index}_{label}.png"
        write_picture(WORK / "held-out" / "clean" / clean, digits[int(index)])
        rows.append((name, clean, group))
    with open(WORK / "held-out" / "truth.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("altered", "clean", "group"))
        writer.writerows(rows)


def mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's own images uint8 [N, 28, 28] and labels, `train` or `t10k`; to judge, never to train models on."""
    if not (SHARED / "mnist").is_dir():
        print("skipped: MNIST's IDX files are not here (../shared/data/mnist)")
        sys.exit(0)
    images = read_idx(SHARED / "mnist" / f"{part}-images-idx3-ubyte.gz")
    return images, read_idx(SHARED / "mnist" / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)
