"""A model as people handle it: moved, saved, copied, pickled, shared by threads; and the arguments that they try."""

from __future__ import annotations

import copy
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unalter
from unalter import InputError
from unalter.data.digits import load_digits
from unalter.models.model import Model

IMAGES, LABELS = (part[:12] for part in load_digits("test"))


@pytest.fixture(scope="module")
def cvae(small_run: Path) -> Model:
    return unalter.load(small_run, "cvae")


def test_a_model_is_the_same_after_pickle_copy_and_joblib(cvae: Model, tmp_path: Path):
    joblib = pytest.importorskip("joblib")
    joblib.dump(cvae, tmp_path / "model")
    expected = cvae.denoise(IMAGES, LABELS)
    for other in (pickle.loads(pickle.dumps(cvae)), copy.deepcopy(cvae), joblib.load(tmp_path / "model")):
        assert np.array_equal(other.denoise(IMAGES, LABELS), expected)
        assert repr(other) == repr(cvae)


def test_several_threads_use_one_model(cvae: Model):
    expected = cvae.denoise(IMAGES, LABELS)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: cvae.denoise(IMAGES, LABELS), range(8)):
            assert np.array_equal(result, expected)


def test_a_saved_model_is_the_model(cvae: Model, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cvae.save("~/mine") == tmp_path / "mine"
    for path in ("~/mine", tmp_path / "mine", tmp_path / "mine" / "model.safetensors"):
        again = unalter.load(path, device=torch.device("cpu"))
        assert (again.name, again.label_names, again.details) == (cvae.name, cvae.label_names, cvae.details)
        assert np.array_equal(again.denoise(IMAGES, LABELS), cvae.denoise(IMAGES, LABELS))
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "x.safetensors", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="folder"):
            cvae.save(wrong)


def test_a_model_says_what_it_is_and_where(cvae: Model):
    assert repr(cvae) == "Model(cvae, 28 x 28 pixels, grey, 10 classes (0..9), codes of 8, cpu)"
    assert cvae.to("cpu") is cvae and cvae.to(torch.device("cpu")).device.type == "cpu"
    assert np.array_equal(cvae.codes(IMAGES, LABELS), cvae.encode(IMAGES, LABELS))
    for wrong in ("gpu", "cuda:99", "tpu:0", 5, None):
        with pytest.raises(InputError, match="device"):
            cvae.to(wrong)


def test_labels_in_every_form(cvae: Model):
    pandas = pytest.importorskip("pandas")
    expected = cvae.denoise(IMAGES, LABELS)
    forms = [
        LABELS.astype(float), LABELS.astype(object), LABELS.tolist(), list(map(str, LABELS)), LABELS.astype("S"),
        torch.tensor(LABELS), LABELS[:, None], np.eye(10)[LABELS], (label for label in LABELS), tuple(LABELS),
        pandas.Series(LABELS, index=range(5, 17)), pandas.Series(LABELS).astype(object), [np.int64(x) for x in LABELS],
    ]  # fmt: skip
    for form in forms:
        assert np.array_equal(cvae.denoise(IMAGES, form), expected)
    one = cvae.denoise(IMAGES[0], 3)
    for form in (np.int64(3), 3.0, "3", torch.tensor(3), np.array([3]), b"3"):
        assert np.array_equal(cvae.denoise(IMAGES[0], form), one)


def test_a_number_is_the_class_of_that_name_and_never_its_place(cvae: Model):
    numbered = Model(cvae.network, "cvae", cvae.device, ("001", "5", "10", *map(str, range(20, 27))))
    for told, place in ((1, 0), ("001", 0), ("1", 0), (5, 1), (10, 2), (26, 9)):
        assert np.array_equal(numbered.denoise(IMAGES[0], told), cvae.denoise(IMAGES[0], place))
    with pytest.raises(InputError, match="label 0 is unknown; the model knows 001, 5, 10"):
        numbered.denoise(IMAGES[0], 0)
    named = Model(cvae.network, "cvae", cvae.device, tuple("abcdefghij"))
    assert np.array_equal(named.denoise(IMAGES[0], "c"), named.denoise(IMAGES[0], 2))
    with pytest.raises(InputError, match="label 2 is unknown"):
        named.denoise(IMAGES[0], "2")


def test_a_list_of_labels_is_one_a_picture(cvae: Model):
    two = cvae.generate([1, 2], count=2, seed=3, warn=False)
    for row, label in enumerate((1, 2)):
        assert np.array_equal(two[row], cvae.generate(label, 1, seed=3, warn=False)[0])
    again = cvae.generate([2, 1, 2], seed=3, warn=False)
    assert np.array_equal(again[[0, 2]], cvae.generate("2", 2, seed=3, warn=False))
    with pytest.raises(InputError, match="count is 4 and there are 2 labels"):
        cvae.generate([1, 2], count=4)


def test_numbers_of_numpy_and_torch_are_numbers(cvae: Model):
    expected = cvae.generate(1, 2, seed=3, warn=False)
    for kind in (np.int64, np.uint8, torch.tensor):
        assert np.array_equal(cvae.generate(kind(1), kind(2), kind(3), warn=False), expected)


ARGUMENTS = {
    "count is 1.5; it must be a whole number": lambda model: model.generate(1, 1.5),
    "count is '3'": lambda model: model.generate(1, "3"),
    "count is True": lambda model: model.generate(1, True),
    "count is 0; it must be at least 1": lambda model: model.generate(1, 0),
    "seed is 18446744073709551616": lambda model: model.generate(1, 1, 2**64),
    "seed is 1.5": lambda model: model.generate(1, 1, 1.5),
    "seed is '1'": lambda model: model.generate(1, 1, "1"),
    "seed is -1": lambda model: model.encode(IMAGES, LABELS, sample=True, seed=-1),
    "path is None; it must be a path": lambda model: unalter.load(None),
    "path is b'runs'": lambda model: unalter.load(b"runs"),
    "path is 5": lambda model: unalter.load(5),
    "no such run folder": lambda model: unalter.load("~nobody-is-called-so/x"),
    "not str": lambda model: model.decode("abc", 1),
    "codes: expected numpy, torch": lambda model: model.decode(None, 1),
    "lists of unequal length": lambda model: model.decode([[1.0], [1.0, 2.0]], 1),
    "expected codes that are numbers, got NaN": lambda model: model.decode(np.full((1, 8), np.nan), 1),
    "expected codes [N, 8], got [1, 9]": lambda model: model.decode(np.zeros((1, 9)), 1),
    "picture 0 has the label 1.5": lambda model: model.denoise(IMAGES, 1.5),
    "label -1": lambda model: model.denoise(IMAGES, -1),
}


@pytest.mark.parametrize("words", ARGUMENTS)
def test_wrong_arguments_are_input_errors_which_are_value_errors(cvae: Model, words: str):
    with pytest.raises(ValueError) as error:
        ARGUMENTS[words](cvae)
    assert isinstance(error.value, InputError) and words in str(error.value)


def test_codes_in_every_form_are_decoded(cvae: Model):
    codes = cvae.encode(IMAGES[::-1], LABELS[::-1])[::-1]  # strides are negative
    expected = cvae.decode(codes.copy(), LABELS)
    for form in (codes, codes.tolist(), torch.from_numpy(codes.copy()).double(), codes.astype(np.longdouble)):
        assert np.allclose(np.asarray(cvae.decode(form, LABELS)), expected, atol=1e-6)


def test_a_path_is_a_picture_and_comes_back_as_one(cvae: Model, tmp_path: Path):
    Image.fromarray(IMAGES[0]).resize((56, 56)).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", os.fspath(tmp_path / "a.png")):
        result = cvae.denoise(path, 1)
        assert isinstance(result, Image.Image) and result.size == (56, 56)
