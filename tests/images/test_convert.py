import numpy as np
import pytest
import torch
from PIL import Image

from unalter.images.convert import as_batch, to_uint8
from unalter.images.sheet import contact_sheet, write_picture
from unalter.support.errors import InputError

RNG = np.random.default_rng(0)
GREY, COLOUR = (1, 8, 6), (3, 8, 6)
SHAPES = [
    (GREY, (8, 6)),
    (GREY, (1, 8, 6)),
    (GREY, (5, 8, 6)),
    (GREY, (5, 1, 8, 6)),
    (GREY, (0, 8, 6)),
    (COLOUR, (3, 8, 6)),
    (COLOUR, (5, 3, 8, 6)),
    (COLOUR, (3, 3, 8, 6)),
]


def pixels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("model", "shape"), SHAPES)
def test_numpy_comes_back_as_it_went(model, shape, dtype):
    images = pixels(*shape) if dtype == np.uint8 else (pixels(*shape) / 256).astype(dtype)
    before = images.copy()
    batch, restore = as_batch(images, model)
    assert batch.dtype == torch.float32
    assert batch.shape[1:] == model
    scale = 255 if dtype == np.uint8 else 1
    np.testing.assert_allclose(batch.numpy().reshape(shape), images / scale, atol=1e-7)
    result = restore(batch)
    assert type(result) is np.ndarray
    assert (result.dtype, result.shape) == (images.dtype, images.shape)
    np.testing.assert_array_equal(result, images)
    batch.zero_()
    np.testing.assert_array_equal(images, before)  # what the user holds is never written to


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(("model", "shape"), SHAPES)
def test_torch_comes_back_as_it_went(model, shape, dtype):
    images = torch.from_numpy(pixels(*shape))
    images = images if dtype == torch.uint8 else (images / 256).to(dtype)
    batch, restore = as_batch(images, model)
    assert (batch.dtype, tuple(batch.shape[1:])) == (torch.float32, model)
    result = restore(batch)
    assert (result.dtype, result.device) == (images.dtype, images.device)
    assert torch.equal(result, images)


@pytest.mark.parametrize(("model", "mode"), [(GREY, "L"), (COLOUR, "RGB")])
def test_pil_comes_back_as_it_went(model, mode):
    image = Image.fromarray(pixels(8, 6) if mode == "L" else pixels(8, 6, 3))
    batch, restore = as_batch(image, model)
    assert batch.shape == (1, *model)
    result = restore(batch)
    assert (result.mode, result.size) == (mode, image.size)
    assert result.tobytes() == image.tobytes()


def test_a_grey_pil_picture_goes_through_a_colour_model():
    image = Image.fromarray(pixels(8, 6))
    batch, restore = as_batch(image, COLOUR)
    assert torch.equal(batch[:, 0], batch[:, 2])
    assert restore(batch).tobytes() == image.tobytes()


def test_views_and_read_only_arrays_are_taken():
    images = pixels(5, 8, 12)[::-1, :, ::2]
    images.setflags(write=False)
    batch, restore = as_batch(images, GREY)
    np.testing.assert_array_equal(restore(batch), images)


def test_results_are_rounded_to_the_nearest_grey_and_never_wrap():
    _, restore = as_batch(pixels(8, 6), GREY)
    batch = torch.zeros(1, *GREY)
    batch[0, 0, 0, :4] = torch.tensor([-0.1, 1.1, 0.5011, 0.4989])
    np.testing.assert_array_equal(restore(batch)[0, :4], [0, 255, 128, 127])


@pytest.mark.parametrize(
    ("images", "model", "message"),
    [
        (np.zeros((6, 8)), GREY, r"\[8, 6\], \[N, 8, 6\] or \[N, 1, 8, 6\], got \[6, 8\]"),
        (np.zeros((2, 3, 8, 6)), GREY, r"got \[2, 3, 8, 6\]"),
        (np.zeros((8, 6)), COLOUR, r"\[3, 8, 6\] or \[N, 3, 8, 6\], got \[8, 6\]"),
        (np.zeros((5, 8, 6)), COLOUR, r"\[N, 3, 8, 6\], got shape \[5, 8, 6\]"),
        (np.zeros((8, 6, 3)), COLOUR, r"\[3, 8, 6\].*got \[8, 6, 3\]"),
        (Image.new("L", (8, 6)), GREY, r"\[8, 6\].*got \[6, 8\]"),
        (np.zeros((8, 6), np.int64), GREY, "uint8 .* or float .*, got int64"),
        (np.zeros((8, 6), bool), GREY, "got bool"),
        (np.full((8, 6), 255.0), GREY, r"0\.\.1, got 255\.\.255; divide by 255"),
        (np.full((8, 6), -0.5), GREY, r"0\.\.1, got -0\.5"),
        (np.full((8, 6), np.nan), GREY, r"0\.\.1, got nan"),
        ([[0.0] * 6] * 8, GREY, "numpy, torch or PIL, not list"),
        ("digit.png", GREY, "numpy, torch or PIL, not str"),
    ],
)
def test_anything_else_is_an_error_that_says_what_was_expected_and_what_came(images, model, message):
    with pytest.raises(InputError, match=message):
        as_batch(images, model)


@pytest.mark.parametrize("shape", [(8, 6), (1, 8, 6), (3, 8, 6)])
def test_a_written_picture_reads_back(tmp_path, shape):
    picture = pixels(*shape)
    write_picture(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as image:
        read = np.asarray(image)
    np.testing.assert_array_equal(read, picture.transpose(1, 2, 0) if shape[0] == 3 else picture.reshape(8, 6))


def test_to_uint8_is_nearest_and_inverts_division_by_255():
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(every / np.float32(255)), every)
    np.testing.assert_array_equal(to_uint8(np.array([-1, 2, 0.499 / 255, 0.501 / 255])), [0, 255, 0, 1])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_contact_sheet_shows_every_picture_in_its_place(channels):
    rows = [pixels(3, channels, 5, 4), pixels(2, channels, 5, 4)]
    canvas = contact_sheet(rows, scale=2, gap=1)
    assert canvas.shape == (channels, 2 * (2 * 6 + 1), 2 * (3 * 5 + 1))
    small = canvas[:, ::2, ::2]
    np.testing.assert_array_equal(small.repeat(2, 1).repeat(2, 2), canvas)
    for r, pictures in enumerate(rows):
        for c, picture in enumerate(pictures):
            top, left = 1 + 6 * r, 1 + 5 * c
            np.testing.assert_array_equal(small[:, top : top + 5, left : left + 4], picture)
