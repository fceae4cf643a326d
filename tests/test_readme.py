"""What the README tells a user to type works, on small data and with less training."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from unalter.cli import main
from unalter.console import Console
from unalter.data import read_folders
from unalter.data.digits import load_digits
from unalter.pairing import finding, matcher, search
from unalter.preparation import recipe_for

_README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
_SHORT = "--epochs 1 --batch-size 16 --map-points 20 --latent 8 --precision 32-true --recipe Data/recipe.yaml"


def block(language: str, containing: str) -> str:
    (text,) = (b for b in re.findall(rf"```{language}\n(.*?)```", _README, re.DOTALL) if containing in b)
    return text


@pytest.fixture(autouse=True)
def _beside_data(small_data: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(small_data, tmp_path / "Data")
    monkeypatch.chdir(tmp_path)


def test_the_task_in_five_lines(tmp_path: Path):
    lines = [line.split("#")[0].split() for line in block("sh", "unalter train").splitlines()]
    assert [words[1] for words in lines] == ["train", "train", "evaluate", "denoise", "generate"]
    for number, words in enumerate(lines):
        with pytest.raises(SystemExit) as ended:
            main([*words[1:], *(_SHORT.split() if number == 0 else [])])
        assert ended.value.code == 0, words
    assert (tmp_path / "sevens.png").is_file()
    assert len(list((tmp_path / "denoised").iterdir())) == 60


def test_the_two_lines_on_recipes_and_pairs(tmp_path: Path, monkeypatch):
    fitted = SimpleNamespace(recipe=recipe_for("Data/recipe.yaml", read_folders(Path("Data")), 0, Console(quiet=True)))
    monkeypatch.setattr("unalter.preparation.fit_recipe", lambda *_, **__: fitted)  # it takes a minute
    for module, name, value in ((finding, "_IMITATED", 50), (matcher, "_LEAST_STEPS", 5), (search, "_SHORTLIST", 8)):
        monkeypatch.setattr(module, name, value)
    lines = [line.split("#")[0].split() for line in block("sh", "unalter recipe").splitlines()]
    assert [words[1] for words in lines] == ["recipe", "pair"]
    for words in lines:
        with pytest.raises(SystemExit) as ended:
            main(words[1:])
        assert ended.value.code == 0, words
    assert "rotate" in (tmp_path / "recipe.yaml").read_text()
    assert len((tmp_path / "pairs.csv").read_text().splitlines()) == 61


def test_the_python_block():
    code = block("python", "unalter.train")
    assert "epochs=50" in code
    short = "epochs=1, batch_size=16, latent=64, map_points=20, precision='32-true', recipe='Data/recipe.yaml'"
    code = code.replace("epochs=50", short)
    images, labels = load_digits("test")
    names = {"images": images[:100], "labels": labels[:100]}
    exec(code, names)
    assert names["clean"].shape == (100, 28, 28)
    assert names["codes"].shape == (100, 64)
    assert names["sevens"].shape == (16, 28, 28)
    assert names["points"].shape == (100, 3)
