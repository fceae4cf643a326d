from dataclasses import replace

import pytest

from unalter.pipeline.resume import saved_settings
from unalter.pipeline.start import _cost, claimed
from unalter.runs.folder import RunFolder
from unalter.support.errors import InputError
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
    assert said in _cost(0.05, 1, pictures, options)


@pytest.mark.parametrize("options", [replace(OPTIONS, map_points=20_000), replace(OPTIONS, map_every=0)])
def test_maps_that_are_quick_or_not_drawn_are_not_warned_of(options):
    assert "map of" not in _cost(0.05, 1, 500_000, options)


def test_a_start_that_was_killed_is_no_run_and_in_nobodys_way(tmp_path):
    run = RunFolder(tmp_path / "run")

    def killed():
        with claimed(run):
            run.pairs.write_text("of other options")
            run.backgrounds.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    with pytest.raises(InputError, match="no run to resume"):
        saved_settings(run, None, {})
    with claimed(run):
        assert not run.pairs.exists() and not run.backgrounds.exists()


def test_a_run_folder_with_anything_else_in_it_is_left_alone(tmp_path):
    run = RunFolder(tmp_path / "run")
    with claimed(run):
        run.config.write_text("epochs: 2")
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    other.pairs.write_text("of somebody")
    for folder in (run, other):
        with pytest.raises(InputError, match="exists"), claimed(folder):
            pass
    assert run.config.exists() and other.pairs.read_text() == "of somebody"
