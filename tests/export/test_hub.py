"""A shared folder: what is in it, and how it gets to a hub and back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from safetensors import safe_open

import unalter
from unalter.commands.export import export_run
from unalter.export.push import check_push, push
from unalter.models.shared import sha256
from unalter.support.errors import InputError


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_all_that_is_promised_is_there_and_nothing_else(shared, small_run):
    graphs = {f"cvae/{name}.onnx" for name in ("encoder", "decoder", "denoise", "denoise_uint8")}
    assert files(shared) == graphs | {
        "README.md", "backgrounds/00.png", "config.json", "cvae/config.json", "cvae/model.safetensors", "index.html",
        "recipe.yaml", "samples/cvae.png",
    }  # fmt: skip
    config = json.loads((shared / "config.json").read_text())
    assert config["files"] == {name: sha256(shared / name) for name in files(shared) - {"README.md", "config.json"}}
    with safe_open(shared / "cvae" / "model.safetensors", "pt") as weights:
        assert weights.metadata()["format"] == "pt"
    assert sha256(shared / "cvae" / "model.safetensors") == sha256(small_run / "cvae" / "model.safetensors")


def test_nothing_says_on_whose_machine_it_was_made(shared, small_data, small_run):
    for path in shared.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert str(small_data).encode() not in content, path
        assert str(small_run).encode() not in content, path


def test_the_card_is_one_to_the_hub_and_to_people(shared):
    card = ModelCard((shared / "README.md").read_text("utf-8"))
    said = card.data.to_dict()
    assert said["library_name"] == "unalter"
    assert said["pipeline_tag"] == "image-to-image"
    assert said["sdk"] == "static" and (shared / said["app_file"]).is_file()
    (result, *_) = card.data.eval_results
    assert result.metric_type == "ssim"
    tables = re.findall(r"^\| (SSIM|PSNR) \| pictures \|(.*)\|$", card.text, re.M)
    assert [metric for metric, _ in tables] == ["SSIM", "PSNR"]
    assert tables[0][1].split(" | ") == [" cvae", "input", "median", "nl-means "]
    row = re.search(r"^\| all \| (\d+) \| ([\d.]+) \|", card.text, re.M)
    assert abs(float(row[2]) - result.metric_value) < 1e-3
    for part in ("| blend |", "| label 1 |", "rotate", "(samples/cvae.png)", 'unalter.load("digits")', "## Limits"):
        assert part in card.text
    for link in re.findall(r"\]\(([^)]+)\)", card.text):
        assert (shared / link).is_file(), link
    assert yaml.safe_load(re.search(r"```yaml\n(.*?)```", card.text, re.S)[1])["name"] == "small"


def test_a_page_shows_it_where_it_is_a_space(shared, open_file):
    page = (shared / "index.html").read_text("utf-8")
    for link in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (shared / link).is_file(), link


def test_pushed_and_fetched_it_is_the_same(hub, shared):
    check_push("me/digits")
    assert push(shared, "me/digits") == f"{hub.address}/me/digits"
    there = hub.repositories["me/digits"]
    assert {name for name in there if name != ".gitattributes"} == files(shared)
    assert there["cvae/model.safetensors"] == (shared / "cvae" / "model.safetensors").read_bytes()
    assert unalter.load("hf://me/digits").name == "cvae"


def test_what_an_export_of_before_left_goes_and_what_others_put_there_stays(hub, shared, tmp_path):
    old = json.dumps({"library_name": "unalter", "files": {"ae/model.safetensors": ""}}).encode()
    hub.repositories["me/digits"] = {"ae/model.safetensors": b"", "config.json": old, "LICENSE": b"mine"}
    push(shared, "me/digits")
    there = hub.repositories["me/digits"]
    assert "ae/model.safetensors" not in there
    assert there["LICENSE"] == b"mine"
    hub.repositories["me/other"] = {"config.json": b'{"architectures": ["Bert"]}', "model.safetensors": b""}
    with pytest.raises(InputError, match="me/other: something else is there"):
        check_push("me/other")


def test_what_cannot_be_pushed_is_said_before_anything_is_written(hub, small_run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="a repository on the Hub is called user/name"):
        export_run(small_run, out, "hub", to="digits")
    with pytest.raises(InputError, match="go with --format hub only"):
        export_run(small_run, out, to="me/digits")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(InputError, match="log in first, by 'hf auth login'"):
        export_run(small_run, out, "hub", to="me/digits")
    monkeypatch.undo()
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    hub.close()
    with pytest.raises(InputError, match=r"me/digits cannot be pushed to at http://127.*Connection refused"):
        export_run(small_run, out, "hub", to="me/digits")
    assert list(tmp_path.iterdir()) == []


def test_a_push_that_fails_leaves_the_folder_and_says_so(hub, shared, monkeypatch):
    monkeypatch.setattr(hub, "answer", lambda *_: (500, {}, b""))
    monkeypatch.setattr("unalter.export.push._written_before", lambda _: [])
    with pytest.raises(InputError, match=r"digits is written, and me/digits cannot be pushed to"):
        push(shared, "me/digits")


def test_a_missing_package_is_named(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr("unalter.support.extras.find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(InputError, match=r"onnxruntime is not installed; .* pip install 'unalter\[export\]'"):
        export_run(small_run, tmp_path / "out")


def test_an_export_that_fails_leaves_nothing(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr("unalter.export.onnx._by_tracing", lambda graph: b"")
    monkeypatch.setattr("unalter.export.onnx._by_dynamo", lambda graph: b"")
    for form in ("onnx", "hub"):
        with pytest.raises(InputError, match=r"encoder.onnx: torch .* does not export this model rightly"):
            export_run(small_run, tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []


def test_of_a_run_that_was_stopped_what_is_there_is_exported_and_it_is_said(small_run, tmp_path, monkeypatch, capsys):
    import torch

    from unalter.support.console import Console

    run = tmp_path / "run"
    shutil.copytree(small_run / "ae", run / "ae")
    (run / "vae").mkdir()  # begun, without weights yet
    state = torch.load(run / "ae" / "checkpoint.pt", weights_only=True)
    state["progress"]["finished"] = False
    torch.save(state, run / "ae" / "checkpoint.pt")
    monkeypatch.setattr("unalter.commands.export.write_onnx", lambda *_: 0.0)
    export_run(run, tmp_path / "out", console=Console())
    assert "training of the ae is not finished" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ae"]
    with pytest.raises(InputError, match="is no run folder, and the card is made of all of a run"):
        export_run(run, tmp_path / "shared", "hub")
    shutil.rmtree(run / "ae")
    with pytest.raises(InputError, match="no trained model here"):
        export_run(run, tmp_path / "none")
