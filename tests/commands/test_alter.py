import csv
import os

import numpy as np
import pytest

from unalter.commands import alter as altering
from unalter.commands.alter import alter
from unalter.data.dataset import read_altered, read_dataset
from unalter.data.digits import write_digit_folder
from unalter.support.errors import InputError


@pytest.fixture
def clean(tmp_path):
    return write_digit_folder(tmp_path / "digits", "test", count=30)


def truth(out) -> list[dict[str, str]]:
    with open(out / "truth.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_two_folders_and_the_truth_about_them(clean, tmp_path):
    out = tmp_path / "new" / "out"
    assert len(alter(clean, out, "altered-mnist")) == 30
    assert sorted(os.listdir(out)) == ["aug", "clean", "truth.csv"]
    for file in clean.iterdir():
        assert (out / "clean" / file.name).read_bytes() == file.read_bytes()
    dataset, rows = read_dataset(out), truth(out)
    assert [row["altered"] for row in rows] == dataset.altered.names
    assert [row["clean"] for row in rows] == dataset.clean.names
    np.testing.assert_array_equal(dataset.altered.index, dataset.clean.index)
    np.testing.assert_array_equal(dataset.altered.labels, dataset.clean.labels)
    assert {row["group"] for row in rows} == {"blend", "rotate+flip+perspective+invert+blur"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_the_group_is_what_happened(tmp_path, clean):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("branches: [{share: 0.4, steps: [invert: {probability: 1}]}, {share: 0.6, steps: []}]")
    alter(clean, tmp_path / "out", recipe)
    dataset, rows = read_dataset(tmp_path / "out"), truth(tmp_path / "out")
    for row, x, x_alt in zip(rows, dataset.clean.images, dataset.altered.images, strict=True):
        np.testing.assert_array_equal(x_alt, 255 - x if row["group"] == "invert" else x)
    assert {row["group"] for row in rows} == {"invert", "none"}


def test_a_picture_depends_on_seed_and_index_alone(clean, tmp_path):
    for name, settings in {"all": {}, "some": {"count": 7}, "seed": {"seed": 1}}.items():
        alter(clean, tmp_path / name, "noise", **settings)
    whole, some, seed = (read_dataset(tmp_path / name) for name in ("all", "some", "seed"))
    assert len(some.clean) == 30
    assert len(some.altered) == len(truth(tmp_path / "some")) == 7
    rows = np.searchsorted(whole.altered.index, some.altered.index)
    np.testing.assert_array_equal(some.altered.images, whole.altered.images[rows])
    assert (seed.altered.images != whole.altered.images).any((1, 2, 3)).all()


def test_a_count_is_spread_evenly(clean, tmp_path):
    alter(clean, tmp_path / "out", "noise", count=10)
    np.testing.assert_array_equal(read_altered(tmp_path / "out" / "aug").index, np.arange(0, 30, 3))


def test_what_is_in_the_way_stays_as_it_is(clean, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        alter(clean, out, "noise")
    assert os.listdir(out) == ["mine.txt"]
    with pytest.raises(InputError, match="choose another"):
        alter(clean, out / "mine.txt", "noise")
    assert (out / "mine.txt").read_text() == "precious"


def test_an_empty_folder_may_be_there_already(clean, tmp_path):
    (tmp_path / "out").mkdir()
    assert len(alter(clean, tmp_path / "out", "noise", count=2)) == 2
    assert len(os.listdir(tmp_path / "out" / "aug")) == 2


def test_an_error_leaves_nothing_behind(clean, tmp_path, monkeypatch):
    before = sorted(tmp_path.rglob("*"))

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(altering, "save_picture", full)
    with pytest.raises(OSError, match="no space"):
        alter(clean, tmp_path / "out", "noise")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("recipe", "count", "message"),
    [("no-such", None, "no such recipe"), ("noise", 31, "count is 31; it must be from 1 to 30")],
)
def test_what_cannot_be_used_is_named_and_nothing_written(clean, tmp_path, recipe, count, message):
    with pytest.raises(InputError, match=message):
        alter(clean, tmp_path / "out", recipe, count=count)
    assert os.listdir(tmp_path) == ["digits"]


def test_an_index_that_two_pictures_share_is_an_input_error(clean, tmp_path):
    picture = min(clean.glob("clean_0_*.png"))
    (clean / "other_0_9.png").write_bytes(picture.read_bytes())
    with pytest.raises(InputError, match="same index"):
        alter(clean, tmp_path / "out", "noise")


def test_a_folder_that_is_moved_becomes_the_clean_one(tmp_path):
    digits = write_digit_folder(tmp_path / "digits", "train", 20)
    copied, moved = (tmp_path / name for name in ("copied", "moved"))
    alter(digits, copied, "altered-mnist", count=10)
    alter(digits, moved, "altered-mnist", count=10, move=True)
    assert not digits.exists()
    for one, other in zip(sorted(copied.rglob("*.*")), sorted(moved.rglob("*.*")), strict=True):
        assert one.relative_to(copied) == other.relative_to(moved) and one.read_bytes() == other.read_bytes()
