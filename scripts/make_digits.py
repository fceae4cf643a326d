"""Build src/unalter/data/digits.npz from MNIST's test files. The same input gives the same bytes."""

import argparse
import os
from pathlib import Path

import numpy as np

from unalter.data.digits import first_of_each_class
from unalter.data.idx import read_idx

ROOT = Path(__file__).resolve().parents[1]
TRAIN_PER_CLASS, TEST_PER_CLASS = 500, 100


def choose(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The shipped arrays from images [N,28,28] and labels [N]: of each class the first 500, the next 100."""
    train = first_of_each_class(labels, TRAIN_PER_CLASS)
    test = first_of_each_class(labels, TEST_PER_CLASS, skip=TRAIN_PER_CLASS)
    arrays = {}
    for part, index in ("train", train), ("test", test):
        arrays[f"{part}_images"] = images[index]
        arrays[f"{part}_labels"] = labels[index]
        arrays[f"{part}_index"] = index.astype(np.uint16)  # where in the t10k files; below 10,000
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, default=ROOT.parent / "shared/data/mnist", help="folder of t10k-*.gz")
    parser.add_argument("--out", type=Path, default=ROOT / "src/unalter/data/digits.npz")
    options = parser.parse_args()

    arrays = choose(
        read_idx(options.mnist / "t10k-images-idx3-ubyte.gz"),
        read_idx(options.mnist / "t10k-labels-idx1-ubyte.gz"),
    )
    aside = options.out.with_suffix(".part")
    with aside.open("wb") as file:  # numpy stamps its zip entries 1980-01-01, so the bytes do not depend on today
        np.savez_compressed(file, **arrays)
    os.replace(aside, options.out)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
