"""The section on labels: the pictures are those of the codes, and the figures are there or left out for a reason."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import unalter
from unalter.report import labels
from unalter.training.pair_sampler import ValidationSet


@pytest.fixture(scope="module")
def cvae(small_run: Path) -> unalter.Model:
    return unalter.load(small_run / "cvae")


def sampler(classes: int) -> SimpleNamespace:
    """Twelve pictures; a class has bright ones, another dark ones."""
    y = torch.arange(12) % classes
    images = torch.randint(0, 56, (12, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images += (y * 90).to(torch.uint8)[:, None, None, None]
    return SimpleNamespace(validation=ValidationSet(images, images, y), clean_images=(images, y))


def section(models: list[unalter.Model], classes: int) -> list[dict]:
    return labels.of_labels(models, sampler(classes), seed=0)  # pyright: ignore[reportArgumentType]


def test_a_picture_stands_under_every_label(cvae, monkeypatch):
    rows: list[np.ndarray] = []
    original = labels.sheet
    monkeypatch.setattr(labels, "sheet", lambda some: rows.extend(some) or original(some))
    (found,) = section([cvae], 3)
    assert [row.name for row in found["rows"]] == ["0", "1", "2"] and found["told"] == list("0123456789")
    validation = sampler(3).validation
    for label, (altered, clean, *retold) in enumerate(row[:, 0] for row in rows):
        assert np.array_equal(altered, validation.x_alt[label, 0]) and np.array_equal(clean, validation.x[label, 0])
        code = cvae.encode(altered, label)
        assert len(retold) == 10
        for told, picture in enumerate(retold):
            assert np.abs(cvae.decode(code, told)[0] * 255 - picture).max() < 1


def test_figures_where_there_is_something_to_judge(cvae, small_run):
    (found,) = section([cvae], 2)
    assert found["judge"] == "100.0%" and len(found["figures"]) == 7
    (found,) = section([cvae], 1)
    assert found["figures"] == [] and len(found["rows"]) == 1
    assert section([unalter.load(small_run / "vae")], 2) == []
