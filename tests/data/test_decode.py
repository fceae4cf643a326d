import numpy as np
import pytest
from PIL import Image

from unalter.data.dataset import read_altered, read_dataset
from unalter.data.decode import read_picture
from unalter.images.sheet import write_picture
from unalter.support.errors import InputError

RNG = np.random.default_rng(1)


def pixels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def test_rows_are_the_files_pixel_for_pixel(tmp_path):
    clean, altered = pixels(3, 1, 5, 4), pixels(2, 1, 5, 4)
    for name, images in (("clean", clean), ("aug", altered)):
        for i, picture in enumerate(images):
            write_picture(tmp_path / name / f"{name}_{i}_0.png", picture)
    dataset = read_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.clean.images, clean)
    np.testing.assert_array_equal(dataset.altered.images, altered)


def test_equal_channels_are_grey(tmp_path):
    grey = pixels(5, 4)
    Image.fromarray(grey).convert("RGB").save(tmp_path / "a_0_0.png")
    Image.fromarray(grey).convert("RGBA").save(tmp_path / "a_1_0.png")
    Image.fromarray(grey).convert("LA").save(tmp_path / "a_2_0.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "a_3_0.png")
    images = read_altered(tmp_path).images
    assert images.shape == (4, 1, 5, 4)
    for picture in images:
        np.testing.assert_array_equal(picture[0], grey)


def test_black_and_white_becomes_0_and_255(tmp_path):
    bits = pixels(5, 4) > 127
    Image.fromarray(bits).save(tmp_path / "a_0_0.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a_0_0.png"), bits * np.uint8(255))


def test_true_colour_stays_and_grey_beside_it_gets_three_equal_channels(tmp_path):
    colour, grey = pixels(3, 5, 4), pixels(5, 4)
    write_picture(tmp_path / "a_0_0.png", colour)
    write_picture(tmp_path / "a_1_0.png", grey)
    images = read_altered(tmp_path).images
    np.testing.assert_array_equal(images, [colour, np.stack([grey] * 3)])


def test_one_pixel_of_colour_makes_a_colour_picture(tmp_path):
    colour = np.repeat(pixels(1, 5, 4), 3, axis=0)
    colour[2, 4, 3] ^= 1
    write_picture(tmp_path / "a_0_0.png", colour)
    np.testing.assert_array_equal(read_picture(tmp_path / "a_0_0.png"), colour.transpose(1, 2, 0))


def test_all_unusable_pictures_are_reported_together(tmp_path):
    for i in range(3):
        write_picture(tmp_path / "clean" / f"c_{i}_0.png", pixels(5, 4))
        write_picture(tmp_path / "aug" / f"a_{i}_0.png", pixels(5, 4))
    write_picture(tmp_path / "clean" / "wide_8_0.png", pixels(5, 7))
    (tmp_path / "aug" / "text_9_0.png").write_text("not a picture")
    (tmp_path / "aug" / "void_9_1.png").touch()
    whole = (tmp_path / "aug" / "a_0_0.png").read_bytes()
    (tmp_path / "aug" / "half_9_3.png").write_bytes(whole[: len(whole) - 25])
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    message = str(caught.value)
    assert "wide_8_0.png: 7 x 5 pixels where most have 4 x 5" in message
    for name in ("text_9_0.png", "void_9_1.png", "half_9_3.png"):
        assert f"{name}: cannot be read as a picture" in message
    assert "c_0_0.png" not in message
    assert len(message.splitlines()) == 5


@pytest.mark.parametrize(
    "suffix",
    [".png", ".jpg", ".JPEG", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".jp2", ".avif", ".npy"],
)
def test_every_usual_kind_of_file_is_read(tmp_path, suffix):
    grey = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    lossy = suffix in (".jpg", ".JPEG", ".jfif", ".avif")
    options = {"lossless": True} if suffix == ".webp" else {"quality": 100} if lossy else {}
    if suffix == ".npy":
        np.save(tmp_path / "a_0_3.npy", grey)
    else:
        Image.fromarray(grey).save(tmp_path / f"a_0_3{suffix}", **options)
    pictures = read_altered(tmp_path)
    assert pictures.label_names == ("3",)
    assert np.abs(pictures.images[0, 0].astype(int) - grey).max() <= (2 if options.get("quality") else 0)


def test_what_is_transparent_lies_on_black(tmp_path):
    grey, alpha = pixels(5, 4), np.full((5, 4), 255, np.uint8)
    alpha[2:] = 0
    alpha[1] = 128
    Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)]).save(tmp_path / "a_0_0.png")
    read = read_picture(tmp_path / "a_0_0.png")
    np.testing.assert_array_equal(read[0], grey[0])
    np.testing.assert_allclose(read[1], grey[1] * (128 / 255), atol=1)
    assert (read[2:] == 0).all()
    palette = Image.fromarray(np.zeros((5, 4), np.uint8), "P")
    palette.putpalette([200, 200, 200])
    palette.save(tmp_path / "a_1_0.png", transparency=0)
    assert (read_picture(tmp_path / "a_1_0.png") == 0).all()


def test_of_sixteen_bits_the_upper_eight_are_taken(tmp_path):
    deep = RNG.integers(0, 2**16, (5, 4)).astype(np.uint16)
    for name in ("a_0_0.png", "a_1_0.tif"):
        Image.fromarray(deep).save(tmp_path / name)
        np.testing.assert_array_equal(read_picture(tmp_path / name), deep >> 8)


def test_a_camera_that_was_held_upright_is_believed(tmp_path):
    grey = pixels(5, 4)
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise
    Image.fromarray(grey).save(tmp_path / "a_0_0.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a_0_0.png"), np.rot90(grey, -1))
