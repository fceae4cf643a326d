"""A page of maps whose every answer is known by construction."""

from pathlib import Path

import numpy as np
import pytest

from unalter.maps.contents import MapPage, MappedImages, MapSeries
from unalter.maps.viewer import write_viewer

LATTICE = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
"""27 points; the home view looks at the middle one, row 13, and no other is before it."""
COUNT = len(LATTICE)
LEVELS = np.linspace(0, 255, COUNT).astype(np.uint8)
"""Altered picture i is of this grey."""
ODD_NAME = "</script><b>grün & 'x'.png"


def flat(levels: np.ndarray) -> np.ndarray:
    """Pictures of one grey each: uint8 [N, 1, 16, 16]."""
    return np.broadcast_to(levels[:, None, None, None], (len(levels), 1, 16, 16)).copy()


def rolled(by: int) -> np.ndarray:
    """The lattice with row 13 - by in the middle."""
    return np.roll(LATTICE, -by, axis=0)


def lattice_page() -> MapPage:
    rows = np.arange(COUNT)
    partner = np.where(rows % 2 == 0, rows // 2, -1)
    names = [ODD_NAME if i == 5 else f"aug_{i}_{i % 3}.png" for i in range(COUNT)]
    neighbours = ((rows[:, None] + [1, 2, 3]) % COUNT).astype(np.int32)
    error = np.where(partner >= 0, rows / COUNT, np.nan).astype(np.float32)
    return MapPage(
        title="Lattice <of> maps",
        facts=("27 pictures", "no network"),
        images=MappedImages(names, rows % 3, flat(LEVELS), flat(LEVELS[::2] // 2), partner),
        series=(
            MapSeries(
                "AE", (10, 20, 30), np.stack([rolled(0), rolled(1), rolled(2)]), ("ten", "twenty", "thirty"),
                neighbours, error, flat(255 - LEVELS),
            ),
            MapSeries(
                "VAE means", (20, 40), np.stack([rolled(5), rolled(6)]), ("vae twenty", "vae forty"),
                neighbours[:, ::-1], error / 2,
            ),
        ),
    )  # fmt: skip


@pytest.fixture
def page() -> MapPage:
    return lattice_page()


@pytest.fixture(scope="session")
def lattice_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("viewer") / "maps.html"
    write_viewer(path, lattice_page())
    return path


@pytest.fixture
def open_page(open_file, lattice_file):
    """Open the page in a window of its own, and wait until it can be used."""

    def opened(where=None, file: Path = lattice_file, **window):
        usual = {"viewport": {"width": 900, "height": 600}}
        tab = open_file(file, where, **(usual | window))
        tab.wait_for_selector("html[data-ready]")
        return tab

    return opened
