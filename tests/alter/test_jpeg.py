"""JPEG in torch against Pillow's own."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from unalter.alter import Jpeg, KeyedDraws, fold_in
from unalter.alter.kinds import jpeg
from unalter.data.digits import load_digits


def smooth(channels: int, height: int, width: int) -> np.ndarray:
    """Pictures uint8 [20, C, H, W] of soft shapes that reach to black and to white."""
    noise = np.random.default_rng(0).normal(size=(20, channels, height, width))
    soft = gaussian_filter(noise, (0, 0, 1.5, 1.5))
    return np.clip(soft / soft.std() * 60 + 128, 0, 255).astype(np.uint8)


def by_pillow(images: np.ndarray, quality: int) -> np.ndarray:
    made = []
    for picture in images:
        file = io.BytesIO()
        Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)).save(
            file, "JPEG", quality=quality
        )
        pixels = np.asarray(Image.open(file))
        made.append(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    return np.stack(made)


def by_torch(images: np.ndarray, low: float, high: float) -> np.ndarray:
    x = torch.from_numpy(images).float() / 255
    made = Jpeg(quality=(low, high))(x, KeyedDraws(fold_in(0, torch.arange(len(x))))) * 255
    assert torch.equal(made.round(), made.round().clamp(0, 255))
    return made.round().byte().numpy()


PICTURES = {
    "digits": load_digits("test")[0][:60, None],
    "grey": smooth(1, 28, 28),
    "grey-odd": smooth(1, 33, 20),
    "colour": smooth(3, 28, 28),
    "colour-odd": smooth(3, 33, 20),
    "colour-wide": smooth(3, 9, 31),
}


@pytest.mark.parametrize("quality", [5, 20, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_come_out_as_pillow_leaves_them(name, quality):
    images = PICTURES[name]
    expected, made = by_pillow(images, quality).astype(int), by_torch(images, quality, quality).astype(int)
    wrong = np.abs(made - expected)
    # libjpeg's integers are a little off: now and then a coefficient is rounded the other way; colours round twice more
    colour = images.shape[1] == 3
    assert wrong.mean() < (0.25 if colour else 0.1)
    assert (wrong > 3).mean() < (0.03 if colour else 0.01)
    loss = np.abs(expected - images).mean()
    assert wrong.mean() < 0.15 * loss or quality >= 95  # where hardly anything is lost


def test_every_picture_has_its_own_quality():
    images = np.repeat(PICTURES["grey"][:1], 200, 0)
    errors = np.abs(by_torch(images, 5, 95).astype(int) - images).mean((1, 2, 3))
    quality = 5 + 90 * KeyedDraws(fold_in(0, torch.arange(200))).uniform(2)[:, 1]
    assert np.corrcoef(errors, quality)[0, 1] < -0.7
    assert len(np.unique(errors)) > 50


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 80, 100])
def test_tables_are_those_that_pillow_writes(quality):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    written = Image.open(file).quantization
    for number, base in enumerate((jpeg._LUMINANCE, jpeg._CHROMINANCE)):
        assert jpeg._table(base, torch.tensor([float(quality)])).flatten().tolist() == list(written[number])


def test_plain_pictures_stay_plain():
    plain = np.arange(0, 256, 5, dtype=np.uint8)[:, None, None, None].repeat(11, 2).repeat(18, 3)
    made = by_torch(plain, 60, 60).astype(int)
    assert (made == made[:, :, :1, :1]).all()
    assert np.abs(made - plain).max() <= 1 + 16 * 0.8 / 16
