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
from unalter.evaluation.truth import read_truth
from unalter.images.metrics import ssim
from unalter.images.sheet import contact_sheet, write_picture
from unalter.models.model import Model

_PICTURES = 2_000
_ROWS = 20
"""Of the picture of relabelled digits."""
_FINER = 4
"""Pixels are divided by so many each way before a stroke's width is taken."""


def slant(images: np.ndarray) -> np.ndarray:
    """The shear of digits uint8 [N, H, W] by their second moments, across for each down: [N]."""
    weight = images / np.maximum(images.sum((1, 2), keepdims=True, dtype=np.float64), 1)
    down, across = np.mgrid[: images.shape[1], : images.shape[2]]
    v = down - (weight * down).sum((1, 2))[:, None, None]
    u = across - (weight * across).sum((1, 2))[:, None, None]
    return -(weight * u * v).sum((1, 2)) / np.maximum((weight * v * v).sum((1, 2)), 1e-6)


def stroke_width(images: np.ndarray) -> np.ndarray:
    """Of digits uint8 [N, H, W]: twice the mean distance from skeleton to edge (Castro et al. 2019), in pixels."""
    from scipy.ndimage import distance_transform_edt, zoom
    from skimage.morphology import skeletonize

    widths = []
    for image in images:
        ink = zoom(image.astype(np.float32), _FINER, order=1) >= 0.5 * max(1, image.max())
        inside = distance_transform_edt(ink)[skeletonize(ink)]
        widths.append(2 * inside.mean() / _FINER if len(inside) else 0.0)
    return np.array(widths)


def relabelled(model: Model, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What the codes of pictures uint8 [N, H, W] give with each label: uint8 [N, labels, H, W]."""
    codes = model.encode(images, labels)
    each = [np.rint(model.decode(codes, k) * 255).astype(np.uint8) for k in range(CLASSES)]
    return np.stack(each, 1)


def kept(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Correlation of a measure of pictures [N] and of relabelled ones [N, labels]; and within the classes `labels`."""
    own = np.stack([before[labels == k].mean() for k in range(CLASSES)])[labels]
    averages = np.stack([after[labels == k].mean(0) for k in range(CLASSES)])[labels]
    plain = [np.corrcoef(before, after[:, k])[0, 1] for k in range(CLASSES)]
    within = [np.corrcoef(before - own, (after - averages)[:, k])[0, 1] for k in range(CLASSES)]
    return float(np.mean(plain)), float(np.mean(within))


def probe(codes: np.ndarray, labels: np.ndarray) -> float:
    """How often a linear classifier reads the class off codes that it did not learn from."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    return float(cross_val_score(reader, codes, labels, cv=5).mean())


def report(what: str, model: Model, expert: nn.Module, x_alt: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Print the figures of pictures uint8 [N, H, W] whose clean ones are `x`."""
    tables = relabelled(model, x_alt, y)
    found = classes(expert, tables.reshape(-1, *x.shape[1:])).reshape(-1, CLASSES)
    other = np.arange(CLASSES)[None] != y[:, None]
    told, stayed = found == np.arange(CLASSES), found == y[:, None]
    print(f"{what} ({len(x):,})")
    print(f"  another label: judged as that label {told[other].mean():.3f}, as the old one {stayed[other].mean():.3f}")
    print("    by label told: " + ", ".join(f"{k}: {told[:, k][y != k].mean():.2f}" for k in range(CLASSES)))
    print(f"  the right label: judged as it {told[~other].mean():.3f}")
    print(f"  linear probe of the class from codes: {probe(model.encode(x_alt, y), y):.3f}")
    flat = tables.reshape(-1, *x.shape[1:])
    for name, measure in (("slant", slant), ("stroke width", stroke_width)):
        plain, within = kept(measure(x), measure(flat).reshape(-1, CLASSES), y)
        print(f"  style kept, {name}: {plain:.3f}, within a class {within:.3f}")
    some = np.concatenate([np.flatnonzero(y == k)[: _ROWS // CLASSES] for k in range(CLASSES)])
    path = WORK / f"relabelled-{what.split()[0]}.png"
    columns = [x_alt[some], x[some], *tables[some].swapaxes(0, 1)]
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
    model = unalter.load(arguments.run, "cvae")
    x_alt, x, y = held_out_files()
    report("held-out altered files", model, expert, x_alt, x, y)
    test, test_labels = mnist("t10k")
    report("test digits of MNIST", model, expert, *2 * (test[:_PICTURES],), test_labels[:_PICTURES])
    generator = torch.Generator().manual_seed(arguments.seed)
    asked = np.arange(_PICTURES) % CLASSES
    codes = torch.randn(_PICTURES, model.network.config.latent, generator=generator).numpy()
    drawn = np.rint(model.decode(codes, asked) * 255).astype(np.uint8)
    print(f"z ~ N(0, I): right {(classes(expert, drawn) == asked).mean():.3f}")
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
