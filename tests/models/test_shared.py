"""Shared folders, here and on a hub on this machine."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from hub_server import HubServer

import unalter
from unalter.cli.main import main
from unalter.commands.evaluate import evaluate
from unalter.models import shared
from unalter.models.files import find_models, save_model
from unalter.models.shared import fetched, sha256
from unalter.nn import Architecture, Autoencoder
from unalter.runs.folder import RunFolder
from unalter.support.errors import InputError


@pytest.fixture
def folder(tmp_path) -> Path:
    """A VAE and a better CVAE, as `unalter export` leaves them, less what nobody reads."""
    place = RunFolder(tmp_path / "digits")
    for name, ssim, classes in (("vae", 0.7, 0), ("cvae", 0.8, 3)):
        place.model(name).path.mkdir(parents=True)
        shape = Architecture(8, 8, latent=2, variational=True, widths=(4, 4), classes=classes)
        save_model(place.model(name), Autoencoder(shape), {"validation_ssim": ssim})
    files = {path.relative_to(place.path).as_posix(): sha256(path) for path in place.path.glob("*/*")}
    (place.path / "config.json").write_text(json.dumps({"library_name": "unalter", "files": files}))
    return place.path


def put(hub: HubServer, folder: Path, name: str = "me/digits") -> None:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hub.repositories[name] = files


def test_a_shared_folder_gives_the_best_model_or_the_one_asked_for(folder):
    assert unalter.load(folder).name == "cvae"
    assert unalter.load(folder, "vae").name == unalter.load(folder / "vae").name == "vae"
    assert [one.name for one in find_models(folder)] == ["vae", "cvae"]
    with pytest.raises(InputError, match="no trained model 'ae' here; there is vae, cvae"):
        unalter.load(folder, "ae")


@pytest.mark.parametrize("path", ["", "vae"])
def test_weights_that_are_not_those_that_were_exported_are_never_read(folder, path, monkeypatch):
    weights = folder / "vae" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr("unalter.models.model.load_model", None)
    with pytest.raises(InputError, match=r"vae/model.safetensors: is not the file that was exported"):
        unalter.load(folder / path)


def test_other_files_of_a_model_are_looked_at_too_and_those_of_people_are_not(folder):
    for name in ("README.md", "index.html", "vae/notes.md"):
        (folder / name).write_text("mine")
    assert unalter.load(folder).name == "cvae"
    (folder / "vae" / "denoise.onnx").write_bytes(b"not from here")
    with pytest.raises(InputError, match=r"vae/denoise.onnx: is not the file that was exported"):
        unalter.load(folder)


def test_weights_that_nobody_exported_are_never_read(folder):
    shutil.copytree(folder / "vae", folder / "ae")
    with pytest.raises(InputError, match=r"ae/model.safetensors: is not the file"):
        unalter.load(folder, "ae")


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"")


PICKLES = {
    "pytorch_model.bin": lambda path: path.write_bytes(b""),
    "vae/MODEL.PT": lambda path: path.write_bytes(b""),
    "vae/notes.txt": lambda path: path.write_bytes(pickle.dumps({"a": 1})),
    "weights": lambda path: torch.save({"a": 1}, path),
    "samples.zip": _archive,
}


@pytest.mark.parametrize("name", PICKLES)
def test_a_folder_that_carries_a_pickle_is_never_read(folder, name, monkeypatch):
    PICKLES[name](folder / name)
    monkeypatch.setattr("unalter.models.model.load_model", None)
    with pytest.raises(InputError, match=f"carries {name}, a pickle"):
        unalter.load(folder)


def test_a_run_keeps_its_checkpoints(small_run):
    assert unalter.load(small_run, "ae").name == "ae"


@pytest.mark.parametrize("config", ["not JSON", "[]", '{"library_name": "other", "files": {}}'])
def test_a_config_of_something_else_says_nothing(folder, config):
    (folder / "config.json").write_text(config)
    assert unalter.load(folder).name == "cvae"


def test_a_model_is_fetched_once_and_is_there_without_a_network(hub, folder, tmp_path):
    put(hub, folder)
    assert unalter.load("hf://me/digits").name == "cvae"
    assert unalter.load(Path("hf://me/digits"), "vae").name == "vae"  # a path holds one slash
    taken = [asked for asked in hub.asked if asked.startswith("GET") and "/resolve/" in asked]
    assert sorted(asked.rpartition("/")[2] for asked in taken) == ["config.json"] * 3 + ["model.safetensors"] * 2
    hub.close()
    assert unalter.load("hf://me/digits").name == "cvae"


def test_commands_take_a_model_from_the_hub(hub, folder, tmp_path):
    put(hub, folder)
    out = tmp_path / "out.png"
    with pytest.raises(SystemExit) as left:
        main(["generate", "hf://me/digits", "--label", "1", "--out", str(out)])
    assert left.value.code == 0
    assert out.is_file()
    with pytest.raises(InputError, match="say where the results go, by --out"):
        evaluate("hf://me/digits", folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files.update({"vae/optimizer.pt": b""}), "carries vae/optimizer.pt, a pickle"),
        (lambda files: files.pop("config.json"), "was not written by 'unalter export'"),
        (lambda files: files.update({"cvae/model.safetensors": b"other"}), "is not the file that was exported"),
        (lambda files: files.update({"vae/x": pickle.dumps(1), "config.json": b"{}"}), "was not written by"),
    ],
)
def test_what_is_wrong_on_the_hub_is_never_read(hub, folder, change, message, monkeypatch):
    put(hub, folder)
    change(hub.repositories["me/digits"])
    monkeypatch.setattr("unalter.models.model.load_model", None)
    with pytest.raises(InputError, match=message):
        unalter.load("hf://me/digits")


def test_what_is_not_on_the_hub_is_said(hub, folder):
    put(hub, folder)
    with pytest.raises(InputError, match="there is no such model at http://127"):
        unalter.load("hf://me/letters")
    for name in ("hf://digits", "hf://me/digits/vae", "hf://"):
        with pytest.raises(InputError, match="is called hf://user/name"):
            unalter.load(name)
    hub.close()
    with pytest.raises(InputError, match=r"hf://me/digits: cannot be read from http://127"):
        unalter.load("hf://me/digits")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr("unalter.support.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"huggingface_hub is not installed; do so by: pip install 'unalter\[hub\]'"):
        fetched("hf://me/digits")
    assert fetched("runs/mine") == Path("runs/mine")


def test_the_hub_is_another_one_where_that_is_asked_for(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "")
    assert shared.endpoint() == "https://huggingface.co"
