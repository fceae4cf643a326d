"""Does the label say what a CVAE draws, and the code how? Measured on pictures that training never saw.

    python benchmarks/label.py runs/benchmark/quality-15min-seed0

- Relabelled: encode a picture with its own label, decode its code with each of the nine others; the share that a judge
  (a classifier trained on MNIST's 60,000 training digits) takes for the label told, and for the old one.
- z ~ N(0, I): codes from the standard normal, no prior that was fitted, no selection; the share judged as the label
  told.
- Linear probe: the accuracy of a logistic regression that reads the class off the codes (the means), 5-fold.
- Style kept: correlation, over pictures, of slant and of stroke width between a picture and what its code gives with
  each of the ten labels; the mean over the labels. Within a class: the same once every class has lost its own mean.
- Generation, and a classifier that learns from 60,000 generated digits only: see benchmarks/generation.py.
- SSIM of the held-out files with the right label.

The first four once for the 2,000 held-out altered files, with the true digits as the pictures whose style should be
kept, and once for 2,000 clean digits of MNIST's test set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from _judge import CLASSES, LEAST_ACCURACY, classes, generated, judge, student, tested, variance
from _real import WORK, held_out, mnist
from torch import nn

import unalter
from unalter.data.dataset import read_dataset
from unalter.evaluation.conditioning import conditioning
from unalter.evaluation.truth import read_truth
from unalter.images.metrics import ssim
from unalter.images.sheet import contact_sheet, write_picture
from unalter.models.model import Model

_PICTURES = 2_000
_ROWS = 20
"""Of the picture of relabelled digits."""


def report(what: str, model: Model, expert: nn.Module, x_alt: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Print the figures of pictures uint8 [N, H, W] whose clean ones are `x`."""
    found = conditioning(
        model, lambda images: classes(expert, images[:, 0]), x_alt[:, None], x[:, None], y, labels=np.arange(CLASSES)
    )
    print(f"{what} ({len(x):,})")
    told = ", ".join(f"{k}: {share:.2f}" for k, share in enumerate(found.told))
    print(f"  another label: judged as that label {found.told.mean():.3f}, as the old one {found.stayed:.3f}")
    print(f"    by label told: {told}")
    print(f"  the right label: judged as it {found.right:.3f}")
    print(f"  z ~ N(0, I): judged as the label told {found.drawn:.3f}")
    print(f"  linear probe of the class from codes: {found.probe:.3f}")
    for name, (plain, within) in (("slant", found.slant), ("stroke width", found.stroke_width)):
        print(f"  style kept, {name}: {plain:.3f}, within a class {within:.3f}")
    some = np.concatenate([np.flatnonzero(y == k)[: _ROWS // CLASSES] for k in range(CLASSES)])
    path = WORK / f"relabelled-{what.split()[0]}.png"
    columns = [x_alt[some], x[some], *found.retold[some, :, 0].swapaxes(0, 1)]
    write_picture(path, contact_sheet([column[:, None] for column in np.stack(columns, 1)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="leave out the classifier of generated digits")
    arguments = parser.parse_args()
    expert = judge()
    accuracy = tested(expert)
    good = "good" if accuracy >= LEAST_ACCURACY else "BAD"
    print(f"judge on MNIST's test set: {accuracy:.2%} ({good}: at least {LEAST_ACCURACY:.1%})")
    model = unalter.load(arguments.run, "cvae").by_number
    x_alt, x, y = held_out_files()
    report("held-out altered files", model, expert, x_alt, x, y)
    test, test_labels = mnist("t10k")
    report("test digits of MNIST", model, expert, *2 * (test[:_PICTURES],), test_labels[:_PICTURES])
    images, labels = generated(model, arguments.seed)
    right, ratio = (classes(expert, images) == labels).mean(), variance(images, labels) / variance(test, test_labels)
    learned = "" if arguments.quick else f", a classifier that learned from 60,000 {student(model, arguments.seed):.4f}"
    print(f"generation: right {right:.3f}, variance ratio {ratio:.3f}{learned}")
    x_hat = model.denoise(x_alt / np.float32(255), y)
    similar = ssim(torch.from_numpy(x_hat)[:, None], torch.from_numpy(x / np.float32(255))[:, None])
    print(f"SSIM with the right label, held-out altered files: {similar.mean():.4f}")


def held_out_files() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Altered and clean pictures uint8 [N, 28, 28], and labels [N]."""
    dataset = read_dataset(held_out())
    altered, clean, _ = read_truth(held_out() / "truth.csv", dataset)
    return dataset.altered.images[altered, 0], dataset.clean.images[clean, 0], dataset.altered.labels[altered]


if __name__ == "__main__":
    main()
