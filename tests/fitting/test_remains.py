"""A recipe says what it does not explain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import swirl

from unalter.alter import Branch, GaussianNoise, Invert, KeyedDraws, Recipe, Rotate, fold_in
from unalter.data.digits import load_digits
from unalter.fitting import fit as fitting
from unalter.fitting.chain import Chain
from unalter.fitting.fit import fit_recipe
from unalter.fitting.remains import Remains, in_words, remaining
from unalter.fitting.search import ChainSearch, SearchResult
from unalter.images.convert import to_float, to_uint8

DIGITS = load_digits("train")[0][:400, None]
CLEAN, OTHERS = DIGITS[:200], DIGITS[200:]
DOWN, ACROSS = np.mgrid[0:28, 0:28]
UNKNOWN = "an alteration that it does not know may be at work"


def note(monkeypatch, altered: np.ndarray, chain: Chain) -> str:
    """What is said of a fit that found this chain."""

    class Found(ChainSearch):
        def run(self) -> SearchResult:
            metric = self._metric(0.005)
            before, after = self._objectives.check.distances([(), chain], metric) / metric.expected_distance
            return SearchResult([(1.0, chain)], before, after, remaining([(1.0, chain)], self._objectives, metric))

    monkeypatch.setattr(fitting, "ChainSearch", Found)
    return fit_recipe(CLEAN, altered).recipe.note


def vignetted() -> np.ndarray:
    lit = np.clip(OTHERS + 60.0, 0, 255)
    return np.rint(lit * (1 - 0.25 * ((ACROSS - 13.5) ** 2 + (DOWN - 13.5) ** 2) / 13.5**2)).astype(np.uint8)


def swirled() -> np.ndarray:
    strength = np.random.default_rng(0).uniform(2, 5, len(OTHERS))
    made = [swirl(picture[0] / 255, strength=by, radius=25) for picture, by in zip(OTHERS, strength, strict=True)]
    return np.rint(255 * np.stack(made)[:, None]).astype(np.uint8)


def with_moire() -> np.ndarray:
    rng = np.random.default_rng(0)
    waves, angle, phase = (rng.uniform(low, high, (len(OTHERS), 1, 1, 1)) for low, high in ((1.5, 2), (0, 3), (0, 6)))
    stripes = np.sin(waves * (np.cos(angle) * ACROSS + np.sin(angle) * DOWN) + phase)
    return np.rint(OTHERS * (0.75 + 0.25 * stripes)).astype(np.uint8)


@pytest.mark.parametrize("made", [vignetted, swirled, with_moire], ids=lambda made: made.__name__)
def test_an_alteration_that_no_recipe_knows_is_said_to_be_there(monkeypatch, made):
    assert UNKNOWN in note(monkeypatch, made(), ())


@pytest.mark.parametrize("steps", [(), (GaussianNoise(sigma=(0.1, 0.3)),), (Rotate(fill=1), Invert())], ids=len)
def test_nothing_is_said_of_a_recipe_that_explains_the_pictures(monkeypatch, steps):
    random = KeyedDraws(fold_in(7, torch.arange(len(OTHERS))))
    altered = to_uint8(Recipe("made", [Branch(1, steps)])(to_float(OTHERS), random).numpy())
    said = note(monkeypatch, altered, steps)
    assert UNKNOWN not in said
    assert said.startswith("the recipe explains" if steps else "the altered pictures are hardly told from")


def test_the_parts_of_a_folder_are_told_of_together():
    remains = [(0.25, Remains(0.8, "their colours")), (0.75, Remains(0.2, "the rough look"))]
    said = in_words(remains, 11.0, 2.0)
    assert said.startswith("the recipe explains 90% of how altered pictures differ from clean ones; about 35% of the")
    assert "most in their colours" in said
    assert UNKNOWN not in in_words([(0.9, Remains(0.0, "")), (0.1, Remains(0.9, "their colours"))], 11.0, 2.0)
