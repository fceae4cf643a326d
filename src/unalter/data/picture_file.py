"""One picture file to an array, with all the values that it holds."""

from __future__ import annotations

import io
import re
import struct
import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from unalter.data.sources import OTHER_KINDS
from unalter.support.errors import first_line

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "DIB", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Of Pillow's; others would run programs (EPS) or read what nobody means by a picture."""
_ORIENTATION, _PHOTOMETRIC, _COMPRESSION, _REDUCED, _SAMPLE = 274, 262, 259, 254, 339
"""Tags of TIFF, the first one of EXIF too."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How files of TIFF and BigTIFF begin."""
_BLACK_INK = 250
"""Of 255: no picture is covered by so much of it throughout and has other inks that vary below."""


def picture_values(content: bytes, name: str = "") -> np.ndarray:
    """The picture in a file's bytes, as `pillow_values`; of a name that ends in .npy an array of numpy.

    Raises:
        ValueError: it is cut short, is not a picture, or holds several.
    """
    if name.lower().endswith(".npy"):
        return _of_npy(content)
    from PIL import Image, UnidentifiedImageError  # the parser of `--help` does not need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow: what it can mend by itself
            with Image.open(io.BytesIO(content), formats=_formats()) as picture:
                return pillow_values(picture, content)
    except UnidentifiedImageError:
        if content[:4] in _TIFF:
            return _of_tiff(content)
        kind = next((kind for start, kind in _STARTS if re.match(start, content[:132], re.DOTALL)), "")
        more = f": {OTHER_KINDS[kind]}" if kind else ", or one of an unknown format"
        raise ValueError(f"this is no picture that is read{more}" if kind else f"this is no picture{more}") from None
    except Exception as error:  # decoders raise whatever they like for what is damaged: struct.error, ZeroDivisionError
        raise ValueError(first_line(error)) from None


def pillow_values(picture: PillowImage, content: bytes = b"") -> np.ndarray:
    """A picture of Pillow as [H, W] or, where its channels differ, [H, W, 3].

    uint8; or uint16, int32 or float32 where it holds more. What is transparent lies on black; a camera's note of how it
    was held is obeyed.

    Args:
        picture: of any mode.
        content: the file that it is from, where there is one: 16 bits of a colour are read from that.

    Raises:
        ValueError: it holds several pictures.
    """
    if (count := _pictures_in(picture)) > 1:
        raise ValueError(f"it holds {count} pictures (frames, pages or channels): save each as a file of its own")
    rawmode = _rawmode(picture)
    is_ycc = picture.format == "TIFF" and _is_ycc(picture, content)
    negative = picture.format == "TIFF" and _tag(picture, _PHOTOMETRIC) == 0  # Pillow minds it up to 8 bits
    is_unsigned = picture.format == "TIFF" and 1 in (_tag(picture, _SAMPLE) or (1,))
    is_signed = picture.format == "TIFF" and 2 in (_tag(picture, _SAMPLE) or (1,))
    picture.load()
    if picture.mode.startswith("I;16"):
        values: np.ndarray = np.asarray(picture).astype(np.uint16)
        values = ~values if negative else values
    elif picture.mode in ("I", "F"):
        values = np.array(picture)
        if is_unsigned and picture.mode == "I":
            values = values.view(np.uint32).astype(np.int64)
    elif is_signed and picture.mode == "L":
        values = np.array(picture).view(np.int8).astype(np.int64)
    elif content and re.fullmatch("RGBA?;16[BLN]", rawmode) and picture.mode == rawmode[:-4]:
        low = _low_bytes(content, rawmode)
        values = np.asarray(picture).astype(np.uint16) << 8 | low
        if values.shape[2] == 4:
            values = (values[..., :3] * (values[..., 3:] / 65535)).astype(np.uint16)
    else:
        return plain(_turned(_eight_bits(picture, is_ycc), _orientation(picture)))
    key = picture.info.get("transparency")
    if key is not None:
        clear = (values == np.array(key)) if values.ndim == 2 else (values == np.array(key)).all(2)
        values[clear] = 0
    return plain(_turned(values, _orientation(picture)))


def plain(pixels: np.ndarray) -> np.ndarray:
    """[H, W] in place of [H, W, 3] where the channels are equal."""
    if pixels.ndim == 3:
        first = pixels[..., 0]
        if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
            return first
    return pixels


def _eight_bits(picture: PillowImage, is_ycc: bool) -> np.ndarray:
    from PIL import Image, ImageChops

    if is_ycc:
        picture = Image.merge("YCbCr", picture.split())
    if picture.mode == "CMYK":
        lows, highs = zip(*picture.getextrema(), strict=True)  # pyright: ignore[reportArgumentType]
        if lows[3] >= _BLACK_INK and lows[:3] != highs[:3]:
            picture = ImageChops.invert(picture)  # Pillow takes all JPEG for inverted, as Adobe's are
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    if picture.mode not in ("L", "RGB"):
        picture = picture.convert("L" if picture.mode in ("1", "LA") else "RGB")
    return np.asarray(picture)


def _of_npy(content: bytes) -> np.ndarray:
    try:
        return _of_array(np.load(io.BytesIO(content), allow_pickle=False))
    except Exception as error:  # numpy raises half a dozen types for what is damaged
        raise ValueError(first_line(error)) from None


def _of_tiff(content: bytes) -> np.ndarray:
    """A TIFF of a kind that Pillow does not read: floats of 16 or 64 bits, of several channels, channels in planes."""
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            return _of_array(file.asarray())
    except Exception as error:
        raise ValueError(first_line(error)) from None


def _of_array(values: np.ndarray) -> np.ndarray:
    """One picture [H, W], [H, W, 1, 3 or 4] or [1, 3 or 4, H, W]: bool, whole numbers or floats."""
    shape = list(values.shape)
    if values.ndim == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4):
        values = values.transpose(1, 2, 0)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if (values.ndim != 2 and not (values.ndim == 3 and values.shape[2] in (3, 4))) or 0 in shape:
        raise ValueError(f"expected one picture [H, W] or [H, W, 3], got an array of shape {shape}")
    if values.dtype.kind not in "buif":
        raise ValueError(f"expected numbers, got an array of {values.dtype}")
    if values.ndim == 3 and values.shape[2] == 4:
        most = np.iinfo(values.dtype).max if values.dtype.kind == "u" else max(1, values[..., 3].max())
        values = (values[..., :3] * (values[..., 3:] / most)).astype(values.dtype)
    if values.dtype.kind == "b":
        return values * np.uint8(255)
    if values.dtype.kind == "f":
        return plain(values.astype(np.float32))
    return plain(values if values.dtype in (np.uint8, np.uint16) else values.astype(np.int64))


@cache
def _formats() -> list[str]:
    """Those of `_FORMATS` that this Pillow has."""
    from PIL import Image

    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _pictures_in(picture: PillowImage) -> int:
    """How many pictures a file holds; previews, masks and what a phone adds to its JPEG are none."""
    count = getattr(picture, "n_frames", 1)
    if picture.format == "MPO":
        return 1
    if picture.format == "TIFF":
        described = str(_tag(picture, 270) or "")
        in_one = re.search(r"^images=(\d+)", described, re.MULTILINE) if described.startswith("ImageJ=") else None
        if count > 1:
            whole = 0
            for frame in range(count):
                picture.seek(frame)
                whole += not int(_tag(picture, _REDUCED) or 0) & 0b101
            picture.seek(0)
            count = max(1, whole)
        count = max(count, int(in_one[1]) if in_one else 1)
    return count


def _tag(picture: PillowImage, tag: int) -> Any:
    return getattr(picture, "tag_v2", {}).get(tag)


def _orientation(picture: PillowImage) -> int:
    """How a camera was held, 1 to 8 as EXIF has it; a note that cannot be read says nothing, the pixels are fine."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels as they were seen."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def _rawmode(picture: PillowImage) -> str:
    """How the pixels lie in the file, in Pillow's words."""
    tiles = getattr(picture, "tile", None)
    args = tiles[0][3] if tiles else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def _low_bytes(content: bytes, rawmode: str) -> np.ndarray:
    """The lower bytes of a picture of 16 bits a colour; Pillow gives the upper ones, unless told to swap the two."""
    from PIL import Image

    native, other = ("L", "B") if sys.byteorder == "little" else ("B", "L")
    swapped = rawmode[:-1] + {"L": "B", "B": "L", "N": other}.get(rawmode[-1], native)
    with Image.open(io.BytesIO(content), formats=_formats()) as again:
        again.tile = [
            tile._replace(args=swapped if isinstance(tile.args, str) else (swapped, *tile.args[1:]))  # pyright: ignore
            for tile in again.tile
        ]
        return np.asarray(again).astype(np.uint16)


def _is_ycc(picture: PillowImage, content: bytes) -> bool:
    """Whether the JPEG within a TIFF holds YCbCr, though the TIFF says RGB, which libtiff believes."""
    if not (_tag(picture, _COMPRESSION) == 7 and _tag(picture, _PHOTOMETRIC) == 2 and picture.mode == "RGB"):
        return False
    offsets = _tag(picture, 273) or _tag(picture, 324) or (0,)
    at, is_jfif = offsets[0] + 2, False
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, length = struct.unpack(">BH", content[at + 1 : at + 4])
        body = content[at + 4 : at + 2 + length]
        if marker == 0xE0 and body[:4] == b"JFIF":
            is_jfif = True
        elif marker == 0xEE and body[:5] == b"Adobe":
            return body[11:12] == b"\1"
        elif marker in (0xC0, 0xC1, 0xC2):
            return is_jfif or body[6:15:3] == b"\1\2\3"  # the components' names; those of RGB are R, G and B
        at += 2 + length
    return False


_STARTS = (
    (rb"....ftyp(hei|hev|mif1|msf1)", ".heic"),
    (rb"\xff\n|....JXL ", ".jxl"),
    (rb".{128}DICM", ".dcm"),
)
"""How kinds of files begin that people rename to .jpg, or that their phones do."""
