"""Every command from Python: pictures in memory, objects that come back, and nothing printed."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import unalter
from unalter import InputError
from unalter.data.dataset import Dataset, read_dataset

SMALL = {"epochs": 1, "batch_size": 16, "latent": 4, "map_every": 0, "precision": "32-true"}


@pytest.fixture(scope="module")
def digits(small_data: Path) -> Dataset:
    return read_dataset(small_data)


@pytest.fixture(scope="module")
def given(digits: Dataset) -> dict:
    """The first altered digits with their clean ones, row by row."""
    of = {index: row for row, index in enumerate(digits.clean.index.tolist())}
    rows = [of[index] for index in digits.altered.index.tolist()]
    return {"clean": digits.clean.images[rows][:, 0], "altered": digits.altered.images, "labels": digits.altered.labels}


@pytest.fixture(scope="module")
def trained(given, tmp_path_factory) -> unalter.Run:
    """On arrays, small and for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unalter.commands.train.write_report", lambda experiment, _: None)
        patch.setattr("unalter.pipeline.experiment.widths_for", lambda height, width: (8, 16))
        out = tmp_path_factory.mktemp("arrays") / "run"
        return unalter.train(
            **given, out=out, recipe=unalter.load_recipe("noise"), models=("ae", "cvae"), pairing="trust",
            device=torch.device("cpu"), seed=np.int64(1), **SMALL,
        )  # fmt: skip


def test_a_training_on_arrays_is_a_run_like_any_other(trained, given, capsys, monkeypatch):
    monkeypatch.setattr("unalter.pipeline.experiment.widths_for", lambda height, width: (8, 16))
    assert trained.models == ("ae", "cvae")
    assert repr(trained) == f"Run({str(trained.path)!r}: ae, cvae)"
    assert "two of one row are taken for a pair" in (trained.path / "log.txt").read_text()
    with open(trained.path / "pairs.csv", newline="") as file:
        assert [row["clean"] for row in csv.DictReader(file)] == list(map(str, range(60)))
    assert "data:" not in (trained.path / "config.yaml").read_text()
    with pytest.raises(InputError, match="pictures in memory does not keep them"):
        unalter.train(out=trained, resume=True)
    again = unalter.train(**given, out=trained, resume=True, recipe=unalter.load_recipe("noise"))
    assert again == trained
    with pytest.raises(InputError, match="trained on other data"):
        unalter.train(clean=given["clean"][::-1].copy(), altered=given["altered"], out=trained, resume=True)
    assert capsys.readouterr().out == ""


def test_a_run_stands_for_its_folder(trained, given):
    assert unalter.load(trained).name == trained.load().name
    scores = unalter.evaluate(trained, **given, filters=False)
    same = unalter.evaluate(trained.load("ae"), **given, filters=False)
    assert np.array_equal(scores.scores[0].ssim, same.scores[0].ssim)
    assert (trained.path / "evaluation" / "scores.csv").is_file()


def test_scores_are_a_frame(trained, given, tmp_path):
    pandas = pytest.importorskip("pandas")
    scores = unalter.evaluate(trained, **given, filters=False, model="cvae", out=tmp_path)
    frame = scores.to_frame()
    written = pandas.read_csv(tmp_path / "scores.csv")
    assert list(frame.columns) == list(written.columns) and len(frame) == len(written) == 120
    assert np.allclose(frame.ssim, written.ssim, atol=1e-4)
    assert "cvae SSIM" in repr(scores)


def test_pairs_are_a_frame_of_what_is_written(given, tmp_path, capsys):
    pandas = pytest.importorskip("pandas")
    pairs = unalter.pair(**given, recipe="noise", names_only=True, out=tmp_path / "pairs.csv")
    frame, written = pairs.to_frame(), pandas.read_csv(tmp_path / "pairs.csv", dtype={"clean": str})
    assert len(pairs) == len(frame) == 60 and "60 altered" in repr(pairs)
    assert list(frame.columns) == list(written.columns)
    assert frame.clean.fillna("none").tolist() == written.clean.fillna("none").tolist()
    assert [int(name) if isinstance(name, str) else -1 for name in frame.clean] == pairs.clean.tolist()
    assert capsys.readouterr().out == ""


def test_a_recipe_is_called_on_pictures_as_alter_does(given, tmp_path):
    images = given["clean"]
    recipe = unalter.load_recipe("noise")
    made = recipe(images, seed=3)
    altered = unalter.alter(images, recipe=recipe, labels=given["labels"], seed=np.int64(3), out=tmp_path / "out")
    assert made.dtype == np.uint8 and np.array_equal(made, altered.images)
    assert np.array_equal(recipe(torch.from_numpy(images), seed=3).numpy(), made)
    assert np.array_equal(np.stack(recipe(list(images), seed=3)), made)
    written = read_dataset(tmp_path / "out")
    assert np.array_equal(written.altered.images[:, 0], made) and np.array_equal(written.clean.images[:, 0], images)
    assert written.altered.names == altered.names and "60 altered pictures" in repr(altered)
    frame = altered.to_frame() if pytest.importorskip("pandas") else None
    with open(tmp_path / "out" / "truth.csv", newline="") as file:
        assert [tuple(row.values()) for row in csv.DictReader(file)] == list(frame.itertuples(index=False, name=None))
    with pytest.raises(InputError, match="has no backgrounds"):
        unalter.load_recipe("altered-mnist")(images)


def test_a_fitted_recipe_comes_back(given, monkeypatch, capsys, tmp_path):
    asked = {}

    def fit(clean, altered, **options):
        asked.update(options, shapes=(clean.shape, altered.shape))
        return type("Fit", (), {"recipe": unalter.load_recipe("noise")})

    monkeypatch.setattr("unalter.pipeline.prepare.fit_recipe", fit)
    recipe = unalter.recipe(**given, seed=11, out=tmp_path / "mine.yaml")
    assert isinstance(recipe, unalter.Recipe) and asked["shapes"] == ((60, 1, 28, 28),) * 2
    assert unalter.load_recipe(tmp_path / "mine.yaml") == recipe
    assert capsys.readouterr().out == ""


def test_a_map_of_pictures_in_memory(trained, given, tmp_path):
    one = unalter.map(trained, given["altered"], tmp_path / "map.png", labels=given["labels"], model="cvae", points=20)
    assert one.points.shape == (20, 3) and one.codes.shape == (20, 4) and (tmp_path / "map.png").is_file()
    assert "map of 20 pictures" in repr(one)
    if pytest.importorskip("pandas"):
        assert list(one.to_frame().columns) == ["name", "label", "x", "y", "z"]
    with pytest.raises(InputError, match="the CVAE needs labels"):
        unalter.map(trained, given["altered"], model="cvae")
    with pytest.raises(InputError, match=r"20 x 20 pixels, and the ae takes 28 x 28: help by --resize 28"):
        unalter.map(trained, np.zeros((12, 20, 20)), model="ae")


def test_files_are_denoised(trained, small_data, tmp_path, capsys):
    written = unalter.denoise(trained, str(small_data / "aug"), tmp_path / "out", model="ae")
    assert len(written) == 60 and all(path.is_file() for path in written)
    assert unalter.denoise(trained, [small_data / "aug" / written[0].name], tmp_path / "o", label=1) != []
    with pytest.raises(InputError, match=r"unalter\.load\(run\)\.denoise\(pictures\)"):
        unalter.denoise(trained, np.zeros((2, 28, 28)), tmp_path / "none")
    assert capsys.readouterr().out == ""


def test_pictures_are_generated(trained, tmp_path):
    with pytest.warns(UserWarning, match="N\\(0, I\\)"):
        every = unalter.generate(trained, "all", 2, seed=1, out=tmp_path / "all.png")
    assert every.shape == (20, 28, 28) and (tmp_path / "all.png").is_file()
    with pytest.warns(UserWarning, match="N\\(0, I\\)"):
        assert np.array_equal(unalter.generate(trained, [3, 4, 3, 4], seed=1), every[[6, 8, 7, 9]])


WRONG = {
    "run is None": lambda run: unalter.evaluate(None),
    "seed is 'x'": lambda run: unalter.pair("Data", seed="x"),
    "target_precision is 2": lambda run: unalter.pair("Data", target_precision=2),
    "recipe is of type dict": lambda run: unalter.alter(np.zeros((3, 9, 8)), recipe={}),
    "unknown option 'epocks'": lambda run: unalter.train("Data", epocks=3),
    "nowhere: there is no such folder": lambda run: unalter.alter("nowhere"),
    "count is 3; it must be from 1 to 2": lambda run: unalter.alter(np.zeros((2, 9, 8)), recipe="noise", count=3),
    "points is 1.5": lambda run: unalter.map(run, np.zeros((12, 28, 28)), points=1.5),
    "denoise takes files and folders": lambda run: unalter.denoise(run, 5, "out"),
    "device is 'gpu'": lambda run: unalter.generate(run, device="gpu"),
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_arguments_are_input_errors(trained, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        WRONG[words](trained)
    assert words in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_the_package_itself_imports_neither_torch_nor_pandas():
    code = (
        "import sys, unalter; assert not {'torch', 'pandas', 'numpy'} & set(sys.modules); "
        "assert {'alter', 'report', 'pair'} <= set(dir(unalter)); from unalter.alter import load_recipe; "
        "assert callable(unalter.alter) and callable(unalter.report) and unalter.alter.load_recipe is load_recipe; "
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
