"""The page of a run, and the map command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import unalter
from unalter.cli.main import cli
from unalter.commands.map import map as map_data
from unalter.data.dataset import read_dataset
from unalter.images.metrics import ssim
from unalter.maps.run_page import errors_of, mapped_images
from unalter.maps.store import load_maps
from unalter.pairing.pairs import read_pairs
from unalter.runs.folder import RunFolder
from unalter.support.errors import InputError


def test_a_run_has_a_page_with_every_map_of_every_model(small_run: Path):
    page = (small_run / "maps.html").read_text("utf-8")
    for name in ("AE", "VAE means", "VAE samples", "CVAE means", "CVAE samples"):
        assert f'"{name}"' in page
    stored = load_maps(RunFolder(small_run).model("vae").stored_maps()[2])
    assert stored.maps["means"].note in page
    assert stored.maps["sampled"].note in page
    assert "5 maps" in page


def test_sampled_codes_lie_where_their_means_do(small_run: Path):
    maps = load_maps(RunFolder(small_run).model("cvae").stored_maps()[2]).maps
    means, sampled = (one.points / one.points.std() for one in (maps["means"], maps["sampled"]))
    apart = np.linalg.norm(means - sampled, axis=1).mean()
    assert apart < 0.95 * np.linalg.norm(means - np.roll(sampled, 7, axis=0), axis=1).mean()


def test_errors_are_those_against_the_known_clean_pictures(small_run: Path, small_data: Path):
    dataset = read_dataset(small_data)
    pairs = read_pairs(small_run / "pairs.csv", dataset)
    partner = np.where(np.arange(len(pairs.clean)) % 3 == 0, -1, pairs.clean)
    pictures = mapped_images(dataset.altered, dataset.clean.images, partner)
    known = pictures.partner >= 0
    np.testing.assert_array_equal(known, partner >= 0)
    np.testing.assert_array_equal(pictures.clean[pictures.partner[known]], dataset.clean.images[partner[known]])
    x_hat = np.array(dataset.altered.images)
    errors = errors_of(x_hat, pictures)
    assert np.isnan(errors[~known]).all()
    row = int(np.flatnonzero(known)[0])
    import torch

    one, other = (
        torch.from_numpy(np.array(a)).float()[None] / 255 for a in (x_hat[row], dataset.clean.images[partner[row]])
    )
    assert errors[row] == pytest.approx(1 - float(ssim(one, other)), abs=1e-5)


@pytest.mark.parametrize("name", ["map.png", "map.html"])
def test_map_command_writes_a_picture_or_a_page(small_run: Path, small_data: Path, tmp_path: Path, name: str):
    out = tmp_path / name
    result = CliRunner().invoke(cli, ["map", str(small_run), str(small_data), "--out", str(out), "--model", "vae"])
    assert result.exit_code == 0, result.output
    assert out.read_bytes().startswith(b"\x89PNG" if name.endswith("png") else b"<!doctype html>")
    if name.endswith("html"):
        assert '"VAE means"' in out.read_text("utf-8")


@pytest.mark.parametrize(("name", "message"), [("map.jpg", "must end in .png"), ("no/map.png", "cannot be written")])
def test_map_command_refuses_before_any_work(small_run: Path, tmp_path: Path, name: str, message: str):
    with pytest.raises(InputError, match=message):
        map_data(unalter.load(small_run, "ae"), tmp_path / "not-there", tmp_path / name)
