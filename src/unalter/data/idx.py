"""IDX, the file format of MNIST (http://yann.lecun.com/exdb/mnist/, at the bottom of the page)."""

import gzip
import math
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from unalter.support.errors import InputError

# The third byte of the file names the type; numbers are big-endian.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def is_idx(path: Path) -> bool:
    """Whether a file is likely to be IDX, plain or gzip: by its name, or by how it begins."""
    if re.search(r"idx\d-ubyte", path.name):
        return True
    with open(path, "rb") as file:
        start = file.read(4)
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and start[3] > 0


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file, plain or gzip (told apart by content, not by name).

    Returns a writable array with the shape that the file states ([N,28,28] for MNIST's images, [N] for its
    labels) and the file's type in native byte order: uint8, int8, int16, int32, float32 or float64.

    Raises:
        InputError: the file cannot be read, is no IDX file, or holds less or more than its header states.
    """
    path = Path(path)
    content = _content(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES or content[3] == 0:
        raise InputError(
            f"{path} is not an IDX file: it starts with {content[:4].hex(' ') or 'nothing'}, "
            "expected 00 00, a type code, the number of dimensions. Give a file such as MNIST's *-ubyte.gz."
        )
    dtype, dimensions = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise InputError(f"{path} is cut off within its header ({len(content)} of {start} bytes). Fetch it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    found, expected = len(content) - start, math.prod(shape) * dtype.itemsize
    if found != expected:
        what = "is cut off" if found < expected else "has bytes left over"
        raise InputError(
            f"{path} {what}: its header states shape {list(shape)}, {expected} bytes of data, "
            f"but {found} follow. Fetch it again."
        )
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def _content(path: Path) -> bytes:
    """All bytes of the file, unpacked if it is gzip."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is a damaged gzip file: {error}. Fetch it again.") from error
