from __future__ import annotations

import csv
import json
import math
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unalter
from unalter import InputError
from unalter.data.dataset import read_altered
from unalter.runs.folder import RunFolder
from unalter.training import trainer
from unalter.training.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture
def train(small_data: Path, tmp_path: Path):
    """Train an AE for an epoch, or otherwise, into a folder of that name."""

    def trained(name: str = "run", **changes) -> RunFolder:
        options = {
            "models": "ae", "recipe": str(small_data / "recipe.yaml"), "epochs": 1, "batch_size": 16, "latent": 4,
            "map_every": 0, "precision": "32-true",
        }  # fmt: skip
        return RunFolder(unalter.train(small_data, out=tmp_path / name, **{**options, **changes}).path)

    return trained


def checkpoint(run: RunFolder, model: str = "ae") -> dict:
    return load_checkpoint(run.model(model).checkpoint, torch.device("cpu"))


def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_good_state(train, tmp_path: Path, monkeypatch):
    true_loss, calls = trainer.negative_elbo, []

    def failing(output, x, beta, ssim_weight):
        calls.append(1)
        logits = output.logits * (math.nan if len(calls) > 6 else 1.0)
        return true_loss(output._replace(logits=logits), x, beta, ssim_weight)

    monkeypatch.setattr(trainer, "negative_elbo", failing)
    with pytest.raises(
        InputError, match=r"no longer a number in epoch 3, step 1 .*best weights, of epoch \d, are kept"
    ):
        train(epochs=5)
    state = checkpoint(RunFolder(tmp_path / "run"))
    assert state["progress"]["epoch"] == 2
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())
    assert torch.isfinite(unalter.load(tmp_path / "run").encode(torch.zeros(1, 28, 28))).all()


def test_a_checkpoint_never_runs_code(tmp_path: Path):
    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"format": 1, "payload": Malicious()}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="not a whole checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.pt", torch.device("cpu"))
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_cut_short_is_an_error(tmp_path: Path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"x": torch.arange(1000)})
    assert torch.equal(load_checkpoint(path, torch.device("cpu"))["x"], torch.arange(1000))
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="not a whole checkpoint"):
            load_checkpoint(path, torch.device("cpu"))


def test_other_data_and_other_architectures_are_refused_on_resume(train, small_data: Path, tmp_path: Path):
    run = train()
    other = shutil.copytree(small_data, tmp_path / "other")
    changed, removed, *_ = sorted((other / "aug").iterdir())
    Image.new("L", (28, 28), 77).save(changed)
    with pytest.raises(InputError, match="trained on other data or another recipe"):
        unalter.train(other, out=run.path, resume=True)
    removed.unlink()
    with pytest.raises(InputError, match=r"pairs\.csv: lists other altered pictures"):
        unalter.train(other, out=run.path, resume=True)
    run.config.write_text(run.config.read_text().replace("latent: 4", "latent: 5"))
    with pytest.raises(InputError, match="another architecture"):
        unalter.train(out=run.path, resume=True)


def test_the_time_limit_ends_the_training_and_its_schedule(train):
    progress = checkpoint(train(epochs=100_000, max_minutes=0.02))["progress"]
    last = progress["history"][-1]
    assert progress["finished"] and last["epoch"] < 100_000
    assert last["learning_rate"] < 0.2 * 0.004


def test_same_seed_same_weights_other_seed_others(train):
    runs = [train(name, seed=seed, pairing="trust") for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    a, b, c = (run.model("ae").weights.read_bytes() for run in runs)
    assert a == b != c


def test_a_gradient_that_is_not_a_number_never_reaches_the_weights(train, tmp_path: Path, monkeypatch):
    true_loss, calls = trainer.negative_elbo, []

    def failing(output, x, beta, ssim_weight):
        calls.append(1)
        loss = true_loss(output, x, beta, ssim_weight)
        if len(calls) > 4:
            loss.total.register_hook(lambda gradient: gradient * math.nan)
        return loss

    monkeypatch.setattr(trainer, "negative_elbo", failing)
    with pytest.raises(InputError, match=r"or its gradient is no longer a number.*gradient nan"):
        train(epochs=5, checkpoint_seconds=0)
    run = RunFolder(tmp_path / "run")
    state = checkpoint(run)
    assert state["progress"]["total_steps"] == 4
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())
    assert "no longer a number" in run.log.read_text()


@pytest.mark.parametrize("harm", ["options", "recipe", "background", "pairs"])
def test_what_was_changed_meanwhile_is_refused_on_resume(train, harm: str):
    run = train()
    if harm == "options":
        run.config.write_text(run.config.read_text().replace("beta: 0.3", "beta: 0.2"))
    elif harm == "recipe":
        run.recipe.write_text(run.recipe.read_text().replace("probability: 0.5", "probability: 0.4"))
    elif harm == "background":
        (background,) = run.backgrounds.iterdir()
        Image.new("L", (28, 28), 77).save(background)
    else:
        run.pairs.write_text(run.pairs.read_text().replace("verified", "name"))
    with pytest.raises(InputError, match="other options" if harm == "options" else "other data or another recipe"):
        unalter.train(out=run.path, resume=True)


def test_a_code_of_two_numbers_can_be_mapped(train):
    assert train(latent=2, map_every=1).model("ae").map_picture(1).is_file()


@pytest.mark.parametrize("moves", [True, False])
def test_poses_are_learned_where_the_recipe_moves_things(train, moves: bool):
    folder = train(**({} if moves else {"recipe": "none"})).model("ae")
    assert json.loads(folder.config.read_text())["architecture"]["pose"] == moves
    with open(folder.metrics, newline="") as file:
        (row,) = csv.DictReader(file)
    assert (float(row["pose"]) > 0) == moves


def test_codes_are_drawn_from_where_those_of_clean_pictures_lie(train, small_data: Path):
    model = unalter.load(train(models="vae", epochs=2).path)
    clean = read_altered(small_data / "clean").images
    codes = np.concatenate([model.encode(np.array(clean), sample=True, seed=seed) for seed in range(20)])
    drawn = model.network.sample_codes(None, 5_000, torch.Generator().manual_seed(0)).numpy()
    assert (abs(drawn.mean(0) - codes.mean(0)) < 0.5 * codes.std(0)).all()
    ratio = drawn.std(0) / codes.std(0)
    assert ((ratio > 0.7) & (ratio < 1.5)).all()


def test_a_training_leaves_the_random_generators_of_its_caller_as_they_were(small_data: Path, tmp_path: Path):
    random.seed(5)
    torch.manual_seed(5)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    unalter.train(
        small_data, out=tmp_path / "run", recipe=str(small_data / "recipe.yaml"), epochs=1, batch_size=16, latent=8,
        models="vae", map_every=1,
    ).load()  # fmt: skip
    assert torch.equal(torch.get_rng_state(), before[0]) and random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002
