"""Pictures as cameras, phones, microscopes and other programs write them: right, said, or refused in one line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from unalter.data.dataset import read_altered, read_dataset
from unalter.data.decode import read_picture
from unalter.data.options import DataOptions
from unalter.data.picture_file import picture_values
from unalter.support.errors import InputError

ROWS, COLUMNS = np.mgrid[:16, :24]
GREY = (ROWS * 9 + COLUMNS * 4).astype(np.uint8)
COLOUR = np.stack([ROWS * 16, COLUMNS * 10, 255 - ROWS * 16], 2).astype(np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png16(values: np.ndarray, colour_type: int, more: bytes = b"") -> bytes:
    """A PNG of 16 bits, which Pillow writes of grey only."""
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def saved(picture: Image.Image | np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(file, kind, **options)
    return file.getvalue()


def tiff(values: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def turned(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def ycck(adobe: bool) -> bytes:
    """A JPEG of the colours YCCK, its inks inverted as Adobe writes them, or not."""
    ycc = np.asarray(Image.fromarray(COLOUR).convert("YCbCr"))
    ink = np.full(GREY.shape, 0 if adobe else 255, np.uint8)
    content = bytearray(
        saved(Image.fromarray(np.dstack([ycc if adobe else 255 - ycc, ink]), "CMYK"), "JPEG", quality=95)
    )
    content[content.find(b"Adobe") + 11] = 2  # Pillow writes CMYK; these four channels are YCCK
    return bytes(content)


def jpeg_in_tiff() -> bytes:
    """YCbCr as JPEG within a TIFF that calls it RGB."""
    jpeg = saved(COLOUR, "JPEG", quality=95, subsampling=0)
    height, width = GREY.shape
    tags = [(256, width), (257, height), (258, 122), (259, 7), (262, 2), (273, 128), (277, 3), (278, height),
            (279, len(jpeg))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag != 258 else 3, 3 if tag == 258 else 1, v) for tag, v in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    return head.ljust(122, b"\0") + struct.pack("<HHH", 8, 8, 8) + jpeg


def with_bad_exif() -> bytes:
    exif = turned()
    exif[282] = 1.0
    return saved(GREY, "JPEG", exif=exif, quality=98).replace(struct.pack(">II", 1, 1), bytes(8))


READ = {
    "12 bits of 16": (saved(GREY.astype(np.uint16) << 4, "PNG"), GREY),
    "8 bits of 16, TIFF": (tiff(GREY.astype(np.uint16)), GREY),
    "colour, 12 bits of 16, TIFF": (tiff(COLOUR.astype(np.uint16) << 4, photometric="rgb"), COLOUR),
    "colour, 12 bits of 16, packed TIFF": (tiff(COLOUR.astype(np.uint16) << 4, compression="zlib"), COLOUR),
    "colour, 12 bits of 16, PNG": (png16(COLOUR.astype(np.uint16) << 4, 2), COLOUR),
    "16 bits, PNG, turned": (saved(GREY.astype(np.uint16) << 8, "PNG", exif=turned()), np.rot90(GREY, -1)),
    "8 bits, PNG, turned": (saved(GREY, "PNG", exif=turned(3)), np.rot90(GREY, 2)),
    "16 bits, TIFF, turned": (
        saved(GREY.astype(np.uint16) << 8, "TIFF", tiffinfo={274: 8}, compression="tiff_lzw"), np.rot90(GREY),
    ),
    "WebP, mirrored": (saved(GREY, "WEBP", exif=turned(2), lossless=True), GREY[:, ::-1]),
    "a zero below a fraction in EXIF": (with_bad_exif(), np.rot90(GREY, -1)),
    "XMP that is no UTF-8": (saved(GREY, "JPEG", xmp=b"<x \xff\xfe\x80/>", quality=98), GREY),
    "YCCK": (ycck(adobe=False), COLOUR),
    "YCCK of Adobe": (ycck(adobe=True), COLOUR),
    "CMYK": (saved(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), COLOUR),
    "YCbCr as JPEG in a TIFF": (jpeg_in_tiff(), COLOUR),
    "white is 0, 16 bits": (tiff(65535 - (GREY.astype(np.uint16) << 8), photometric="miniswhite"), GREY),
    "floats of 0..1": (tiff((GREY / 255).astype(np.float32)), GREY),
    "floats of 64 bits": (tiff(GREY / 255), GREY),
    "floats of 16 bits": (tiff((GREY / 255).astype(np.float16)), GREY),
    "floats of 0..65535": (tiff((GREY * 257.0).astype(np.float32)), GREY),
    "floats of 0..255": (tiff(GREY.astype(np.float32)), GREY),
    "floats in colour": (tiff((COLOUR / 255).astype(np.float32), photometric="rgb"), COLOUR),
    "whole numbers of 32 bits": (tiff(GREY.astype(np.int32) << 4), GREY),
    "whole numbers of 32 bits without sign": (tiff(GREY.astype(np.uint32) << 24), GREY),
    "signed 16 bits": (tiff(GREY.astype(np.int16) << 4), GREY),
    "a phone's JPEG of two": (
        saved(GREY, "MPO", save_all=True, append_images=[Image.fromarray(GREY[::-1])], quality=98), GREY,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_a_picture_is_read_right(kind, tmp_path):
    content, expected = READ[kind]
    (tmp_path / "a.png").write_bytes(content)
    found = read_picture(tmp_path / "a.png").astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 2


def test_a_transparent_grey_lies_on_black_with_16_bits_too():
    content = png16(GREY.astype(np.uint16) << 8, 0, chunk(b"tRNS", struct.pack(">H", int(GREY[5, 5]) << 8)))
    np.testing.assert_array_equal(picture_values(content) >> 8, np.where(GREY[5, 5] == GREY, 0, GREY))


def test_half_transparent_16_bits_are_half_as_bright():
    content = png16(np.dstack([COLOUR.astype(np.uint16) << 8, np.full(GREY.shape, 32768, np.uint16)]), 6)
    assert np.abs((picture_values(content) >> 8) - COLOUR // 2.0).max() <= 1


OTHER = Image.fromarray(GREY[::-1])
REFUSED = {
    "a TIFF of pages": (tiff(np.stack([GREY] * 5)), "it holds 5 pictures"),
    "a stack of ImageJ": (tiff(np.stack([GREY] * 3), imagej=True), "it holds 3 pictures"),
    "channels of OME": (tiff(np.stack([GREY] * 2), ome=True, metadata={"axes": "CYX"}), "it holds 2 pictures"),
    "planes of 5 channels": (tiff(np.stack([GREY] * 5), planarconfig="separate"), r"shape \[5, 16, 24\]"),
    "APNG": (saved(GREY, "PNG", save_all=True, append_images=[OTHER]), "it holds 2 pictures"),
    "WebP that moves": (saved(GREY, "WEBP", save_all=True, append_images=[OTHER]), "it holds 2 pictures"),
    "GIF that moves": (saved(GREY, "GIF", save_all=True, append_images=[OTHER]), "it holds 2 pictures"),
    "HEIC called otherwise": (b"\0\0\0\x18ftypheic" + bytes(99), "a phone's HEIF; convert it to PNG"),
    "JPEG XL called otherwise": (b"\xff\n" + bytes(99), "JPEG XL; convert it"),
    "NaN": (tiff(np.full(GREY.shape, np.nan, np.float32)), "values that are no numbers"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "this is no picture"),
    "an empty file": (b"", "this is no picture"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_single_picture_is_refused_and_may_be_skipped(kind, tmp_path):
    content, words = REFUSED[kind]
    for i in range(3):
        Image.fromarray(GREY).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(content)
    with pytest.raises(InputError, match=rf"3\.png: cannot be read as a picture.*{words}"):
        read_altered(tmp_path)
    assert len(read_altered(tmp_path, DataOptions(skip_bad=True))) == 3


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, IndexError, AssertionError, MemoryError, OverflowError])
def test_whatever_a_decoder_raises_is_a_bad_picture(error, monkeypatch):
    def fail(*_, **__):
        raise error("of the decoder")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(ValueError, match="of the decoder"):
        picture_values(b"")


@pytest.mark.parametrize(
    ("values", "expected", "words"),
    [
        (GREY.astype(np.uint16) << 4, GREY, "they use 12 bits, so 4,095 is taken for white"),
        (GREY.astype(np.int64) - 100, None, "-100 is taken for black, 127 for white"),
        ((GREY / 127.5 - 1).astype(np.float32), GREY, "-1 is taken for black, 1 for white"),
        (GREY / 200 - 0.1, None, "what lies beyond is cut off"),
        (GREY > 99, np.where(GREY > 99, 255, 0), ""),
        ((GREY > 99).astype(np.uint8), np.where(GREY > 99, 255, 0), "pixels are 0 and 1 only"),
        (np.stack([GREY] * 3), GREY, ""),
        (np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)]), COLOUR, ""),
    ],
)
def test_one_array_a_picture(values, expected, words, tmp_path):
    for part in ("clean", "aug"):
        (tmp_path / part).mkdir()
        np.save(tmp_path / part / "a.npy", values)
    dataset = read_dataset(tmp_path)
    assert words in " ".join(dataset.notes)
    if expected is not None:
        found = dataset.clean.images[0].transpose(1, 2, 0).squeeze()
        assert np.abs(found - expected.astype(int)).max() <= 1


def test_one_rule_holds_for_all_of_a_set(tmp_path):
    """A dark picture stays darker than a bright one."""
    for part, shift in (("clean", 4), ("aug", 2)):
        (tmp_path / part).mkdir()
        Image.fromarray(GREY.astype(np.uint16) << shift).save(tmp_path / part / "a.png")
    dataset = read_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.clean.images[0, 0], GREY)
    np.testing.assert_array_equal(dataset.altered.images[0, 0], GREY >> 2)
    assert read_dataset(tmp_path).notes == dataset.notes  # kept in the cache


def test_wide_pictures_are_brought_to_one_size_too(tmp_path):
    for part in ("clean", "aug"):
        (tmp_path / part).mkdir()
        Image.fromarray(np.full((16, 8), 2048, np.uint16)).save(tmp_path / part / "a.png")
    images = read_dataset(tmp_path, DataOptions(resize=8)).clean.images
    np.testing.assert_array_equal(images[0, 0, 4], [0, 0, 128, 128, 128, 128, 0, 0])


def test_one_picture_in_colour_among_grey_ones_is_said(tmp_path):
    for part in ("clean", "aug"):
        (tmp_path / part).mkdir()
        for i in range(3):
            Image.fromarray(COLOUR if (part, i) == ("clean", 2) else GREY).save(tmp_path / part / f"{i}.png")
    dataset = read_dataset(tmp_path)
    assert dataset.altered.images.shape[1] == 3
    assert any("1 of 6 pictures are in colour (such as" in note and "2.png" in note for note in dataset.notes)


@pytest.mark.parametrize("suffix", [".heic", ".jxl", ".dcm", ".nef", ".czi", ".svg", ".npz", ".mp4"])
def test_other_kinds_of_files_are_named_with_a_way_out(suffix, tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    (tmp_path / f"b{suffix}").touch()
    with pytest.raises(InputError, match=rf"b\{suffix}: is not read \(.*(save|convert|develop)"):
        read_altered(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang_and_a_link_to_itself_is_named(tmp_path: Path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    (tmp_path / "c.png").symlink_to("c.png")
    with pytest.raises(InputError, match=r"b\.png: is a device or pipe(.|\n)*c\.png: cannot be read \(a link"):
        read_altered(tmp_path)
    assert read_altered(tmp_path, DataOptions(skip_bad=True)).names == ["a.png"]
