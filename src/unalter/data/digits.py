"""The digits shipped with the package: 6,000 of MNIST's test files, see digits.LICENSE.md."""

from pathlib import Path
from typing import Literal, get_args

import numpy as np

from unalter.support.errors import InputError

Part = Literal["train", "test"]
CLASSES = 10

_FILE = Path(__file__).with_name("digits.npz")


def load_digits(part: Part = "train") -> tuple[np.ndarray, np.ndarray]:
    """The shipped digits of one part, every class equally often, classes mixed (in MNIST's order).

    Returns images [N,28,28] uint8, white (255) on black (0), and labels [N] int64 in 0..9; N is 5,000 for
    "train" and 1,000 for "test". No digit is in both.

    Raises:
        InputError: unknown part.
    """
    if part not in get_args(Part):
        raise InputError(f"The shipped digits have no part {part!r}: choose one of {', '.join(get_args(Part))}.")
    with np.load(_FILE) as stored:
        return stored[f"{part}_images"], stored[f"{part}_labels"].astype(np.int64)


def write_digit_folder(directory: Path, part: Part = "train", count: int | None = None) -> Path:
    """Write shipped digits as PNG files `clean_I_L.png` (I counts from 0, L is the label), return the folder.

    The folder is made if need be. `count` digits are written, the first count/10 of each class; None writes
    the whole part.

    Raises:
        InputError: unknown part, a count that is no multiple of 10 or more than there are, or a folder that
            already holds other PNG files (they would silently become part of the data set).
    """
    images, labels = load_digits(part)
    if count is not None:
        if count <= 0 or count % CLASSES or count > len(labels):
            raise InputError(
                f"Cannot write {count} digits of {part!r}: every class is written equally often, "
                f"so give a multiple of {CLASSES} from {CLASSES} to {len(labels)}."
            )
        keep = first_of_each_class(labels, count // CLASSES)
        images, labels = images[keep], labels[keep]

    directory = Path(directory)
    names = [f"clean_{i}_{label}.png" for i, label in enumerate(labels)]
    others = {file.name for file in directory.glob("*.png")} - set(names)
    if others:
        raise InputError(
            f"{directory} already holds {len(others)} other PNG files, such as {min(others)}. "
            "Empty it or choose another folder."
        )

    from PIL import Image

    directory.mkdir(parents=True, exist_ok=True)
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(directory / name)
    return directory


def first_of_each_class(labels: np.ndarray, count: int, skip: int = 0) -> np.ndarray:
    """Ascending indices [10 * count] into `labels` [N]: `count` of each class, after its first `skip`."""
    chosen = [np.flatnonzero(labels == label)[skip : skip + count] for label in range(CLASSES)]
    return np.sort(np.concatenate(chosen))
