"""ONNX files agree with torch, whatever the pictures and however many."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import unalter
from unalter.export import onnx as exporting
from unalter.export.graphs import Graph, graphs_of
from unalter.models.model import Model
from unalter.models.shared import sha256
from unalter.nn import Architecture, new_model
from unalter.support.errors import InputError

FILES = {"encoder.onnx", "decoder.onnx", "denoise.onnx", "denoise_uint8.onnx"}


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def random_model(**shape) -> Model:
    """As of a finished training: nothing in it is 0 or 1, and nothing depends on the batch."""
    config = Architecture(**({"latent": 3, "widths": (4, 4), "pose": True} | shape))
    network = new_model(config, seed=0)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.05 * torch.rand(tensor.shape, generator=draw))
    return Model(
        network.eval(), "cvae" if config.classes else "vae", torch.device("cpu"), tuple("abc"[: config.classes])
    )


def random_pictures(model: Model, count: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (count, *model.image_shape), generator=draw, dtype=torch.uint8)


@pytest.mark.parametrize("count", [1, 5, 20])
def test_files_do_what_the_model_does(shared, count):
    model = unalter.load(shared)
    images = np.random.default_rng(count).integers(0, 256, (count, 1, 28, 28), np.uint8)
    told = {"label": np.arange(count) % 10}
    mu, logvar = session(shared / "cvae" / "encoder.onnx").run(None, {"altered": np.float32(images) / 255, **told})
    assert np.allclose(mu, model.encode(images, told["label"]), atol=1e-4)
    assert logvar.shape == mu.shape
    (picture,) = session(shared / "cvae" / "decoder.onnx").run(None, {"z": mu, **told})
    (clean,) = session(shared / "cvae" / "denoise.onnx").run(None, {"altered": np.float32(images) / 255, **told})
    assert np.allclose(picture, clean, atol=1e-4)
    assert np.allclose(clean, model.denoise(np.float32(images) / 255, told["label"]), atol=1e-4)
    (bytes_,) = session(shared / "cvae" / "denoise_uint8.onnx").run(None, {"altered": images, **told})
    assert bytes_.dtype == np.uint8
    assert np.abs(bytes_ - 255 * clean).max() < 0.51


def test_files_say_what_they_are(shared):
    for name in FILES:
        proto = onnx.load(shared / "cvae" / name)
        said = {entry.key: entry.value for entry in proto.metadata_props}
        assert said["sha256"] == sha256(shared / "cvae" / "model.safetensors")
        assert json.loads(said["labels"]) == [str(digit) for digit in range(10)]
        assert json.loads(said["size"]) == [1, 28, 28]
        assert {entry.version for entry in proto.opset_import if entry.domain == ""} == {int(said["opset"])}
        assert said["model"] == "cvae"


SHAPES = {
    "colour, odd, turned": {"height": 13, "width": 18, "channels": 3, "variational": True},
    "no pose, no labels": {"height": 9, "width": 8, "pose": False},
    "labels": {"height": 8, "width": 8, "variational": True, "classes": 3, "obedient": True},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_colour_other_sizes_and_models_without_labels_are_exported(shape, tmp_path):
    model = random_model(**SHAPES[shape])
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    assert exporting.write_onnx(model, random_pictures(model, 7), "0" * 64, tmp_path) < 1e-5
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())
    assert not model.network.training
    images = random_pictures(model, 11)
    (got,) = session(tmp_path / "denoise.onnx").run(
        None, {"altered": images.numpy() / np.float32(255)} | ({"label": np.arange(11) % 3} if model.classes else {})
    )
    assert np.allclose(got, model.denoise(images / 255, torch.arange(11) % 3 if model.classes else None), atol=1e-4)


def test_the_exporter_that_is_right_is_taken(monkeypatch):
    """The first one fixes the batch, as the older exporter does where a length is a number to it."""
    model = random_model(height=8, width=8, pose=False)
    graph = graphs_of(model, random_pictures(model, 7), torch.arange(7))[1]
    right, _ = exporting._exported(graph)
    monkeypatch.setattr(exporting, "_by_dynamo", lambda _: right)

    def fixed(graph):
        proto = onnx.load_from_string(right)
        proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
        return proto.SerializeToString()

    def wrong(graph):
        proto = onnx.load_from_string(right)
        for tensor in proto.graph.initializer:
            tensor.raw_data = bytes(len(tensor.raw_data))
        return proto.SerializeToString()

    for faulty in (fixed, wrong):
        monkeypatch.setattr(exporting, "_by_tracing", faulty)
        assert exporting._exported(graph)[0] == right
    monkeypatch.setattr(exporting, "_by_dynamo", wrong)
    with pytest.raises(InputError, match=r"decoder.onnx: torch .* does not export .* differs by 0"):
        exporting._exported(graph)


def test_the_newer_exporter_writes_any_batch_too():
    module = torch.nn.Linear(3, 2).eval()
    graph = Graph("linear.onnx", module, {"x": torch.rand(7, 3)}, ("y",), "")
    assert exporting._difference(graph, exporting._by_dynamo(graph)) < 1e-6
