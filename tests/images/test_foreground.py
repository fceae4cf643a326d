import torch

from unalter.data.digits import load_digits
from unalter.images.foreground import background_level, foreground, pixel_centres

DIGITS = torch.from_numpy(load_digits("test")[0][:32, None]).float() / 255


def test_an_inverted_picture_has_the_inverted_foreground():
    noise = torch.rand(32, 3, 27, 28, generator=torch.Generator().manual_seed(4))
    for x in (DIGITS, 0.3 + 0.5 * DIGITS, noise):
        torch.testing.assert_close(foreground(1 - x), -foreground(x))
        torch.testing.assert_close(background_level(1 - x), 1 - background_level(x))


def test_the_ground_is_0_whatever_its_level():
    torch.testing.assert_close(foreground(DIGITS), DIGITS)  # white on black: it is all foreground
    torch.testing.assert_close(foreground(0.3 + 0.5 * DIGITS), 0.5 * DIGITS)


def test_pixels_fill_the_row_from_edge_to_edge():
    for size in (1, 4, 7):
        torch.testing.assert_close(pixel_centres(size), (2 * torch.arange(size) + 1) / size - 1)
