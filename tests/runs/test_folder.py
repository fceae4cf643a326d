import os

import pytest

from unalter.runs.folder import RunFolder, latest_run, new_run
from unalter.support.errors import InputError


@pytest.fixture
def run(tmp_path):
    """A run that has two trained models."""
    folder = RunFolder(tmp_path / "run-001")
    for name in ("cvae", "vae"):
        folder.model(name).path.mkdir(parents=True)
        folder.model(name).weights.touch()
    folder.model("ae").path.mkdir()  # begun, without weights yet
    return folder


def test_the_paths_are_those_that_are_promised(tmp_path):
    run = RunFolder(tmp_path)
    assert [path.name for path in (run.config, run.pairs, run.recipe, run.log)] == [
        "config.yaml", "pairs.csv", "recipe.yaml", "log.txt"
    ]  # fmt: skip
    model = run.model("cvae")
    files = [
        model.weights, model.config, model.checkpoint, model.metrics, model.samples(10),
        model.map_picture(10), model.map_picture(10, sampled=True), model.map_points(10),
    ]  # fmt: skip
    assert [str(path.relative_to(tmp_path)) for path in files] == [
        "cvae/model.safetensors", "cvae/config.json", "cvae/checkpoint.pt", "cvae/metrics.csv",
        "cvae/samples/epoch_010.png", "cvae/maps/CVAE_epoch_10.png", "cvae/maps/CVAE_sampled_epoch_10.png",
        "cvae/maps/epoch_010.npz",
    ]  # fmt: skip


def test_runs_are_numbered_and_a_number_is_never_taken_twice(tmp_path):
    assert new_run(tmp_path / "runs").path == tmp_path / "runs" / "run-001"
    for name in ("run-001", "run-009", "run-mine", "other-050"):
        (tmp_path / name).mkdir()
    assert new_run(tmp_path).path.name == "run-010"
    (tmp_path / "run-1234").mkdir()
    assert new_run(tmp_path).path.name == "run-1235"


def test_the_latest_run_is_the_one_started_last(tmp_path):
    for seconds, name in ((300, "run-001"), (100, "run-002"), (200, "mine")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
        os.utime(tmp_path / name / "config.yaml", (seconds, seconds))
    (tmp_path / "run-003").mkdir()  # never started
    assert latest_run(tmp_path).path.name == "run-001"


def test_no_run_to_resume_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no run to resume"):
        latest_run(tmp_path)


def test_trained_models_are_those_with_weights_in_a_fixed_order(run):
    assert [model.name for model in run.trained()] == ["vae", "cvae"]
