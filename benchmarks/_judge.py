"""A judge of digits, and what it says of those that a CVAE generates."""

from __future__ import annotations

import numpy as np
import torch
from _real import WORK, mnist
from torch import nn
from torch.nn import functional as F

from unalter.models.model import Model

CLASSES = 10
LEAST_ACCURACY = 0.993
"""Of the judge, on MNIST's test set."""
_COUNT = 100
_STUDENT = 6_000
"""Digits a class that the student learns from: as many as MNIST's training set has."""


def judge() -> nn.Module:
    """A classifier trained on MNIST's training set, for this purpose only; kept in WORK once trained."""
    path = WORK / "judge.pt"
    model = _net()
    if path.is_file():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    model = classifier(*mnist("train"), epochs=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model


def tested(model: nn.Module) -> float:
    """A classifier's accuracy on MNIST's test set."""
    images, labels = mnist("t10k")
    return float((classes(model, images) == labels).mean())


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


def _net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, CLASSES),
    )  # fmt: skip


@torch.inference_mode()
def classes(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """What a classifier takes digits uint8 [N, 28, 28] for: [N]."""
    x = torch.from_numpy(images).float()[:, None] / 255
    return torch.cat([model(part).argmax(1) for part in x.split(1000)]).numpy()


def generated(model: Model, seed: int, count: int = _COUNT) -> tuple[np.ndarray, np.ndarray]:
    """`count` digits a class as `unalter generate` makes them, no rejection, no selection; and the labels told."""
    images = np.concatenate([model.generate(label, count, seed) for label in range(CLASSES)])
    return images, np.repeat(np.arange(CLASSES), count)


def student(model: Model, seed: int) -> float:
    """The accuracy, on MNIST's test set, of a classifier that learned from 60,000 generated digits only."""
    return tested(classifier(*generated(model, seed + 10, _STUDENT), epochs=4, seed=seed))


def variance(images: np.ndarray, labels: np.ndarray) -> float:
    """Pixel variance (0..1 scale) within each class, mean over pixels and classes."""
    scaled = images / 255
    return float(np.mean([scaled[labels == label].var(0).mean() for label in range(CLASSES)]))
