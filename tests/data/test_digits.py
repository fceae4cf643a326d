from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unalter.data import digits
from unalter.data.digits import load_digits, write_digit_folder
from unalter.data.idx import read_idx
from unalter.support.errors import InputError

MNIST = Path(__file__).resolve().parents[3] / "shared/data/mnist"


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(digits._FILE) as file:
        return dict(file)


@pytest.mark.parametrize(("part", "per_class"), [("train", 500), ("test", 100)])
def test_every_class_is_there_equally_often(part, per_class):
    images, labels = load_digits(part)
    assert images.shape == (10 * per_class, 28, 28)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(np.bincount(labels), [per_class] * 10)


def test_classes_are_mixed():
    _, labels = load_digits()
    assert (np.bincount(labels[:500], minlength=10) > 20).all()


def test_no_digit_is_in_both_parts(stored):
    assert not np.intersect1d(stored["train_index"], stored["test_index"]).size
    pixels = [{image.tobytes() for image in stored[f"{part}_images"]} for part in ("train", "test")]
    assert not pixels[0] & pixels[1]


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST's IDX files are not beside the checkout")
@pytest.mark.parametrize("part", ["train", "test"])
def test_digits_are_those_of_the_idx_files(stored, part):
    index = stored[f"{part}_index"]
    assert (np.diff(index.astype(int)) > 0).all()
    images, labels = load_digits(part)
    np.testing.assert_array_equal(images, read_idx(MNIST / "t10k-images-idx3-ubyte.gz")[index])
    np.testing.assert_array_equal(labels, read_idx(MNIST / "t10k-labels-idx1-ubyte.gz")[index])


def test_unknown_part_is_an_input_error():
    with pytest.raises(InputError, match=r"'valid'.*train, test"):
        load_digits("valid")


def test_folder_holds_the_first_digits_of_each_class(tmp_path):
    folder = write_digit_folder(tmp_path / "new" / "clean", "test", count=50)

    images, labels = load_digits("test")
    files = sorted(folder.iterdir(), key=lambda file: int(file.stem.split("_")[1]))
    expected = [i for i, label in enumerate(labels) if (labels[:i] == label).sum() < 5]
    assert [file.name for file in files] == [f"clean_{n}_{labels[i]}.png" for n, i in enumerate(expected)]
    for file, i in zip(files, expected, strict=True):
        with Image.open(file) as picture:
            assert picture.mode == "L"
            np.testing.assert_array_equal(np.asarray(picture), images[i])


def test_whole_part_is_written_without_a_count(tmp_path):
    assert len(list(write_digit_folder(tmp_path, "test").glob("clean_*_*.png"))) == 1000


@pytest.mark.parametrize("count", [0, -10, 15, 1010])
def test_impossible_count_is_an_input_error(tmp_path, count):
    with pytest.raises(InputError, match="multiple of 10 from 10 to 1000"):
        write_digit_folder(tmp_path, "test", count)


def test_writing_again_is_fine_but_never_mixes_with_other_pictures(tmp_path):
    write_digit_folder(tmp_path, "test", count=50)
    write_digit_folder(tmp_path, "test", count=50)
    with pytest.raises(InputError, match="already holds"):
        write_digit_folder(tmp_path, "test", count=10)
