import numpy as np
import pytest
from PIL import Image

from unalter.images.convert import to_uint8
from unalter.images.sheet import contact_sheet, write_picture

RNG = np.random.default_rng(0)


def pixels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


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
