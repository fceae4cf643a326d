"""Data sets that a caller from Python holds, in every form: the same data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unalter.data.dataset import Dataset, read_altered, read_dataset
from unalter.data.memory import as_data, as_pictures
from unalter.data.options import DataOptions
from unalter.pairing.names import pair_by_name
from unalter.support.errors import InputError

RNG = np.random.default_rng(5)
CLEAN = RNG.integers(0, 256, (6, 9, 8), dtype=np.uint8)
ALTERED = RNG.integers(0, 256, (6, 9, 8), dtype=np.uint8)
LABELS = np.array([3, 0, 1, 1, 3, 0])
NAMES = ["dog", "ant", "bee", "bee", "dog", "ant"]


def read(data=None, **given) -> Dataset:
    where, rest = as_data(data, given)
    return read_dataset(where, DataOptions.from_values(rest), clean_will_do=True)


class Pictures(torch.utils.data.Dataset):
    """Map-style, and without an end of its own: rows beyond are those of the beginning."""

    def __init__(self, *columns):
        self.columns = columns

    def __len__(self):
        return len(self.columns[0])

    def __getitem__(self, row):
        items = tuple(column[row % len(self)] for column in self.columns)
        return items if len(items) > 1 else items[0]


def pil(images):
    return [Image.fromarray(one) for one in images]


def files(folder: Path, images) -> list[Path]:
    paths = [folder / f"{row}.png" for row in range(len(images))]
    for path, picture in zip(paths, pil(images), strict=True):
        picture.save(path)
    return paths


BOTH = {
    "numpy": {"clean": CLEAN, "altered": ALTERED, "labels": LABELS},
    "torch": {"clean": torch.from_numpy(CLEAN), "altered": torch.from_numpy(ALTERED), "labels": torch.tensor(LABELS)},
    "floats": {"clean": CLEAN / 255, "altered": ALTERED / np.float32(255), "labels": LABELS.astype(float)},
    "channels last": {"clean": CLEAN[..., None], "altered": ALTERED[:, None], "labels": LABELS[:, None]},
    "16 bits": {"clean": CLEAN.astype(np.uint16) * 257, "altered": ALTERED.astype(np.int64), "labels": LABELS},
    "PIL": {"clean": pil(CLEAN), "altered": tuple(pil(ALTERED)), "labels": LABELS.tolist()},
    "lists of arrays": {"clean": list(CLEAN / 255), "altered": list(ALTERED), "labels": list(LABELS)},
    "generators": {"clean": (x for x in CLEAN), "altered": (x for x in pil(ALTERED)), "labels": (y for y in LABELS)},
    "both labelled": {"clean": CLEAN, "altered": ALTERED, "labels": LABELS, "altered_labels": LABELS.astype(np.uint8)},
    "labels of the altered": {"clean": CLEAN, "altered": ALTERED, "altered_labels": LABELS},
    "data sets of torch": {"clean": Pictures(torch.tensor(CLEAN / 255)[:, None], LABELS), "altered": Pictures(ALTERED)},
    "one of torch": {"data": Pictures(ALTERED, CLEAN, LABELS)},
    "one of torch without labels": {"data": Pictures(ALTERED, CLEAN), "labels": LABELS},
    "a list of tuples": {"data": list(zip(ALTERED, CLEAN, LABELS, strict=True))},
    "a mapping": {"data": {"clean": CLEAN, "noisy": ALTERED, "y": LABELS}},
    "a mapping, told": {
        "data": {"a": CLEAN, "b": pil(ALTERED), "c": LABELS},
        "clean": "a",
        "altered": "b",
        "labels": "c",
    },
    "one-hot": {"clean": CLEAN, "altered": ALTERED, "labels": np.eye(4)[LABELS]},
    "objects": {
        "clean": np.array([*pil(CLEAN), None], object)[:-1],
        "altered": ALTERED,
        "labels": LABELS.astype(object),
    },
}


@pytest.mark.parametrize("form", BOTH)
def test_every_form_is_the_same_data_set(form):
    dataset = read(**BOTH[form])
    np.testing.assert_array_equal(dataset.clean.images[:, 0], CLEAN)
    np.testing.assert_array_equal(dataset.altered.images[:, 0], ALTERED)
    for part in (dataset.clean, dataset.altered):
        assert [part.label_names[label] for label in part.labels] == list(map(str, LABELS))
    assert pair_by_name(dataset).clean.tolist() == list(range(6))
    assert any("two of one row are taken for a pair" in note for note in dataset.notes)


def test_a_frame_of_pandas_or_polars_of_paths_and_labels(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "a").mkdir()
    clean, altered = files(tmp_path / "c", CLEAN), files(tmp_path / "a", ALTERED)
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = {"clean": list(map(str, clean)), "altered": list(map(str, altered)), "label": NAMES}
    rows = {"index": range(10, 16)}
    series = pandas.Series(NAMES, **rows)
    for given in (
        {"data": pandas.DataFrame(table, **rows)},
        {"data": polars.DataFrame(table)},
        {"clean": pandas.DataFrame({"path": clean, "label": NAMES}, **rows), "altered": ALTERED},
        {
            "clean": pandas.Series(clean, **rows),
            "altered": list(map(str, altered)),
            "labels": series.astype("category"),
        },
        {"clean": CLEAN, "altered": ALTERED, "labels": series},
    ):
        dataset = read(**given)
        np.testing.assert_array_equal(dataset.clean.images[:, 0], CLEAN)
        np.testing.assert_array_equal(dataset.altered.images[:, 0], ALTERED)
        assert [dataset.label_names[label] for label in dataset.altered.labels] == NAMES


def test_a_data_set_of_hugging_face(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    kinds = datasets.ClassLabel(names=["ant", "bee", "dog"])
    features = datasets.Features({"clean": datasets.Image(), "altered": datasets.Image(), "label": kinds})
    both = datasets.Dataset.from_dict({"clean": pil(CLEAN), "altered": pil(ALTERED), "label": NAMES}, features=features)
    one = both.remove_columns("altered").rename_column("clean", "img")
    renamed = both.rename_columns({"clean": "sharp", "altered": "dim"})
    raw = both.cast_column("clean", datasets.Image(decode=False))
    arrays = datasets.Dataset.from_dict({"image": CLEAN.tolist(), "label": NAMES})
    for given in (
        {"data": both},
        {"data": renamed, "clean": "sharp", "altered": "dim"},
        {"data": raw},
        {"clean": one, "altered": ALTERED},
        {"clean": arrays, "altered": ALTERED},
    ):
        dataset = read(**given)
        np.testing.assert_array_equal(dataset.clean.images[:, 0], CLEAN)
        np.testing.assert_array_equal(dataset.altered.images[:, 0], ALTERED)
        assert [dataset.label_names[label] for label in dataset.clean.labels] == NAMES
    with pytest.raises(
        InputError, match=r"several splits \('train', 'test'\): give one of them, such as data\['train'\]"
    ):
        read(datasets.DatasetDict({"train": both, "test": both}))
    with pytest.raises(InputError, match="which column has the altered pictures"):
        read(one.rename_column("img", "clean"))


def test_paths_are_taken_as_text_and_as_path_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, images in (("c", CLEAN), ("a", ALTERED)):
        (tmp_path / name).mkdir()
        files(tmp_path / name, images)
    for clean, altered in (("~/c", Path("~/a")), (tmp_path / "c", str(tmp_path / "a")), (CLEAN, "~/a")):
        np.testing.assert_array_equal(read(clean=clean, altered=altered).altered.images[:, 0], ALTERED)


def test_parts_of_other_numbers_have_no_pairs_and_labels_of_their_own():
    dataset = read(clean=CLEAN, altered=ALTERED[:4], labels=LABELS, altered_labels=LABELS[:4])
    assert pair_by_name(dataset).clean.tolist() == [-1] * 4
    assert not any("row" in note for note in dataset.notes)
    with pytest.raises(
        InputError, match="6 clean pictures, and there are 4 altered ones: give theirs by altered_labels="
    ):
        read(clean=CLEAN, altered=ALTERED[:4], labels=LABELS)


def test_what_was_assumed_is_said():
    masks = (CLEAN > 99).astype(np.uint8)
    notes = read(clean=masks, altered=ALTERED.astype(np.uint16) * 16, labels=np.eye(4)[LABELS]).notes
    for words in ("clean: values are 0 and 1 only", "altered: values go up to", "4095 is white", "one-hot"):
        assert any(words in note for note in notes), words
    np.testing.assert_array_equal(read(clean=masks).clean.images[:, 0], masks * 255)
    square = read(clean=CLEAN[:, :8].reshape(6, 64))
    assert square.clean.images.shape == (6, 1, 8, 8)
    assert "clean: rows of 64 values are read as 8 x 8 pixels" in square.notes


def test_colours_and_alpha():
    colours = RNG.integers(0, 256, (5, 9, 8, 4), dtype=np.uint8)
    expected = read(clean=[Image.fromarray(one) for one in colours]).clean.images
    for form in (colours, colours.transpose(0, 3, 1, 2), list(colours)):
        assert np.abs(read(clean=form).clean.images.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(read(clean=colours[..., :3]).clean.images, colours[..., :3].transpose(0, 3, 1, 2))


def test_pictures_alone_for_a_map():
    for given in (ALTERED, pil(ALTERED), {"clean": CLEAN, "altered": ALTERED}, Pictures(ALTERED, LABELS)):
        np.testing.assert_array_equal(read_altered(as_pictures(given)).images[:, 0], ALTERED)


def test_nothing_of_them_goes_into_the_cache(empty_cache):
    read(**BOTH["numpy"])
    assert list(empty_cache.rglob("*")) == []


WRONG = {
    "looks like [H, W, N]": {"clean": np.zeros((9, 9, 40))},
    "first does count them, [N, H, W, 1]": {"clean": np.zeros((9, 9, 40))},
    "[8, 9, 6] looks like [H, W, N]": {"clean": CLEAN.T, "labels": LABELS},
    "looks like [H, W, C, N]": {"clean": np.zeros((32, 32, 3, 50))},
    "got [5, 9, 9, 9]": {"clean": np.zeros((5, 9, 9, 9))},
    "x.reshape(-1, H, W)": {"clean": np.zeros((5, 300))},
    "clean: has no picture in it": {"clean": []},
    "clean: expected floats in 0..1, got -1..1": {"clean": np.linspace(-1, 1, 360).reshape(5, 9, 8)},
    "clean: expected 6 labels, one a picture, got 5": {"clean": CLEAN, "labels": LABELS[:5]},
    "clean: labels: picture 2 has the label nan": {"clean": CLEAN, "labels": [0, 1, float("nan"), 1, 1, 1]},
    "picture 1 has the label None": {"clean": CLEAN, "labels": ["a", None, "b", "a", "a", "a"]},
    "picture 0 has the label -1; numbers must be 0 or more": {
        "clean": CLEAN,
        "labels": LABELS - (LABELS == 3) * 4,
    },
    "numbers must be whole": {"clean": CLEAN, "labels": LABELS + 0.5},
    "expected labels [N], one a picture": {"clean": CLEAN, "labels": np.full((6, 3), 0.2)},
    "labels of pictures in memory are given one a picture": {"clean": CLEAN, "labels": "labels.csv"},
    "labels in memory are for pictures in memory": {"clean": "Data/clean", "labels": LABELS},
    "give either a data set, or both its parts": {"data": "Data", "altered": ALTERED},
    "gives (altered, clean) or (altered, clean, label)": {"data": CLEAN},
    "a loader gives batches": {"clean": torch.utils.data.DataLoader(Pictures(CLEAN))},
    "expected pictures, several of them, got one Image": {"clean": Image.fromarray(CLEAN[0])},
    "expected pictures as a path, an array, a list": {"clean": 5},
    "clean: expected numpy, torch, PIL, or a list of these, not NoneType": {"clean": [CLEAN[0], None]},
    "no column 'dim'; the data have a, b": {"data": {"a": CLEAN, "b": ALTERED}, "altered": "dim"},
    "several columns could be the clean pictures": {"data": {"x_clean": CLEAN, "clean_2": CLEAN, "noisy": ALTERED}},
    "clean: picture 1: cannot be read as a picture": {"clean": ["no.png", "nor.png"]},
    "9 x 8 pixels where most have 8 x 9": {"clean": [*CLEAN, CLEAN[0].T]},
}


@pytest.mark.parametrize("words", WRONG)
def test_anything_else_is_one_clear_error(words):
    with pytest.raises(InputError) as error:
        read(**WRONG[words])
    assert words in str(error.value)
    assert str(error.value).count("\n") <= 3
