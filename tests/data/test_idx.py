import gzip
import struct

import numpy as np
import pytest

from unalter.data.idx import read_idx
from unalter.support.errors import InputError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("dtype", CODES)
def test_what_is_written_is_read(tmp_path, dtype, compress):
    array = np.random.default_rng(0).integers(-100, 100, (5, 4, 3)).astype(dtype)
    path = tmp_path / "any-name"
    path.write_bytes(compress(idx_bytes(array)))

    read = read_idx(path)

    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.flags.writeable


def test_one_dimension_and_no_entries(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(np.zeros(0, np.uint8)))
    assert read_idx(path).shape == (0,)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("kept", [0, 3, 4, 15, 16, 75])
def test_truncated_data_is_an_input_error(tmp_path, images, kept, compress):
    path = tmp_path / "images"
    path.write_bytes(compress(idx_bytes(images)[:kept]))
    with pytest.raises(InputError, match="images"):
        read_idx(path)


def test_truncated_gzip_is_an_input_error(tmp_path, images):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(images))[:-20])
    with pytest.raises(InputError, match="damaged gzip"):
        read_idx(path)


def test_bytes_left_over_are_an_input_error(tmp_path, images):
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(images) + b"\0")
    with pytest.raises(InputError, match=r"60 bytes of data, but 61"):
        read_idx(path)


@pytest.mark.parametrize("start", [b"\x89PNG", b"\0\1\x08\3", b"\0\0\x07\3", b"\0\0\x08\0"])
def test_wrong_magic_is_an_input_error(tmp_path, images, start):
    path = tmp_path / "images"
    path.write_bytes(start + idx_bytes(images)[4:])
    with pytest.raises(InputError, match="not an IDX file"):
        read_idx(path)


def test_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path / "nothing")
