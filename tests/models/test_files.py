from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import unalter
from unalter.models.files import find_model, load_model, model_config, save_model
from unalter.nn import Architecture, Autoencoder
from unalter.runs.folder import ModelFolder, RunFolder
from unalter.support.errors import InputError

TINY = Architecture(8, 8, latent=2, variational=True, widths=(4, 4))


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run whose VAE is the better one of two."""
    folder = RunFolder(tmp_path / "run-001")
    for name, ssim in (("vae", 0.8), ("cvae", 0.7)):
        folder.model(name).path.mkdir(parents=True)
        save_model(folder.model(name), Autoencoder(TINY), {"validation_ssim": ssim})
    folder.model("ae").path.mkdir()  # begun, without weights yet
    return folder


def test_a_run_folder_gives_the_best_model_or_the_one_asked_for(run):
    assert find_model(run.path).name == "vae"
    assert find_model(run.path, "cvae") == run.model("cvae")


def test_a_models_own_folder_gives_that_model(run):
    own = run.model("cvae")
    assert find_model(own.path) == find_model(own.path, "cvae") == own


def test_a_model_that_is_not_there_is_an_input_error(run, tmp_path):
    with pytest.raises(InputError, match=r"no trained model 'ae' here; there is vae, cvae"):
        find_model(run.path, "ae")
    with pytest.raises(InputError, match="one model's folder, cvae, not vae"):
        find_model(run.model("cvae").path, "vae")
    with pytest.raises(InputError, match="no such run folder"):
        find_model(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no trained model here"):
        find_model(run.model("ae").path)


def test_weights_say_themselves_what_they_are_whatever_lies_beside_them(run):
    folder = run.model("vae")
    assert json.loads(folder.config.read_text()) == model_config(folder)
    before = load_model(folder, torch.device("cpu"))
    for wrong in ('{"format": 99}', "not JSON", None):
        if wrong is None:
            folder.config.unlink()
        else:
            folder.config.write_text(wrong)
        model, config = load_model(folder, torch.device("cpu"))
        assert config == before[1] and config["validation_ssim"] == 0.8
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before[0].parameters(), strict=True))


def test_weights_are_taken_by_others_and_are_the_same_bytes_every_time(run):
    """transformers and others refuse weights that do not say `format: pt`."""
    folder = run.model("vae")
    with safe_open(folder.weights, "pt") as file:
        assert file.metadata()["format"] == "pt"
    model, config = load_model(folder, torch.device("cpu"))
    before = folder.weights.read_bytes()
    for _ in range(8):
        save_model(folder, model, config)
        assert folder.weights.read_bytes() == before


def test_a_save_that_is_cut_off_leaves_a_model_that_fits_its_description(run, monkeypatch):
    """Killed between the two files, after the weights are there and before config.json is."""
    folder = run.model("vae")
    larger = Autoencoder(Architecture(8, 8, latent=3, variational=True, widths=(4, 4)))
    with monkeypatch.context() as patch:
        patch.setattr("unalter.models.files.write_text", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            save_model(folder, larger, {"validation_ssim": 0.9})
    assert json.loads(folder.config.read_text())["architecture"]["latent"] == 2
    assert load_model(folder, torch.device("cpu"))[0].config.latent == 3


def test_a_model_of_the_version_before_is_read(small_run: Path, tmp_path: Path):
    """Format 2: no description in the weights, and the prior is called a mixture."""
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    folder = ModelFolder(shutil.copytree(small_run / "cvae", tmp_path / "cvae"))
    now = unalter.load(folder.path)
    config = json.loads(folder.config.read_text()) | {"format": 2}
    folder.config.write_text(json.dumps(config))
    save_file({n.replace("prior.", "mixture."): w for n, w in load_file(folder.weights).items()}, folder.weights)
    before = unalter.load(folder.path)
    assert np.array_equal(before.denoise(images, 3), now.denoise(images, 3))
    assert np.array_equal(before.generate(3, 4, seed=0, warn=False), now.generate(3, 4, seed=0, warn=False))


@pytest.mark.parametrize("harm", ["cut weights", "empty", "other format"])
def test_a_damaged_model_is_an_error_that_names_it(run, harm: str):
    folder = run.model("vae")
    if harm == "cut weights":
        folder.weights.write_bytes(folder.weights.read_bytes()[:-100])
    elif harm == "empty":
        folder.weights.write_bytes(b"")
    else:
        weights = load_file(folder.weights)
        described = json.dumps(model_config(folder) | {"format": 99})
        save_file(weights, folder.weights, {"unalter": described})
    with pytest.raises(InputError, match="vae"):
        unalter.load(folder.path)
