"""A page of maps whose every answer is known by construction, and a real browser to open it in."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from unalter.maps.viewer import MapPage, MappedPictures, MapSeries, write_viewer

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
        pictures=MappedPictures(names, rows % 3, flat(LEVELS), flat(LEVELS[::2] // 2), partner),
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


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable; installed where that is possible, else the tests are skipped."""
    if _installed() is None and shutil.which("apt-get") and os.geteuid() == 0:
        _install()
    found = _installed()
    if found is None:
        pytest.skip("no Chromium here, and it could not be installed (apt-get install chromium, as root)")
    return found


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _install() -> None:
    import fcntl

    with open(Path(tempfile.gettempdir()) / "unalter-tests-chromium.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be at it
        if _installed() is not None:
            return
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in ("update -qq", "install -y -qq --no-install-recommends chromium"):
            subprocess.run(["apt-get", *command.split()], env=environment, stdout=subprocess.DEVNULL, check=False)


@pytest.fixture(scope="session")
def launch(chromium):
    """Start a headless Chromium with further flags; closed when the tests end."""
    from playwright.sync_api import sync_playwright

    flags = (
        "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update "
        "--disable-sync --use-angle=swiftshader --enable-unsafe-swiftshader"
    )
    with sync_playwright() as playwright:

        def start(*more: str):
            return playwright.chromium.launch(executable_path=chromium, args=[*flags.split(), *more])

        yield start


@pytest.fixture(scope="session")
def browser(launch):
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser, lattice_file):
    """Open the page in a window of its own; whatever it asked the network for or complained of fails the test."""
    seen = []

    def opened(where=browser, file: Path = lattice_file, **window):
        usual = {"viewport": {"width": 900, "height": 600}, "reduced_motion": "reduce", "color_scheme": "light"}
        tab = where.new_context(**(usual | window)).new_page()
        tab.set_default_timeout(15_000)
        tab.on("request", lambda request: seen.append(request.url) if request.url != file.as_uri() else None)
        tab.on("console", lambda message: seen.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: seen.append(str(error)))
        tab.goto(file.as_uri())
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield opened
    for context in browser.contexts:
        context.close()
    assert [url for url in seen if not url.startswith(("blob:", "data:"))] == []
