"""Pictures as users hold them, brought into the form that models take, and back."""

import numpy as np
import pytest
import torch
from PIL import Image

from unalter.data.given import as_batch
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


WRONG = [
    (np.zeros((6, 8)), GREY, r"\[8, 6\], \[N, 8, 6\] or \[N, 8, 6, 1\], got \[6, 8\]; .* list\(x\)"),
    (np.zeros((2, 5, 8, 6)), GREY, r"got \[2, 5, 8, 6\]"),
    (np.zeros((8, 6, 40)), GREY, r"got \[8, 6, 40\]"),
    (np.zeros((5, 8, 6)), COLOUR, r"\[N, 3, 8, 6\] or \[N, 8, 6, 3\], got \[5, 8, 6\]"),
    (np.zeros((2, 144)), COLOUR, r"got \[2, 144\]"),
    (pixels(2, 3, 8, 6), GREY, "in colour; the model takes grey ones"),
    (pixels(8, 6, 3), GREY, "in colour"),
    (Image.fromarray(pixels(8, 6, 3)), GREY, "in colour"),
    (np.full((8, 6), 255.0), GREY, r"0\.\.1, got 255\.\.255; they look like 0\.\.255: divide by 255"),
    (np.linspace(-1, 1, 48).reshape(8, 6), GREY, r"got -1\.\.1; .*normalising: give \(x \+ 1\) / 2"),
    (np.linspace(-0.1, 1.2, 48).reshape(8, 6), GREY, r"noise that leaves it: give x\.clip\(0, 1\)"),
    (np.linspace(-2.1, 2.4, 48).reshape(8, 6), GREY, r"standardised: .*x \* std \+ mean"),
    (np.linspace(-20, 270, 48).reshape(8, 6), GREY, r"x\.clip\(0, 255\) / 255"),
    (np.full((8, 6), 1.002), GREY, r"got 1\.002\.\.1\.002"),
    (np.full((8, 6), np.nan), GREY, "NaN"),
    (np.full((8, 6), np.inf), GREY, "infinite"),
    (np.full((8, 6), -1), GREY, r"whole numbers of 0\.\.255, .* got -1\.\.-1"),
    (np.full((8, 6), 70_000), GREY, r"got 70000\.\.70000"),
    (np.full((8, 6), "a"), GREY, "array of <U1"),
    (np.zeros((8, 6), complex), GREY, "array of complex128"),
    (torch.zeros(8, 6, dtype=torch.complex64), GREY, "complex64"),
    (torch.zeros(8, 6, device="meta"), GREY, "meta has no values"),
    (np.ma.masked_less(np.zeros((8, 6)), 1), GREY, "masked"),
    ([[0.0, 1.0], [0.0]], GREY, "unequal length"),
    ([pixels(5, 8, 6)], GREY, r"expected one picture, .*got shape \[5, 8, 6\]"),
    (["a"], GREY, "a: cannot be read as a picture"),
    ("digit.png", GREY, "digit.png: cannot be read as a picture"),
    (b"GIF89a", GREY, "numpy, torch, PIL, or a list of these, not bytes"),
    ({"image": 1}, GREY, "not dict"),
    (None, GREY, "not NoneType"),
    (5, GREY, "not int"),
]


@pytest.mark.parametrize(("images", "model", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_anything_else_is_an_error_that_says_what_was_expected_and_what_came(images, model, message):
    with pytest.raises(InputError, match=message):
        as_batch(images, model)


DIGITS = pixels(5, 8, 6)
SAME = {
    "a list of arrays": list(DIGITS),
    "a tuple": tuple(DIGITS),
    "a generator": (one for one in DIGITS),
    "an array of objects": np.array([*DIGITS, None], object)[:-1],
    "a list of tensors": list(torch.from_numpy(DIGITS)),
    "PIL pictures": [Image.fromarray(one) for one in DIGITS],
    "of several kinds": [
        DIGITS[0],
        torch.from_numpy(DIGITS[1]),
        Image.fromarray(DIGITS[2]),
        DIGITS[3, None],
        DIGITS[4],
    ],
    "nested lists": DIGITS.tolist(),
    "channels last": DIGITS[..., None],
    "equal colours": np.repeat(DIGITS[:, None], 3, 1),
    "equal colours last": np.repeat(DIGITS[..., None], 3, 3),
    "with alpha": np.concatenate([np.repeat(DIGITS[..., None], 3, 3), np.full((5, 8, 6, 1), 255, np.uint8)], 3),
    "rows of values": DIGITS.reshape(5, 48),
    "other whole numbers": DIGITS.astype(np.int64),
    "16 bits that use 8": DIGITS.astype(np.uint16),
    "16 bits": DIGITS.astype(np.uint16) * 257,
    "longdouble": DIGITS.astype(np.longdouble) / 255,
    "another order of bytes": DIGITS.astype(">f4") / 255,
    "upside down and back": DIGITS[:, ::-1].copy()[:, ::-1],
    "with rounding noise": DIGITS / 255 + np.where(DIGITS.max() == DIGITS, 1e-7, np.where(DIGITS == 0, -1e-9, 0)),
    "a sparse tensor": torch.from_numpy(DIGITS / 255).to_sparse(),
    "bfloat16": (torch.from_numpy(DIGITS) / 255).bfloat16(),
    "with a gradient": (torch.from_numpy(DIGITS) / 255).requires_grad_(),
}


@pytest.mark.parametrize("form", SAME)
def test_every_form_is_the_same_pictures_and_comes_back_in_it(form):
    given = SAME[form]
    batch, restore = as_batch(given, GREY)
    np.testing.assert_allclose(batch[:, 0].numpy(), DIGITS / 255, atol=5e-3 if form == "bfloat16" else 1e-4)
    back = restore(batch)
    if isinstance(given, np.ndarray) and given.dtype != object and given.dtype != np.longdouble:
        assert (back.dtype, back.shape) == (given.dtype.newbyteorder("="), given.shape)
        np.testing.assert_allclose(back, given, atol=1e-6 if given.dtype.kind == "f" else 0)
    elif isinstance(given, torch.Tensor):
        assert (back.dtype, back.shape) == (given.dtype, given.shape)
    elif isinstance(given, (list, tuple)) and not isinstance(given[0], list):
        assert type(back) is type(given)
        for one, was in zip(back, given, strict=True):
            assert type(one) is type(was)
            np.testing.assert_array_equal(np.asarray(one), np.asarray(was))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_pictures_of_0_and_1_are_black_and_white_and_come_back_so(dtype):
    images = (DIGITS > 128).astype(dtype)
    batch, restore = as_batch(images, GREY)
    assert set(batch.unique().tolist()) == {0.0, 1.0}
    back = restore(batch * 0.8)
    assert back.dtype == images.dtype and np.array_equal(back, images)


def test_12_bits_are_read_by_what_they_use():
    images = RNG.integers(0, 4096, (2, 8, 6)).astype(np.uint16)
    images[0, 0, 0] = 4095
    batch, restore = as_batch(images, GREY)
    np.testing.assert_allclose(batch[:, 0].numpy(), images / 4095, atol=1e-6)
    np.testing.assert_array_equal(restore(batch), images)


@pytest.mark.parametrize("model", [GREY, COLOUR])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"])
def test_every_mode_of_pil_is_taken_and_comes_back_in_its_kind(model, mode):
    grey = Image.fromarray(DIGITS[0])
    image = Image.fromarray(DIGITS[0].astype(np.uint16) << 8) if mode == "I;16" else grey.convert("RGB").convert(mode)
    if mode == "1":
        image = grey.point(lambda value: 255 * (value > 127), "1")
    batch, restore = as_batch(image, model)
    back = restore(batch)
    assert back.size == (6, 8)
    assert back.mode == {"P": "L", "I;16": "L"}.get(mode, mode)
    expected = np.asarray(image.convert("L")) if mode != "I;16" else DIGITS[0]
    assert np.abs(np.asarray(back.convert("L")).astype(int) - expected).max() <= 1


def test_colours_go_through_a_colour_model_in_every_order_of_axes():
    images = pixels(4, 8, 6, 3)
    expected, _ = as_batch(images.transpose(0, 3, 1, 2), COLOUR)
    for form in (images, list(images), [Image.fromarray(one) for one in images], images.transpose(0, 3, 1, 2) / 255):
        batch, restore = as_batch(form, COLOUR)
        torch.testing.assert_close(batch, expected)
        back = restore(batch)
        np.testing.assert_allclose(
            np.stack(list(map(np.asarray, back))), np.stack(list(map(np.asarray, form))), atol=1e-6
        )


def test_alpha_is_seen_on_black_whatever_holds_it():
    images = pixels(3, 8, 6, 4)
    expected, _ = as_batch([Image.fromarray(one) for one in images], COLOUR)
    for form in (images, images.transpose(0, 3, 1, 2), list(images)):
        batch, restore = as_batch(form, COLOUR)
        np.testing.assert_allclose(batch.numpy(), expected.numpy(), atol=1.01 / 255)
        back = restore(batch)
        alpha = back[:, 3] if isinstance(back, np.ndarray) and back.shape[1] == 4 else np.stack(list(back))[..., 3]
        assert (alpha == 255).all()


def test_how_a_camera_was_held_is_obeyed():
    image = Image.fromarray(pixels(6, 8))
    image.getexif()[0x0112] = 6  # to be turned by 90 degrees
    batch, _ = as_batch(image, GREY)
    np.testing.assert_array_equal((batch[0, 0] * 255).round().numpy(), np.rot90(np.asarray(image), -1))


def test_single_pictures_of_another_size_are_brought_to_it_and_back():
    small, large = Image.fromarray(np.full((8, 6), 200, np.uint8)), Image.fromarray(np.full((24, 30), 200, np.uint8))
    batch, restore = as_batch([small, large, np.asarray(large), np.asarray(large) / 255], GREY)
    assert batch.shape == (4, 1, 8, 6)
    assert (batch[1, 0, 0] == 0).all()  # wider than the model's: black above and below
    back = restore(batch)
    assert [np.shape(one) for one in back] == [(8, 6), (24, 30), (24, 30), (24, 30)]
    for one in back[:3]:
        assert np.abs(np.asarray(one).astype(int) - 200).max() <= 1
    assert np.abs(back[3] * 255 - 200).max() <= 1
