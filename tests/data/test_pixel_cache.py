import os
from pathlib import Path

import numpy as np
import pytest

from unalter.commands.cache import describe_cache
from unalter.data import dataset as dataset
from unalter.data.dataset import read_dataset
from unalter.data.options import DataOptions
from unalter.images.sheet import write_picture
from unalter.support.cache import cache_folder

pytestmark = pytest.mark.usefixtures("empty_cache")

RNG = np.random.default_rng(2)


@pytest.fixture
def data(tmp_path):
    for name in ("clean", "aug"):
        for i in range(3):
            write_picture(tmp_path / "data" / name / f"{name}_{i}_0.png", RNG.integers(0, 256, (5, 4), np.uint8))
    return tmp_path / "data"


@pytest.fixture
def decodes(monkeypatch):
    """How often pictures were decoded: the length of this list."""
    calls, decode = [], dataset.decode
    monkeypatch.setattr(dataset, "decode", lambda *arguments: calls.append(1) or decode(*arguments))
    return calls


def pixels(found) -> np.ndarray:
    return np.concatenate([found.clean.images, found.altered.images])


def cached() -> Path:
    (file,) = (cache_folder() / "pixels").glob("*/*.npy")
    return file


def test_second_time_nothing_is_decoded_and_the_same_comes_out(data, decodes):
    first, second = read_dataset(data), read_dataset(data)
    assert len(decodes) == 1
    np.testing.assert_array_equal(pixels(first), pixels(second))
    assert isinstance(second.altered.images, np.memmap)
    assert not second.altered.images.flags.writeable


def test_the_cache_is_never_in_the_data_folder(data):
    before = sorted(data.rglob("*"))
    read_dataset(data)
    assert sorted(data.rglob("*")) == before
    assert cached().is_relative_to(os.environ["XDG_CACHE_HOME"])


def test_another_cache_folder_can_be_given(data, tmp_path, decodes):
    for _ in range(2):
        read_dataset(data, cache=tmp_path / "elsewhere")
    assert len(decodes) == 1
    assert len(list((tmp_path / "elsewhere").rglob("*.npy"))) == 1
    assert not cache_folder().exists()


def test_a_changed_file_is_decoded_anew(data, decodes):
    read_dataset(data)
    file = data / "aug" / "aug_1_0.png"
    stamp = file.stat().st_mtime_ns + 1_000_000_000  # a second later
    write_picture(file, np.full((5, 4), 77, np.uint8))
    os.utime(file, ns=(stamp, stamp))
    assert (read_dataset(data).altered.images[1] == 77).all()
    assert len(decodes) == 2


def test_pixels_that_changed_while_size_and_time_did_not_are_noticed(data, decodes):
    files = [data / "aug" / f"aug_{i}_0.npy" for i in range(2)]
    for file in files:
        np.save(file, np.full((5, 4), 7, np.uint8))
        os.utime(file, ns=(1, 1))
    read_dataset(data)
    np.save(files[0], np.full((5, 4), 8, np.uint8))
    os.utime(files[0], ns=(1, 1))
    assert (read_dataset(data).altered.images[0] == 8).all()
    files[0].rename(data / "x")  # and two that change places
    files[1].rename(files[0])
    (data / "x").rename(files[1])
    assert [int(picture[0, 0, 0]) for picture in read_dataset(data).altered.images[[0, 2]]] == [7, 8]
    assert len(decodes) == 3


def test_the_cache_is_left_alone_where_that_is_asked_for(data, decodes):
    for _ in range(2):
        read_dataset(data, DataOptions(no_cache=True))
    assert len(decodes) == 2
    assert not list(cache_folder().rglob("*"))


def test_the_cache_is_described_and_cleared_of_entries_only(data):
    read_dataset(data)
    (cache_folder() / "pixels" / "mine.txt").touch()
    assert "1 entries" in describe_cache(empty=False)
    assert "removed" in describe_cache(empty=True)
    assert [path.name for path in cache_folder().glob("*/*")] == ["mine.txt"]


def test_added_renamed_and_removed_files_are_noticed(data, decodes):
    read_dataset(data)
    (data / "aug" / "aug_2_0.png").rename(data / "aug" / "aug_2_1.png")
    assert read_dataset(data).altered.labels.tolist() == [0, 0, 1]
    assert len(decodes) == 2
    write_picture(data / "clean" / "clean_9_0.png", np.zeros((5, 4), np.uint8))
    assert len(read_dataset(data).clean) == 4
    (data / "clean" / "clean_0_0.png").unlink()
    assert len(read_dataset(data).clean) == 3
    assert len(decodes) == 4


def test_a_file_moved_from_one_folder_to_the_other_is_noticed(data, decodes):
    read_dataset(data)
    (data / "aug" / "aug_0_0.png").rename(data / "clean" / "z_9_0.png")
    found = read_dataset(data)
    assert (len(found.clean), len(found.altered), len(decodes)) == (4, 2, 2)


def damaged(whole: bytes, kind: str) -> bytes:
    return {"half": whole[: len(whole) // 2 + 40], "header only": whole[:60], "junk": b"junk" * 50}[kind]


@pytest.mark.parametrize("kind", ["half", "header only", "junk"])
def test_a_damaged_cache_file_is_not_used_and_gets_replaced(data, decodes, kind):
    expected = pixels(read_dataset(data)).copy()
    file = cached()
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(damaged(whole, kind))
    np.testing.assert_array_equal(pixels(read_dataset(data)), expected)
    assert len(decodes) == 2
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "other",
    [np.zeros((5, 1, 5, 4), np.uint8), np.zeros((6, 1, 5, 4)), np.zeros((6, 5, 4), np.uint8)],
    ids=["rows", "dtype", "dimensions"],
)
def test_an_array_of_another_kind_is_not_used(data, decodes, other):
    expected = pixels(read_dataset(data)).copy()
    file = cached()
    file.unlink()
    np.save(file, other)
    np.testing.assert_array_equal(pixels(read_dataset(data)), expected)
    assert len(decodes) == 2


def test_a_failing_decode_leaves_no_cache_file(data, monkeypatch):
    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "decode", fail)
    with pytest.raises(KeyboardInterrupt):
        read_dataset(data)
    assert not list(cache_folder().rglob("*"))


def test_a_cache_that_cannot_be_written_costs_time_only(data, tmp_path, decodes):
    (tmp_path / "file").touch()
    unusable = tmp_path / "file" / "cache"  # below a regular file: not even root can write there
    first, second = read_dataset(data, cache=unusable), read_dataset(data, cache=unusable)
    np.testing.assert_array_equal(pixels(first), pixels(second))
    assert len(decodes) == 2


def test_what_is_said_of_bad_files_is_kept_with_the_pictures(data, decodes):
    (data / "clean" / "clean_1_0.png").write_text("<html>")
    first, second = (read_dataset(data, DataOptions(skip_bad=True)) for _ in range(2))
    assert len(decodes) == 1
    assert first.notes == second.notes and "clean_1_0.png" in second.notes[-1]
    cached().with_name("kept.json").unlink()  # without it nobody knows which pictures these are
    assert read_dataset(data, DataOptions(skip_bad=True)).notes == first.notes
    assert len(decodes) == 2


def test_a_bad_file_stays_left_out_where_the_folder_is_called_otherwise(data, monkeypatch):
    (data / "clean" / "clean_1_0.png").write_text("<html>")
    whole = read_dataset(data, DataOptions(skip_bad=True))
    monkeypatch.chdir(data.parent)
    again = read_dataset("data", DataOptions(skip_bad=True))
    assert again.clean.names == whole.clean.names == ["clean_0_0.png", "clean_2_0.png"]
    np.testing.assert_array_equal(pixels(again), pixels(whole))
