"""Pictures as the rows of an array."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from unalter.data.sources import Listed, Source, nothing, stamp_of
from unalter.images.convert import to_uint8


def list_arrays(file: Path, names: tuple[str, ...], label_names: tuple[str, ...]) -> Listed:
    """The rows of an npy file, or of the array in an npz file that has one of `names`; labels likewise, if any."""
    try:
        with open(file, "rb") as opened:
            stored = np.load(opened, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                return list_array(file, stored, None)
            images = next((stored[name] for name in names if name in stored), None)
            labels = next((stored[name] for name in label_names if name in stored), None)
            has = ", ".join(stored.files)
    except Exception as error:  # numpy raises half a dozen types for what is damaged, and ValueError for objects
        return nothing(file, f"{file}: cannot be read as arrays of numpy ({str(error).splitlines()[0][:160]})")
    if images is None:
        wanted = " or ".join(repr(name) for name in names)
        return nothing(file, f"{file}: needs an array called {wanted}, has {has or 'none'}")
    return list_array(file, images, labels)


def list_array(file: Path, images: np.ndarray, labels: np.ndarray | None) -> Listed:
    """The rows of `images`: uint8 or float in 0..1, [N, H, W], [N, H, W, 1 or 3] or [N, 1 or 3, H, W]; labels [N]."""
    shape = images.shape
    if images.ndim == 4 and shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] == 3):
        return nothing(file, f"{file}: expected pictures [N, H, W], [N, H, W, 3] or [N, 3, H, W], got {list(shape)}")
    if images.dtype.kind == "f" and images.size and images.min() >= 0 and images.max() <= 1:
        images = to_uint8(images)
    if images.dtype != np.uint8:
        found = f"{images.dtype} from {images.min():g} to {images.max():g}" if images.size else str(images.dtype)
        return nothing(file, f"{file}: expected uint8 (0..255) or float (0..1), got {found}")
    if len(images) == 0:
        return nothing(file, f"{file}: has no picture in it")
    if labels is not None and labels.shape != (len(images),):
        return nothing(file, f"{file}: expected {len(images):,} labels, one a picture, got {list(labels.shape)}")
    stamps = [stamp_of(file.stat())] * len(images)
    names = [str(i) for i in range(len(images))]
    given = None if labels is None else [str(label) for label in labels.tolist()]
    return Source(file, names, stamps, partial(_row, images), given, is_array=True), [], []


def _row(images: np.ndarray, name: str) -> np.ndarray:
    return images[int(name)]
