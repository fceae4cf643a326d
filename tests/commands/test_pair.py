"""The contact sheet of `unalter pair`, and the options of before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unalter.cli.main import main
from unalter.commands.pair import write_sheet
from unalter.data.dataset import Dataset, ImageSet
from unalter.pairing.names import pair_by_name
from unalter.pairing.pairs import Pairs


def grey(levels: range) -> ImageSet:
    """Plain pictures 4 x 4, each of its own level, which is its index too."""
    images = np.array(levels, np.uint8)[:, None, None, None].repeat(4, 2).repeat(4, 3)
    names = [f"x_{level}_0.png" for level in levels]
    return ImageSet(images, np.array(levels), np.zeros(len(levels), np.int64), names)


def paired() -> tuple[Dataset, Pairs]:
    """Three pictures that have a partner, the first the surest, and one that has none, but a likeliest one."""
    dataset = Dataset(grey(range(100, 104)), grey(range(200, 204)))
    pairs = pair_by_name(dataset)
    pairs.clean[:3], pairs.likeliest[:], pairs.score[:] = [0, 1, 2], [0, 1, 2, 3], [0.9, 0.8, 0.7, 0.2]
    return dataset, pairs


def test_the_sheet_has_altered_pictures_over_their_clean_ones_the_surest_first(tmp_path: Path):
    dataset, pairs = paired()
    assert write_sheet(tmp_path / "sheet.png", dataset, pairs)
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))[::2, ::2]
    cells = pixels[2::6, 2::6]  # the top left pixel of every picture: gaps are two pixels, pictures four
    shown = [row[row != 96].tolist() for row in cells]
    assert shown[:2] == [[200, 201, 202], [100, 101, 102]]
    assert shown[-2:] == [[203], [103]]


def test_without_a_likely_pair_there_is_no_sheet(tmp_path: Path):
    dataset, pairs = paired()
    pairs.clean[:], pairs.likeliest[:] = -1, -1
    assert not write_sheet(tmp_path / "sheet.png", dataset, pairs)
    assert not (tmp_path / "sheet.png").exists()


def test_the_option_of_before_goes_on_working_with_a_notice(small_data: Path, tmp_path: Path, monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr("unalter.commands.pair.pair", lambda *_, **options: asked.update(options))
    for option in ("--precision", "--target-precision"):
        with pytest.raises(SystemExit, match="0"):
            main(["pair", str(small_data), option, "0.9", "--out", str(tmp_path / "pairs.csv")])
        assert asked.pop("target_precision") == 0.9
        said = capsys.readouterr().err
        assert ("is now called --target-precision" in said) == (option == "--precision")
