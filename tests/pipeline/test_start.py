from dataclasses import replace

import pytest

from unalter.pipeline.start import _cost
from unalter.training.options import TrainOptions

OPTIONS = TrainOptions()


@pytest.mark.parametrize(
    ("pictures", "options", "said"),
    [
        (12_800, OPTIONS, "an epoch takes about 5.0 s here by a few trial steps, 3 models 12 min; maps come on top"),
        (12_800, replace(OPTIONS, max_minutes=2.0), "3 models 6 min"),
        (12_800, replace(OPTIONS, models=("ae",), epochs=1), "1 model 5.0 s"),
        (500_000, OPTIONS, "a map of 500,000 points takes minutes: --map-points 20000 is quicker"),
    ],
)
def test_what_a_training_will_take_is_said(pictures, options, said):
    assert said in _cost(0.05, pictures, options)


@pytest.mark.parametrize("options", [replace(OPTIONS, map_points=20_000), replace(OPTIONS, map_every=0)])
def test_maps_that_are_quick_or_not_drawn_are_not_warned_of(options):
    assert "map of" not in _cost(0.05, 500_000, options)
