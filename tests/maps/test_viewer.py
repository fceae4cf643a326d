import base64
import dataclasses
import gzip
import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unalter.maps.packing import UNKNOWN, quantised_errors, quantised_points
from unalter.maps.thumbnails import PER_ATLAS, atlases, thumbnail_size
from unalter.maps.viewer import write_viewer
from unalter.support.errors import InputError


def blocks(path) -> dict[str, str]:
    """The text of every element that the page's script reads, by id."""
    found = re.findall(r'<script id="([^"]+)" type="[^"]+">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    return dict(found)


def unzipped(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))


def changed(page, **fields):
    return dataclasses.replace(page, images=dataclasses.replace(page.images, **fields))


def with_series(page, **fields):
    return dataclasses.replace(page, series=(dataclasses.replace(page.series[0], **fields), *page.series[1:]))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
def test_points_come_back_within_half_a_step(scale):
    points = scale * np.random.default_rng(0).normal([5, -2, 0], [1, 3, 0.1], (4, 200, 3)).astype(np.float32)
    low, high = points.min((0, 1)), points.max((0, 1))
    half = (high - low).max() / 2
    back = (quantised_points(points) / 65535 * 2 - 1) * half + (low + high) / 2
    assert np.abs(back - points).max() <= 1.01 * half / 65535


def test_points_that_all_agree_lie_in_the_middle():
    assert set(np.unique(quantised_points(np.full((2, 3, 3), 7, np.float32)))) <= {32767, 32768}


def test_errors_come_back_and_unknown_ones_stay_unknown():
    error = np.array([0.0, 0.25, 1.5, np.nan, -1e-7], np.float32)
    levels, most = quantised_errors(error)
    assert levels[3] == UNKNOWN and (levels[[0, 1, 2, 4]] < UNKNOWN).all()
    np.testing.assert_allclose(levels[:3] / (UNKNOWN - 1) * most, error[:3], atol=most / UNKNOWN)
    assert quantised_errors(np.full(3, np.nan))[0].tolist() == [UNKNOWN] * 3


def test_what_goes_in_can_be_read_back(page, lattice_file):
    found = blocks(lattice_file)
    about = json.loads(found["page"])
    assert about["title"] == page.title and about["classes"] == ["0", "1", "2"]
    assert [kind["hat"] for kind in about["kinds"]] == [0, None]
    assert json.loads(unzipped(found["names"])) == page.images.names
    assert np.frombuffer(unzipped(found["partner"]), "<i4").tolist() == page.images.partner.tolist()
    neighbours = np.frombuffer(unzipped(found["neighbours-1"]), "<i4").reshape(-1, 3)
    assert (neighbours == page.series[1].neighbours).all()
    points = np.frombuffer(unzipped(found["points-0-2"]), "<u2").reshape(-1, 3)
    assert (points == np.rint((page.series[0].points[2] + 1) / 2 * 65535)).all()


def test_nothing_that_a_page_holds_ends_its_element(page, tmp_path):
    evil = "</script><script>alert(1)</script><!--<script>"
    page = dataclasses.replace(with_series(page, name=evil, notes=(evil,) * 3), title=evil, facts=(evil, "\udcff"))
    write_viewer(tmp_path / "a.html", changed(page, names=[evil + "\udcff"] * 27))
    found = blocks(tmp_path / "a.html")
    about = json.loads(found["page"])
    assert about["title"] == about["kinds"][0]["name"] == about["facts"][0] == evil
    assert json.loads(unzipped(found["names"]))[0] == evil + "\udcff"
    assert "alert(1)</script>" not in (tmp_path / "a.html").read_text("utf-8")


def test_the_page_may_not_fetch_anything(lattice_file):
    text = lattice_file.read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)[^"']""", text.split("<script")[0])
    assert "@import" not in text and "url(" not in text.split("</style>")[0]


def test_the_licence_of_three_travels_along(lattice_file):
    assert re.search(r"Holds three\.js [\d.]+:\nThe MIT License", lattice_file.read_text("utf-8"))


def test_the_committed_template_was_built_from_these_sources(lattice_file):
    folder = Path(__file__).parents[2] / "viewer"
    sources = [*sorted((folder / "src").iterdir()), folder / "build.mjs", folder / "package-lock.json"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    assert f'name="source" content="{digest}"' in lattice_file.read_text("utf-8"), "run make viewer"


def test_a_page_is_the_same_every_time(page, lattice_file, tmp_path):
    write_viewer(tmp_path / "again.html", page)
    assert (tmp_path / "again.html").read_bytes() == lattice_file.read_bytes()


def test_no_thumbnails_where_none_are_wanted(page, lattice_file, tmp_path):
    write_viewer(tmp_path / "bare.html", page, thumbnails=False)
    assert {"altered-0", "clean-0", "hat-0-0"} <= blocks(lattice_file).keys()
    assert not {"altered-0", "clean-0", "hat-0-0"} & blocks(tmp_path / "bare.html").keys()


def test_series_share_reconstructions_that_are_the_same(page, tmp_path):
    second = dataclasses.replace(page.series[1], x_hat=page.series[0].x_hat.copy())
    write_viewer(tmp_path / "a.html", dataclasses.replace(page, series=(page.series[0], second)))
    found = blocks(tmp_path / "a.html")
    assert [kind["hat"] for kind in json.loads(found["page"])["kinds"]] == [0, 0]
    assert "hat-0-0" in found and "hat-1-0" not in found


def test_thumbnails_are_small_where_there_are_many():
    assert thumbnail_size((1, 28, 28), 1_000) == (28, 28)
    assert thumbnail_size((3, 256, 128), 1_000) == (32, 16)
    assert thumbnail_size((1, 8, 8), 1_000_000) == (8, 8)
    many = thumbnail_size((1, 28, 28), 300_000)
    assert many is not None and many[0] * many[1] * 300_000 <= 90e6
    assert thumbnail_size((1, 28, 28), 400_000) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_a_thumbnail_is_where_the_page_looks_for_it(channels):
    levels = np.random.default_rng(1).integers(0, 256, (PER_ATLAS + 40, channels))
    pictures = np.broadcast_to(levels[:, :, None, None], (*levels.shape, 48, 32)).astype(np.uint8)
    files = list(atlases(pictures, (24, 16)))
    assert len(files) == 2
    for index in (0, 31, 32, 1023, 1024, 1063):
        sheet = np.asarray(Image.open(io.BytesIO(files[index // PER_ATLAS])).convert("RGB")).astype(int)
        row, column = divmod(index % PER_ATLAS, 32)
        middle = sheet[24 * row + 8 : 24 * row + 16, 16 * column + 5 : 16 * column + 11].mean((0, 1))
        assert np.abs(middle - levels[index]).max() < 25


def test_arrays_that_do_not_belong_together_are_refused(page, tmp_path):
    series = page.series[0]
    wrong = {
        "points": (with_series(page, points=series.points[:, 1:]), r"points: expected floats of shape \[3, 27, 3\]"),
        "epochs": (with_series(page, epochs=(10, 10, 20)), "ascending"),
        "notes": (with_series(page, notes=("one",)), "a note for each of 3 epochs, got 1"),
        "nan": (with_series(page, points=series.points * np.nan), "not finite"),
        "neighbours": (with_series(page, neighbours=series.neighbours + 10), "neighbours: expected rows from 0 to 26"),
        "flat neighbours": (with_series(page, neighbours=series.neighbours[:, 0]), "neighbours: expected integers"),
        "error": (with_series(page, error=series.error[:3]), "AE: error"),
        "x_hat": (with_series(page, x_hat=series.x_hat[:, :, :8]), "AE: x_hat: expected uint8"),
        "labels": (changed(page, labels=page.images.labels[:4]), "labels: expected integers"),
        "x_alt": (changed(page, x_alt=page.images.x_alt / 255), "x_alt: expected uint8"),
        "channels": (changed(page, x_alt=page.images.x_alt.repeat(2, 1)), "1 or 3 channels"),
        "flat": (changed(page, x_alt=page.images.x_alt[:, 0]), "1 or 3 channels"),
        "clean": (changed(page, clean=page.images.clean[:, :, :4]), "clean: expected uint8"),
        "partner": (changed(page, partner=page.images.partner + 5), "partner: expected rows from -1 to 13"),
        "names": (changed(page, names=[]), "at least one picture"),
        "series": (dataclasses.replace(page, series=()), "at least one picture and one series"),
    }
    for name, (bad, said) in wrong.items():
        with pytest.raises(InputError, match=said):
            write_viewer(tmp_path / f"{name}.html", bad)
        assert list(tmp_path.iterdir()) == []
