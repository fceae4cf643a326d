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
from _real import WORK, mnist, training_folders
from torch import nn
from torch.nn import functional as F

import unalter
from unalter.data.dataset import read_dataset
from unalter.images.sheet import contact_sheet, write_picture

_COUNT = 100
_STUDENT = 6_000
"""Digits a class that the student learns from: as many as MNIST's training set has."""


def classifier(images: np.ndarray, labels: np.ndarray, epochs: int, seed: int = 0) -> nn.Module:
    """A small convolutional classifier of digits uint8 [N, 28, 28], trained."""
    torch.manual_seed(seed)
    model = _net()
    x, y = torch.from_numpy(images).float()[:, None] / 255, torch.from_numpy(labels)
    steps = epochs * (len(x) // 128)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x))[: len(x) // 128 * 128].split(128):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def judge() -> nn.Module:
    """A classifier with at least 99% on MNIST's test set; kept in WORK once trained."""
    path = WORK / "judge.pt"
    if path.is_file():
        model = _net()
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    model = classifier(*mnist("train"), epochs=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model


def _net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, 10),
    )  # fmt: skip


@torch.inference_mode()
def classes(model: nn.Module, images: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(images).float()[:, None] / 255
    return torch.cat([model(part).argmax(1) for part in x.split(1000)]).numpy()


def variance(images: np.ndarray, labels: np.ndarray) -> float:
    """Pixel variance (0..1 scale) within each class, mean over pixels and classes."""
    scaled = images / 255
    return float(np.mean([scaled[labels == label].var(0).mean() for label in range(10)]))


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
    real, real_labels = mnist("t10k")
    accuracy = (classes(expert, real) == real_labels).mean()
    print(f"judge on MNIST's test set: {accuracy:.2%}")
    if arguments.run is None:
        return
    model = unalter.load(arguments.run, "cvae")
    images = np.concatenate([model.generate(label, _COUNT, arguments.seed) for label in range(10)])
    labels = np.repeat(np.arange(10), _COUNT)
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
    many = np.concatenate([model.generate(label, _STUDENT, arguments.seed + 10) for label in range(10)])
    student = classifier(many, np.repeat(np.arange(10), _STUDENT), epochs=4, seed=arguments.seed)
    accuracy = (classes(student, real) == real_labels).mean()
    print(f"a classifier trained on {len(many):,} generated digits only, on MNIST's test set: {accuracy:.2%}")


if __name__ == "__main__":
    main()
