"""Samples and maps of an epoch: due when, of what, and without touching the training."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import unalter
from unalter.maps.draw import draw_map
from unalter.maps.layout import PointMap, axes_reach
from unalter.maps.run_page import series_name
from unalter.maps.store import load_maps
from unalter.pipeline import epoch_visuals
from unalter.pipeline.epoch_visuals import EpochVisuals
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.runs.folder import MODELS, RunFolder
from unalter.support.console import Console
from unalter.training.trainer import Trainer


@pytest.fixture
def visuals(small_run: Path, tmp_path: Path):
    """Makes the visuals of the small run's VAE, into a folder of its own, with options changed."""
    folder = RunFolder(tmp_path).model("vae")

    def make(**changes) -> EpochVisuals:
        where, reading, options = saved_settings(RunFolder(small_run), None, {})
        experiment = saved_experiment(RunFolder(small_run), where, reading, options, Console(quiet=True))
        chosen = SimpleNamespace(**{"map_every": 2, "map_points": 0, "seed": 0, **changes})
        sampler = experiment.sampler(torch.device("cpu"))
        return EpochVisuals(folder, experiment.dataset, sampler, chosen, Console(quiet=True))  # pyright: ignore

    return folder, make


def trainer(small_run: Path, epoch: int, finished: bool = False) -> Trainer:
    """What visuals look at of a trainer."""
    averaged = unalter.load(small_run / "vae").network
    state = SimpleNamespace(epoch=epoch, finished=finished)
    stand_in = SimpleNamespace(state=state, averaged=averaged, save=lambda: None)
    return stand_in  # pyright: ignore[reportReturnType]


def test_they_are_taken_when_due_and_only_once(visuals, small_run: Path):
    folder, make = visuals
    taker = make()
    assert not taker.take(trainer(small_run, 1))
    assert taker.take(trainer(small_run, 2))
    assert folder.samples(2).is_file() and folder.map_points(2).is_file()
    before = folder.samples(2).stat().st_mtime_ns
    assert not taker.take(trainer(small_run, 2)) and folder.samples(2).stat().st_mtime_ns == before
    assert taker.take(trainer(small_run, 3, finished=True)) and folder.samples(3).is_file()


def test_a_map_has_every_altered_picture_and_sampled_codes_apart(visuals, small_run: Path, small_data: Path):
    folder, make = visuals
    make().take(trainer(small_run, 2))
    stored = load_maps(folder.map_points(2))
    assert set(stored.maps) == {"means", "sampled"}
    assert len(stored.rows) == len(list((small_data / "aug").iterdir()))
    assert not np.array_equal(stored.maps["means"].points, stored.maps["sampled"].points)
    assert {path.name for path in folder.map_points(2).parent.glob("*.png")} == {
        "VAE_epoch_2.png", "VAE_sampled_epoch_2.png"
    }  # fmt: skip


def test_samples_are_stored_as_they_are_shown(visuals, small_run: Path):
    folder, make = visuals
    make(map_every=0).take(trainer(small_run, 10))
    with np.load(folder.sample_arrays(10)) as stored:
        altered, output, clean = (stored[name] for name in ("altered", "output", "clean"))
    model = unalter.load(small_run / "vae")
    assert np.array_equal(model.denoise(altered), output)
    sheet = np.asarray(Image.open(folder.samples(10)))[::2, ::2]
    for row, images in enumerate((altered, output, clean)):
        top = 2 + row * 30
        assert np.array_equal(sheet[top : top + 28, 2:30], images[0, 0])
    assert not folder.map_points(10).exists()


def test_no_random_number_of_the_process_is_used_and_the_model_stays_as_it_is(visuals, small_run: Path):
    _, make = visuals
    one = trainer(small_run, 2)
    before = {name: tensor.clone() for name, tensor in one.averaged.state_dict().items()}
    state = torch.get_rng_state()
    make().take(one)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in one.averaged.state_dict().items())


def outside(run: RunFolder, scratch: Path) -> dict[str, int]:
    """How many points of each map lie outside the axes that its picture was drawn on; -1 if those are not the run's."""
    stored = [
        (folder, epoch, load_maps(path)) for folder in map(run.model, MODELS)
        for epoch, path in folder.stored_maps().items()
    ]  # fmt: skip
    reach = axes_reach(one.extent for _, _, of in stored for one in of.maps.values())
    found = {}
    for folder, epoch, of in stored:
        for kind, one in of.maps.items():
            picture = folder.map_picture(epoch, kind == "sampled")
            title = f"{series_name(folder.name, kind)}, epoch {epoch}"
            draw_map(scratch, one, of.labels, title, tuple(map(str, range(10))), reach)
            same = picture.read_bytes() == scratch.read_bytes()
            found[picture.name] = int((np.abs(one.points) > reach).any(1).sum()) if same else -1
    return found


def test_all_maps_of_a_run_are_on_axes_that_hold_the_widest(visuals, small_run: Path, tmp_path: Path, monkeypatch):
    """Maps that grow and shrink; and training that is killed between drawing a wider map and storing it."""
    folder, make = visuals
    shutil.copytree(small_run / "ae" / "maps", tmp_path / "ae" / "maps")  # of a model trained before
    width = {2: 1_000.0, 4: 4_000.0, 6: 2_000.0}
    now = 2

    def mapped(codes: np.ndarray, *_: object) -> PointMap:
        points = width[now] * np.random.default_rng(now).uniform(-1, 1, (len(codes), 3)).astype(np.float32)
        return PointMap(points, np.empty((len(codes), 0), np.int32), 1.0, 0.5, 0.9)

    monkeypatch.setattr(epoch_visuals, "map_codes", mapped)
    make().take(trainer(small_run, 2))
    narrow = folder.map_picture(2).read_bytes()
    now = 4
    with monkeypatch.context() as patch:
        patch.setattr(epoch_visuals, "save_maps", killed)
        with pytest.raises(KeyboardInterrupt):
            make().take(trainer(small_run, 4))
    folder.map_picture(2).write_bytes(narrow)  # as if it had been killed sooner
    for now in (4, 6):
        make().take(trainer(small_run, now))
    drawn = [f"VAE{kind}_epoch_{epoch}.png" for epoch in (2, 4, 6) for kind in ("", "_sampled")]
    assert outside(RunFolder(tmp_path), tmp_path / "scratch.png") == dict.fromkeys(["AE_epoch_2.png", *drawn], 0)


def killed(*_: object) -> None:
    raise KeyboardInterrupt
