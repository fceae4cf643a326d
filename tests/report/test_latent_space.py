"""Generated pictures and walks of a report: of what, and as many as there are classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import unalter
from unalter.report import latent_space
from unalter.training.pair_sampler import ValidationSet

NAMES = ("ae", "vae", "cvae")


@pytest.fixture(scope="module")
def models(small_run: Path) -> list[unalter.Model]:
    return [unalter.load(small_run / name) for name in NAMES]


@pytest.fixture(scope="module")
def validation() -> ValidationSet:
    """Twelve pictures of three classes."""
    images = torch.randint(0, 256, (12, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return ValidationSet(images, images, torch.arange(12) % 3)


@pytest.fixture
def sheets(monkeypatch) -> list[np.ndarray]:
    """The rows of pictures that are put on sheets, in order."""
    seen: list[np.ndarray] = []
    original = latent_space.sheet
    monkeypatch.setattr(latent_space, "sheet", lambda rows: seen.extend(rows) or original(rows))
    return seen


def test_every_class_of_a_cvae_is_generated_and_a_vae_without_classes(models, sheets):
    found = latent_space.of_generation(models, seed=0)
    assert [one["name"] for one in found] == ["vae", "cvae"]
    assert [row.name for row in found[1]["rows"]] == [str(label) for label in range(10)]
    cvae = models[2]
    for label, row in enumerate(sheets[-10:]):
        assert np.array_equal(row[:, 0], cvae.generate(label, len(row), seed=0))


def test_a_walk_begins_and_ends_with_what_was_given(models, validation, sheets):
    latent_space.of_walks(models[:1], validation, seed=0)
    given = {image.numpy().tobytes() for image in validation.x_alt}
    for way in sheets:
        assert way[0].tobytes() in given and way[-1].tobytes() in given
        assert not {step.tobytes() for step in way[1:-1]} & given


def test_a_cvae_walks_within_a_class(models, validation, sheets):
    found = latent_space.of_walks(models[2:], validation, seed=0)
    assert [len(one["rows"]) for one in found] == [3, 10]
    assert "one class" in found[0]["what"]
