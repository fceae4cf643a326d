"""Are generated digits what was asked for, and as varied as real ones?

    python benchmarks/generation.py runs/benchmark/quality-15min-seed0

1,000 digits, 100 a class, as `unalter generate` makes them: no rejection, no selection. The judge is a small
convolutional classifier trained on MNIST's training set, for this purpose only. Then 60,000 digits are generated, a
classifier of the same kind learns from nothing else, and is tested on MNIST's test set. Copies: the share of
generated digits that are nearer to a clean training digit than 1% of MNIST's test digits are. Without a run, only the
judge is trained and tested.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from _judge import classes, generated, judge, student, tested, variance
from _real import WORK, mnist, training_folders

import unalter
from unalter.data.dataset import read_dataset
from unalter.images.sheet import contact_sheet, write_picture


def nearest(images: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """L2 distance (0..1 scale) to the nearest picture of a gallery."""
    known = torch.from_numpy(np.array(gallery.reshape(len(gallery), -1))).float() / 255
    given = torch.from_numpy(images.reshape(len(images), -1)).float() / 255
    return torch.cat([torch.cdist(part, known).amin(1) for part in given.split(500)]).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    expert = judge()
    print(f"judge on MNIST's test set: {tested(expert):.2%}")
    if arguments.run is None:
        return
    model = unalter.load(arguments.run, "cvae")
    real, real_labels = mnist("t10k")
    images, labels = generated(model, arguments.seed)
    write_picture(WORK / "generated.png", contact_sheet([images[labels == k][:24, None] for k in range(10)]))
    write_picture(WORK / "real.png", contact_sheet([real[real_labels == k][:24, None] for k in range(10)]))
    found = classes(expert, images)
    print(f"generated digits called the class asked for: {(found == labels).mean():.1%}")
    print("by class: " + ", ".join(f"{k}: {(found == labels)[labels == k].mean():.0%}" for k in range(10)))
    ratio = variance(images, labels) / variance(real, real_labels)
    print(
        f"within-class pixel variance: generated {variance(images, labels):.4f}, real {variance(real, real_labels):.4f}"
        f" (ratio {ratio:.2f})"
    )
    clean = read_dataset(training_folders()).clean.images
    close = np.quantile(nearest(real[:2_000], clean), 0.01)
    print(f"copies: {(nearest(images, clean) < close).mean():.1%} (1% of MNIST's test digits are as near)")
    print(
        "a classifier trained on 60,000 generated digits only, on MNIST's test set: "
        f"{student(model, arguments.seed):.2%}"
    )


if __name__ == "__main__":
    main()
