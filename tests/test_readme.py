"""What the README tells a user to type works, on small data and with less training."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from documents import README, blocks, commands, make_quick, type_in

from unalter.data.digits import load_digits


def block(language: str, containing: str) -> str:
    (text,) = (one.text for one in blocks(README) if one.language == language and containing in one.text)
    return text


@pytest.fixture(autouse=True)
def _beside_data(small_data: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(small_data, tmp_path / "Data")
    monkeypatch.chdir(tmp_path)
    make_quick(monkeypatch, tmp_path / "Data" / "recipe.yaml")


def test_the_task_in_five_lines(tmp_path: Path):
    lines = commands(block("sh", "unalter train"))
    assert [words[1] for words in lines] == ["train", "train", "evaluate", "denoise", "generate"]
    for words in lines:
        type_in(words)
    assert (tmp_path / "sevens.png").is_file()
    assert len(list((tmp_path / "denoised").iterdir())) == 60


def test_the_two_lines_on_recipes_and_pairs(tmp_path: Path):
    lines = commands(block("sh", "unalter recipe"))
    assert [words[1] for words in lines] == ["recipe", "pair"]
    for words in lines:
        type_in(words)
    assert "rotate" in (tmp_path / "recipe.yaml").read_text()
    assert len((tmp_path / "pairs.csv").read_text().splitlines()) == 61


def test_the_python_block():
    code = block("python", "unalter.train")
    assert "epochs=50" in code
    images, labels = load_digits("test")
    names = {"images": images[:100], "labels": labels[:100]}
    exec(code, names)
    assert names["clean"].shape == (100, 28, 28)
    assert names["codes"].shape == (100, 64)
    assert names["sevens"].shape == (16, 28, 28)
    assert names["points"].shape == (100, 3)
