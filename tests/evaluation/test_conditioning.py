"""The figures of a model that obeys its label wholly, and of one that ignores it."""

from __future__ import annotations

import numpy as np
import pytest

from unalter.evaluation.conditioning import Conditioning, conditioning, slant, stroke_width

CLASSES, SIZE = 3, 24


def drawn(labels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """A line for each: uint8 [N, 1, SIZE, SIZE]; the label says how high it stands, the code how it leans."""
    down, across = np.mgrid[:SIZE, :SIZE]
    images = np.zeros((len(labels), 1, SIZE, SIZE), np.uint8)
    for image, label, (lean, wide) in zip(images, labels, codes[:, :2], strict=True):
        middle = 12 - np.clip(lean, -1, 1) * (down - 12)
        line = (np.abs(across - middle) < 2 + np.clip(wide, -1, 1)) & (down > 1) & (down < 10 + 5 * label)
        image[0][line] = 255
    return images


def judged(images: np.ndarray) -> np.ndarray:
    """By how far down the line reaches."""
    rows = (images[:, 0] > 0).any(2)
    ends = SIZE - np.argmax(rows[:, ::-1], 1)
    return np.clip(np.rint((ends - 10) / 5), 0, CLASSES - 1).astype(int)


class Drawer:
    """Codes are lean and width; an `obedient` one draws the label told, the other has the class in its code."""

    image_shape = (1, SIZE, SIZE)

    def __init__(self, codes: np.ndarray, obedient: bool) -> None:
        self.codes, self.obedient = codes, obedient

    def encode(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self.codes if self.obedient else np.column_stack([self.codes, labels])

    def decode(self, codes: np.ndarray, labels: int | np.ndarray) -> np.ndarray:
        told = np.broadcast_to(labels, len(codes)) if self.obedient else codes[:, -1].clip(0, 2).round().astype(int)
        return drawn(told, codes)[:, 0] / np.float32(255)


def figures(obedient: bool) -> Conditioning:
    rng = np.random.default_rng(0)
    codes, y = rng.uniform(-0.6, 0.6, (60, 2)).astype(np.float32), np.arange(60) % CLASSES
    x = drawn(y, codes)
    drawer = Drawer(codes, obedient)
    return conditioning(drawer, judged, x, x, y, labels=np.arange(CLASSES))  # pyright: ignore[reportArgumentType]


def test_a_model_that_obeys():
    found = figures(obedient=True)
    assert found.told.tolist() == [1, 1, 1] and found.stayed == 0 and found.right == found.drawn == 1
    assert found.probe < 0.6
    assert min(*found.slant, *found.stroke_width) > 0.8
    assert found.retold.shape == (60, CLASSES, 1, SIZE, SIZE)


def test_a_model_that_ignores_its_label():
    found = figures(obedient=False)
    assert found.told.tolist() == [0, 0, 0] and found.stayed == 1 and found.right == 1
    assert found.drawn < 0.6
    assert found.probe > 0.95


def test_slant_and_width_are_those_drawn_whatever_the_ground():
    images = drawn(np.array([2, 2, 2]), np.array([[0, 0], [0.5, 0], [0.5, 1]]))
    assert slant(images)[0] == pytest.approx(0, abs=0.03) and slant(images)[1] == pytest.approx(0.5, abs=0.08)
    widths = stroke_width(images)
    assert widths[0] == pytest.approx(3, abs=0.6) and widths[2] > widths[1] + 0.8
    assert np.allclose(slant(255 - images), slant(images)) and np.allclose(stroke_width(255 - images), widths)


def test_too_little_to_measure_is_said_as_such():
    x = np.zeros((3, 1, SIZE, SIZE), np.uint8)
    drawer = Drawer(np.zeros((3, 2), np.float32), obedient=True)
    found = conditioning(drawer, judged, x, x, np.zeros(3, int), labels=np.array([0]))  # pyright: ignore[reportArgumentType]
    assert np.isnan(found.probe) and np.isnan(found.stayed) and np.isnan(found.slant).all()
