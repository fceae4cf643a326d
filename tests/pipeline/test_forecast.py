from dataclasses import replace
from pathlib import Path

import pytest

import unalter
from unalter.pipeline.forecast import Costs, _map_count, in_words
from unalter.training.options import TrainOptions

OPTIONS = TrainOptions()
COSTS = Costs(epochs=(4.0, 5.0, 9.0), at_once=2, map=2.0, maps=25, points=1_500)


@pytest.mark.parametrize(
    ("costs", "options", "said"),
    [
        (COSTS, OPTIONS, "about 8.3 min here, by trial: 3 models for 50 epochs 7.5 min, 25 maps 50 s"),
        (COSTS, replace(OPTIONS, max_minutes=1.0), "about 2.3 min here, by trial: 3 models for 50 epochs 1.5 min"),
        (replace(COSTS, epochs=(4.0,), at_once=1, maps=0), OPTIONS, "1 model for 50 epochs 3.3 min"),
        (replace(COSTS, points=500_000), OPTIONS, "a map of 500,000 points takes minutes: --map-points 20000"),
    ],
)
def test_what_a_training_will_take_is_said(costs, options, said):
    assert said in in_words(costs, options)
    assert ("takes minutes" in said) == ("takes minutes" in in_words(costs, options))


def test_maps_of_means_and_of_samples_are_counted():
    assert _map_count(OPTIONS) == 25
    assert _map_count(replace(OPTIONS, epochs=21, models=("ae",))) == 3
    assert _map_count(replace(OPTIONS, map_every=0)) == 0


def test_whole_steps_are_tried_and_nothing_of_them_is_kept(
    small_run: Path, small_data: Path, tmp_path: Path, monkeypatch
):
    """The run is that without a trial."""
    from unalter.pipeline import forecast

    monkeypatch.setattr(forecast, "_FEW_STEPS", 1)
    monkeypatch.setattr(forecast, "_SECONDS", 0)
    out = tmp_path / "run"
    unalter.train(
        small_data, out=out, recipe=str(small_data / "recipe.yaml"), epochs=2, batch_size=16, latent=8, map_every=2,
        precision="32-true", models=("ae",),
    )  # fmt: skip
    assert "1 model for 2 epochs" in (out / "log.txt").read_text("utf-8")
    name = "ae/model.safetensors"
    assert (out / name).read_bytes() == (small_run / name).read_bytes()
