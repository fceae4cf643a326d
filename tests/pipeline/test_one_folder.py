"""Clean pictures alone: regular autoencoders, or ones whose altered pictures a recipe makes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import unalter
from unalter.commands.alter import alter
from unalter.data.dataset import read_dataset
from unalter.data.options import DataOptions
from unalter.maps.store import load_maps
from unalter.pipeline.experiment import Experiment
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.runs.folder import RunFolder
from unalter.support.console import Console

SHORT = {"models": ("vae",), "epochs": 1, "map_every": 1, "batch_size": 16, "latent": 8, "precision": "32-true"}


@pytest.fixture(scope="module")
def digits(small_data: Path) -> Path:
    return small_data / "clean"


@pytest.fixture(scope="module")
def regular(digits: Path, tmp_path_factory) -> RunFolder:
    out = tmp_path_factory.mktemp("regular") / "run"
    return RunFolder(unalter.train(clean=str(digits), out=out, recipe="none", **SHORT).path)


@pytest.fixture(scope="module")
def made(digits: Path, tmp_path_factory) -> RunFolder:
    out = tmp_path_factory.mktemp("made") / "run"
    return RunFolder(unalter.train(clean=str(digits), out=out, recipe="altered-mnist", seed=4, **SHORT).path)


def experiment(run: RunFolder) -> Experiment:
    return saved_experiment(run, *saved_settings(run, None, {}), Console(quiet=True))


def column(run: RunFolder, name: str) -> set[str]:
    with open(run.pairs, newline="") as file:
        return {row[name] for row in csv.DictReader(file)}


def test_without_a_recipe_every_picture_is_its_own_target(regular):
    sampler = experiment(regular).sampler(torch.device("cpu"))
    plan = sampler.plan(0, 16)
    seen = []
    for step, part in enumerate(plan):
        batch = sampler.batch(part, 0, step)
        assert torch.equal(batch.x_alt, batch.x)
        seen += part[0].tolist()
    assert len(seen) == 80 and len(set(seen)) == 80 - len(sampler.validation)
    assert torch.equal(sampler.validation.x_alt, sampler.validation.x)
    assert column(regular, "method") == {"itself"}


def test_with_a_recipe_all_that_trains_is_made_anew(made):
    of = experiment(made)
    sampler = of.sampler(torch.device("cpu"))
    true, clean = sampler.plan(0, 16)[0]
    assert len(true) == 0
    first, second = (sampler.batch((true, clean), epoch, 0) for epoch in (0, 1))
    assert torch.equal(first.x, second.x) and not torch.equal(first.x_alt, second.x_alt)
    assert "true pair" not in sampler.validation_groups()
    assert column(made, "method") == {"made"}


def test_maps_and_report_show_the_pictures_that_alter_would_write(made, digits, tmp_path):
    alter(digits, tmp_path / "out", made.recipe, seed=4)
    written, shown = read_dataset(tmp_path / "out").altered, experiment(made).dataset.altered
    assert np.array_equal(written.index, shown.index)
    assert np.array_equal(written.images, shown.images)
    assert len(load_maps(made.model("vae").map_points(1)).rows) == 80


@pytest.mark.parametrize("name", ["regular", "made"])
def test_resumed_it_is_the_same(name, request, tmp_path):
    """A model that is not there yet is trained as if the run had not been interrupted."""
    run = request.getfixturevalue(name)
    again = RunFolder(shutil.copytree(run.path, tmp_path / "run"))
    shutil.rmtree(again.model("vae").path)
    unalter.train(out=again.path, resume=True)
    one, other = run.model("vae"), again.model("vae")
    assert one.weights.read_bytes() == other.weights.read_bytes()
    points = (load_maps(folder.map_points(1)).maps["means"].points for folder in (one, other))
    assert np.array_equal(*points)


def test_scores_are_against_the_picture_itself(regular, made, digits, tmp_path):
    """What a regular model is given is what it should give back, so there is nothing to compare it with."""
    own = unalter.evaluate(regular.path, clean=str(digits), out=tmp_path / "regular")
    assert [one.method for one in own.scores] == ["vae"]
    images = read_dataset(None, DataOptions(clean=str(digits)), clean_will_do=True).clean.images
    error = (unalter.load(regular.path / "vae").denoise(images / np.float32(255)) - images / np.float32(255)) ** 2
    np.testing.assert_allclose(own.scores[0].psnr, -10 * np.log10(error.mean((1, 2, 3))), atol=1e-3)
    altered = unalter.evaluate(made.path / "vae", clean=str(digits), out=tmp_path / "made", filters=False)
    assert [one.method for one in altered.scores] == ["vae", "input"]
    assert len(set(altered.groups)) == 2
    assert altered.scores[1].ssim.mean() < 0.5
    for run in (regular, made):
        text = run.report.read_text()
        assert ("altered pictures themselves" in text) == (run is made)


def test_labels_are_found_as_ever(digits, tmp_path):
    """In sub-folders, or in a table in the folder."""
    names = sorted(path.name for path in digits.iterdir())[:12]
    for i, name in enumerate(names):
        for target in (tmp_path / "classes" / f"kind-{i % 3}" / f"{i}.png", tmp_path / "table" / f"{i}.png"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(digits / name, target)
    lines = [f"{i}.png,kind-{i % 3}" for i in range(12)]
    (tmp_path / "table" / "labels.csv").write_text("\n".join(["file,label", *lines]))
    for folder in ("classes", "table"):
        dataset = read_dataset(None, DataOptions(clean=str(tmp_path / folder)), clean_will_do=True)
        assert dataset.label_names == ("kind-0", "kind-1", "kind-2")
        assert dataset.regular and np.bincount(dataset.clean.labels).tolist() == [4, 4, 4]
