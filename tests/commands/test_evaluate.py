from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import unalter
from unalter import InputError


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def scored(small_run: Path, small_data: Path, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    return unalter.evaluate(small_run, small_data, small_data / "truth.csv", out=out), out


def test_scores_are_those_of_scikit_image(scored, small_data: Path, small_run: Path):
    _, out = scored
    with open(out / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60 * 6  # three models, the input, two filters
    model = unalter.load(small_run, "ae")
    for row in rows[:3]:
        clean = read(small_data / "clean" / row["altered"].replace("aug", "clean"))
        output = model.denoise(read(small_data / "aug" / row["altered"]) / 255.0)
        assert float(row["ssim"]) == pytest.approx(structural_similarity(output, clean / 255, data_range=1), abs=2e-4)
        assert float(row["psnr"]) == pytest.approx(peak_signal_noise_ratio(clean / 255, output), abs=2e-3)


def test_the_table_has_every_method_group_and_label(scored):
    evaluation, out = scored
    table = evaluation.table()
    for word in (
        "ae",
        "vae",
        "cvae",
        "input",
        "median",
        "nl-means",
        "blend",
        "label 0",
        "label 9",
        "PSNR",
    ):
        assert word in table
    assert (out / "summary.txt").read_text() == table
    for name in ("ae", "vae", "cvae"):
        assert Image.open(out / f"{name}.png").size[0] > 500


def test_the_cleaner_the_input_the_better_its_score(small_run: Path, small_data: Path, tmp_path: Path):
    """The same digits with no, little and much noise: nearer to the clean ones, a higher score."""
    clean = sorted((small_data / "clean").iterdir())[:12]
    noise = np.random.default_rng(0).normal(size=(12, 28, 28))
    similar, nearness = [], []
    for strength in (0, 20, 120):
        folder = tmp_path / str(strength)
        (folder / "clean").mkdir(parents=True)
        (folder / "aug").mkdir()
        for path, grain in zip(clean, noise, strict=True):
            (folder / "clean" / path.name).write_bytes(path.read_bytes())
            noisy = np.clip(read(path) + strength * grain, 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / "aug" / path.name.replace("clean", "aug"))
        evaluation = unalter.evaluate(small_run / "ae", folder, out=folder / "out")
        by_name = {one.method: one for one in evaluation.scores}
        assert list(by_name) == ["ae", "input", "median", "nl-means"]
        similar.append(by_name["input"].ssim)
        nearness.append(by_name["input"].psnr)
    assert similar[0] == pytest.approx(1) and nearness[0] == pytest.approx(100)
    for values in (similar, nearness):
        assert (values[0] > values[1]).all() and (values[1] > values[2]).all()


def test_a_truth_that_names_other_files_is_an_error(small_run: Path, small_data: Path, tmp_path: Path):
    truth = tmp_path / "truth.csv"
    truth.write_text("altered,clean\naug_0_0.png,nothing.png\n")
    with pytest.raises(InputError, match=r"line 2: .* is not in"):
        unalter.evaluate(small_run, small_data, truth)
    truth.write_text("a,b\n")
    with pytest.raises(InputError, match="needs the columns"):
        unalter.evaluate(small_run, small_data, truth)


def test_no_pair_is_an_error(small_run: Path, small_data: Path, tmp_path: Path):
    for name, source in (("clean", "clean"), ("aug", "aug")):
        (tmp_path / name).mkdir()
        for path in sorted((small_data / source).iterdir())[:3]:
            index = 500 if name == "aug" else 900
            target = tmp_path / name / f"x_{index + int(path.name.split('_')[1])}_{path.name.split('_')[2]}"
            target.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="--truth"):
        unalter.evaluate(small_run, tmp_path)
