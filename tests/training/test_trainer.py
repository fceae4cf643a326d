from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch

import unalter
from unalter import InputError
from unalter.run import RunFolder
from unalter.training import trainer
from unalter.training.checkpoint import load_checkpoint, save_checkpoint

OPTIONS = {"models": "ae", "batch_size": 16, "latent": 4, "map_every": 0, "precision": "32-true"}


def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_good_state(small_data: Path, tmp_path: Path, monkeypatch):
    true_loss, calls = trainer.negative_elbo, []

    def failing(output, x, beta, ssim_weight):
        calls.append(1)
        logits = output.logits * (math.nan if len(calls) > 6 else 1.0)
        return true_loss(output._replace(logits=logits), x, beta, ssim_weight)

    monkeypatch.setattr(trainer, "negative_elbo", failing)
    with pytest.raises(
        InputError, match=r"no longer a number in epoch 3, step 1 .*best weights, of epoch \d, are kept"
    ):
        unalter.train(small_data, out=tmp_path / "run", epochs=5, **OPTIONS)
    state = load_checkpoint(tmp_path / "run" / "ae" / "checkpoint.pt", torch.device("cpu"))
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


def test_other_data_and_other_architectures_are_refused_on_resume(small_data: Path, tmp_path: Path):
    out = tmp_path / "run"
    unalter.train(small_data, out=out, epochs=1, **OPTIONS)
    other = tmp_path / "other"
    for part in ("clean", "aug"):
        (other / part).mkdir(parents=True)
        for path in sorted((small_data / part).iterdir())[:50]:
            (other / part / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="trained on other data or another recipe"):
        unalter.train(other, out=out, resume=True)
    config = RunFolder(out).config
    config.write_text(config.read_text().replace("latent: 4", "latent: 5"))
    with pytest.raises(InputError, match="another architecture"):
        unalter.train(out=out, resume=True)


def test_the_time_limit_ends_the_training_and_its_schedule(small_data: Path, tmp_path: Path):
    unalter.train(small_data, out=tmp_path / "run", epochs=100_000, max_minutes=0.02, **OPTIONS)
    state = load_checkpoint(tmp_path / "run" / "ae" / "checkpoint.pt", torch.device("cpu"))
    last = state["progress"]["history"][-1]
    assert state["progress"]["finished"] and last["epoch"] < 100_000
    assert last["learning_rate"] < 0.2 * 0.003


def test_same_seed_same_weights_other_seed_others(small_data: Path, tmp_path: Path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        unalter.train(small_data, out=tmp_path / name, epochs=1, seed=seed, **OPTIONS)
    a, b, c = ((tmp_path / name / "ae" / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_a_gradient_that_is_not_a_number_never_reaches_the_weights(small_data: Path, tmp_path: Path, monkeypatch):
    true_loss, calls = trainer.negative_elbo, []

    def failing(output, x, beta, ssim_weight):
        calls.append(1)
        loss = true_loss(output, x, beta, ssim_weight)
        if len(calls) > 4:
            loss.total.register_hook(lambda gradient: gradient * math.nan)
        return loss

    monkeypatch.setattr(trainer, "negative_elbo", failing)
    with pytest.raises(InputError, match=r"or its gradient is no longer a number.*gradient nan"):
        unalter.train(small_data, out=tmp_path / "run", epochs=5, checkpoint_seconds=0, **OPTIONS)
    state = load_checkpoint(tmp_path / "run" / "ae" / "checkpoint.pt", torch.device("cpu"))
    assert state["progress"]["total_steps"] == 4
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())
    assert "no longer a number" in (tmp_path / "run" / "log.txt").read_text()


@pytest.mark.parametrize("harm", ["options", "recipe", "background"])
def test_what_was_changed_meanwhile_is_refused_on_resume(small_data: Path, tmp_path: Path, harm: str):
    run = RunFolder(tmp_path / "run")
    unalter.train(
        small_data, out=run.path, epochs=1, recipe="noise" if harm == "recipe" else "altered-mnist", **OPTIONS
    )
    if harm == "options":
        run.config.write_text(run.config.read_text().replace("beta: 1.0", "beta: 2.0"))
    elif harm == "recipe":
        run.recipe.write_text(run.recipe.read_text().replace("0.4", "0.5"))
    else:
        run.backgrounds.mkdir(exist_ok=True)
        (run.backgrounds / "99.png").write_bytes(next((small_data / "clean").iterdir()).read_bytes())
    with pytest.raises(InputError, match="other options" if harm == "options" else "another recipe"):
        unalter.train(out=run.path, resume=True)


def test_a_code_of_two_numbers_can_be_mapped(small_data: Path, tmp_path: Path):
    options = {**OPTIONS, "latent": 2, "map_every": 1}
    unalter.train(small_data, out=tmp_path / "run", epochs=1, **options)
    assert RunFolder(tmp_path / "run").model("ae").map_picture(1).is_file()
