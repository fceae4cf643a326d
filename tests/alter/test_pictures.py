from __future__ import annotations

import numpy as np
import pytest

from unalter.alter import load_recipe, pictures
from unalter.alter.pictures import alter_pictures
from unalter.data.digits import load_digits


@pytest.mark.parametrize("name", ["altered-mnist", "noise"])
def test_batches_and_order_do_not_matter(name, monkeypatch):
    images, index = load_digits("test")[0][:40, None], np.arange(100, 140)
    recipe = load_recipe(name, (1, 28, 28))
    expected, groups = alter_pictures(images, index, recipe, seed=3)
    monkeypatch.setattr(pictures, "_BATCH", 7)
    order = np.random.default_rng(0).permutation(40)
    altered, shuffled = alter_pictures(images[order], index[order], recipe, seed=3)
    np.testing.assert_array_equal(altered, expected[order])
    assert shuffled == [groups[i] for i in order]
