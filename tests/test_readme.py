"""What the README tells a user to type works, on small data and with less training."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from unalter.cli import main
from unalter.data.digits import load_digits

_README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
_SHORT = "--epochs 1 --batch-size 16 --map-points 20 --latent 8 --precision 32-true"


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


def test_the_python_block():
    code = block("python", "unalter.train")
    assert "epochs=50" in code
    code = code.replace("epochs=50", "epochs=1, batch_size=16, latent=64, map_points=20, precision='32-true'")
    images, labels = load_digits("test")
    names = {"images": images[:100], "labels": labels[:100]}
    exec(code, names)
    assert names["clean"].shape == (100, 28, 28)
    assert names["codes"].shape == (100, 64)
    assert names["sevens"].shape == (16, 28, 28)
    assert names["points"].shape == (100, 3)
