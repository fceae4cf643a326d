import csv
from dataclasses import fields, replace

import numpy as np
import pytest

from unalter.data.dataset import Dataset, ImageSet
from unalter.pairing.pairs import APPEARANCE, NAME, VERIFIED, Pairs, read_pairs, write_pairs
from unalter.support.errors import InputError

ALTERED = ["aug_0_0.png", "aug, odd_1_1.png", "aug_2_2.png", "aug_3_2.png", "aug_4_0.png"]
PAIRS = Pairs(
    clean=np.array([2, -1, 0, -1, -1]),
    method=np.array(["verified", "", "appearance", "", ""]),
    likeliest=np.array([2, 1, 0, 2, -1]),
    score=np.array([1, 0.25, 0.996, 0.0, 0.0]),
    margin=np.array([np.nan, 0.125, 1.0, 0.5, np.nan]),
    doubtful=np.array([-1, -1, -1, 2, -1]),
)


def pictures(names: list[str]) -> ImageSet:
    images, numbers = np.zeros((len(names), 1, 2, 2), np.uint8), np.arange(len(names))
    return ImageSet(images, numbers, numbers, names)


@pytest.fixture
def dataset() -> Dataset:
    return Dataset(pictures(["clean_0_0.png", "clean_1_1.png", "clean, odd_2_2.png"]), pictures(ALTERED))


@pytest.fixture
def path(tmp_path, dataset):
    write_pairs(tmp_path / "pairs.csv", dataset, PAIRS)
    return tmp_path / "pairs.csv"


def test_pairs_csv_has_one_row_an_altered_picture_in_order(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["altered", "clean", "method", "score", "margin", "likeliest", "remark"]
    odd = "clean, odd_2_2.png"
    assert rows == [
        ["aug_0_0.png", odd, "verified", "1.0000", "", odd, ""],
        ["aug, odd_1_1.png", "none", "", "0.2500", "0.1250", "clean_1_1.png", ""],
        ["aug_2_2.png", "clean_0_0.png", "appearance", "0.9960", "1.0000", "clean_0_0.png", ""],
        ["aug_3_2.png", "none", "", "0.0000", "0.5000", odd, f"does not look like {odd}"],
        ["aug_4_0.png", "none", "", "0.0000", "", "none", ""],
    ]


def test_what_was_written_is_read_back(path, dataset):
    found = read_pairs(path, dataset)
    for spec in fields(Pairs):
        np.testing.assert_array_equal(getattr(found, spec.name), getattr(PAIRS, spec.name), spec.name)
    assert (found.clean.dtype, found.doubtful.dtype) == (np.int64, np.int64)


def test_pairs_of_other_folders_are_refused(path, dataset):
    fewer = Dataset(dataset.clean, dataset.altered.rows(np.arange(4)))
    with pytest.raises(InputError, match="other altered pictures"):
        read_pairs(path, fewer)
    without = Dataset(dataset.clean.rows(np.arange(2)), dataset.altered)
    with pytest.raises(InputError, match=r"not a list of pairs of these folders .*odd_2_2"):
        read_pairs(path, without)


def test_a_file_that_is_no_list_of_pairs_is_named(path, dataset):
    whole = path.read_bytes()
    for text in (b"", b"junk", b"\xff\xfe\x00", whole.replace(b"likeliest", b"other"), whole.replace(b"0.25", b"high")):
        path.write_bytes(text)
        with pytest.raises(InputError, match=r"pairs\.csv"):
            read_pairs(path, dataset)
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        read_pairs(path.with_name("nowhere.csv"), dataset)


def test_a_file_cut_short_anywhere_is_an_input_error(path, dataset):
    whole = path.read_bytes()
    for size in range(whole.rindex(b"aug_4_0.png"), whole.rindex(b",") + 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"pairs\.csv"):
            read_pairs(path, dataset)


def test_the_summary_says_so_where_there_is_no_pair_at_all():
    none = replace(PAIRS, clean=np.full(5, -1), method=np.full(5, ""))
    assert none.summary().splitlines()[-2:] == [
        "5 are without a pair",
        "no pair at all: models would learn only from pairs that the recipe makes of clean pictures",
    ]
    assert "no pair at all" not in PAIRS.summary()


def test_the_summary_counts_every_picture_once():
    lines = PAIRS.summary().splitlines()
    assert lines == [
        "2 of 5 altered pictures have a clean one by name, 1 of them verified by looking",
        "1 do not look like the clean picture of their name (remarks in pairs.csv)",
        "1 more were found by appearance",
        "3 are without a pair",
    ]


@pytest.mark.parametrize("method", [np.array(["", "name"]), np.array(["", ""]), np.array(["x" * 40, ""])])
def test_every_method_fits_in_whatever_array_it_came_in(method):
    nothing = np.full(2, -1)
    pairs = Pairs(nothing, method, nothing, np.zeros(2), np.zeros(2), nothing)
    np.testing.assert_array_equal(pairs.method, method)
    for name in (NAME, VERIFIED, APPEARANCE):
        pairs.method[0] = name
        assert pairs.method[0] == name
