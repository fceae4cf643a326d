import numpy as np
import pytest
import torch
from PIL import Image

from unalter.data.given import as_picture
from unalter.support.errors import InputError

GREY = np.random.default_rng(2).integers(0, 256, (8, 9), dtype=np.uint8)
COLOURS = np.random.default_rng(3).integers(0, 256, (8, 9, 3), dtype=np.uint8)
EQUAL = np.dstack([GREY] * 3)

SAME = {
    "numpy": GREY,
    "tensor": torch.tensor(GREY),
    "one channel": torch.tensor(GREY)[None],
    "three channels": torch.tensor(EQUAL).permute(2, 0, 1),
    "channels last": EQUAL,
    "one channel last": GREY[..., None],
    "a batch of one": torch.tensor(GREY)[None, None],
    "PIL": Image.fromarray(GREY),
    "PIL in colour": Image.fromarray(EQUAL),
    "other whole numbers": GREY.astype(np.int64),
    "another order of bytes": GREY.astype(">u2"),
    "floats in 0..1": torch.tensor(GREY) / 255,
    "floats in 0..255": GREY.astype(np.float64),
    "a little beyond, as resampling leaves it": torch.tensor(GREY) / 255 + (torch.tensor(GREY) == GREY.max()) * 1e-4,
    "that was computed": (torch.tensor(GREY) / 255).requires_grad_(),
}


@pytest.mark.parametrize("form", SAME)
def test_every_form_is_the_same_picture(form):
    picture = as_picture(SAME[form])
    assert picture.dtype == torch.float32 and not picture.requires_grad
    torch.testing.assert_close(picture, torch.tensor(GREY / 255, dtype=torch.float32)[None], atol=2e-4, rtol=0)


def test_a_file_by_its_path(tmp_path):
    Image.fromarray(EQUAL).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        torch.testing.assert_close(as_picture(path), as_picture(GREY))


def test_colours_become_grey_as_in_pillow_and_grey_becomes_colours():
    grey = np.asarray(Image.fromarray(COLOURS).convert("L")) / 255
    np.testing.assert_allclose(as_picture(COLOURS)[0].numpy(), grey, atol=0.6 / 255)
    assert as_picture(COLOURS, 3).shape == as_picture(GREY, 3).shape == (3, 8, 9)


WRONG = {
    "expected one picture": torch.zeros(2, 1, 8, 9),
    "got shape [5, 8, 9]": np.zeros((5, 8, 9)),
    "floats in 0..1, got -1..0": np.full((8, 9), -1.0) + np.eye(8, 9),
    "got NaN": np.full((8, 9), np.nan),
    "16 bits at most, got 0..70000": np.array([[0, 70_000]]),
    "got 0..1.5": np.array([[0, 1.5]]),
    "not list": [[0, 1]],
    "an array of <U1": np.array([["a"]]),
    "no.png: cannot be read as a picture (No such file or directory)": "no.png",
}


@pytest.mark.parametrize("said", WRONG)
def test_anything_else_is_an_error_that_says_what_was_expected(said):
    with pytest.raises(InputError) as error:
        as_picture(WRONG[said])
    assert said in str(error.value)
