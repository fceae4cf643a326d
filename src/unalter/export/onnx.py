"""Models as ONNX files, each compared with torch before it is written."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unalter._version import __version__
from unalter.data.digits import load_digits
from unalter.export.graphs import Graph, graphs_of
from unalter.models.model import Model
from unalter.runs.folder import ModelFolder
from unalter.support.errors import InputError, first_line

OPSET = 20
"""The first with affine grids, which put pictures upright; the last that torch's older exporter writes."""
_BATCHES = (1, 7)
"""That files are compared with. (One, and one that no exporter has seen, so that neither is fixed in the file.)"""
_SEEN = 3
_TOLERANCE = 1e-4
"""Of pictures and codes; of codes beyond 1 a share of the largest, for float32 has no more digits."""
_LEVEL = 1 / 255
"""By which the rounding of bytes can differ besides."""


def write_onnx(model: Model, pictures: Tensor, weights: str, target: Path) -> float:
    """Write encoder.onnx, decoder.onnx, denoise.onnx and denoise_uint8.onnx of a model.

    Args:
        model: on the CPU.
        pictures: what files are compared with torch on, uint8 [7, C, H, W].
        weights: the SHA-256 of the model's weights, which goes into the files.
        target: the folder to write to.

    Returns:
        The largest difference from torch.

    Raises:
        InputError: no exporter of torch gives a file that agrees with torch.
    """
    labels = torch.arange(len(pictures)) % max(1, model.classes)
    described = {
        "unalter": __version__, "model": model.name, "labels": json.dumps(model.label_names if model.classes else []),
        "size": json.dumps(model.image_shape), "opset": str(OPSET), "sha256": weights,
    }  # fmt: skip
    differences = []
    for graph in graphs_of(model, pictures, labels):
        content, difference = _exported(graph)
        (target / graph.file).write_bytes(_described(content, graph, described))
        differences.append(difference)
    return max(differences)


def real_pictures(source: ModelFolder, model: Model) -> Tensor:
    """What to compare with: pictures of the model's own run; where it lies alone, shipped digits of its size."""
    count = max(_BATCHES)
    channels, height, width = model.image_shape
    epochs = [epoch for epoch in source.sampled_epochs() if source.sample_arrays(epoch).is_file()]
    if epochs:
        with np.load(source.sample_arrays(epochs[-1])) as stored:
            images = torch.from_numpy(stored["altered"])
    else:
        digits = torch.from_numpy(load_digits("test")[0][:count])[:, None].float()
        resized = F.interpolate(digits, (height, width), mode="bilinear", antialias=True)
        images = resized.round().clamp(0, 255).to(torch.uint8).expand(-1, channels, -1, -1)
    return images[torch.arange(count) % len(images)].contiguous()


def _exported(graph: Graph) -> tuple[bytes, float]:
    """The file by the first of torch's exporters that is right, and its largest difference from torch."""
    found = []
    for export in (_by_tracing, _by_dynamo):
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")  # what they suspect is compared below
                content = export(graph)
            difference = _difference(graph, content)
        except Exception as error:  # of the exporter, of the libraries beneath, or of a file that cannot be run
            found.append(first_line(error))
            continue
        if difference <= _TOLERANCE:
            return content, difference
        found.append(f"differs by {difference:.2g}")
    raise InputError(f"{graph.file}: torch {torch.__version__} does not export this model rightly ({'; '.join(found)})")


def _by_tracing(graph: Graph) -> bytes:
    content = io.BytesIO()
    names = [*graph.inputs, *graph.outputs]
    torch.onnx.export(
        graph.module, _example(graph), content,  # pyright: ignore[reportArgumentType]
        input_names=list(graph.inputs), output_names=list(graph.outputs), opset_version=OPSET, dynamo=False,
        dynamic_axes={name: {0: "N"} for name in names},
    )  # fmt: skip
    return content.getvalue()


def _by_dynamo(graph: Graph) -> bytes:
    content = io.BytesIO()
    batch = torch.export.Dim("N")
    program = torch.onnx.export(
        graph.module, _example(graph), input_names=list(graph.inputs), output_names=list(graph.outputs),
        opset_version=OPSET, dynamo=True, dynamic_shapes=tuple({0: batch} for _ in graph.inputs), verbose=False,
    )  # fmt: skip
    assert program is not None
    program.save(content)  # pyright: ignore[reportArgumentType]
    return content.getvalue()


def _example(graph: Graph) -> tuple[Tensor, ...]:
    return tuple(tensor[:_SEEN] for tensor in graph.inputs.values())


def _difference(graph: Graph, content: bytes) -> float:
    """The largest between what onnxruntime and torch make of the examples; NaN counts as one without end."""
    from onnxruntime import InferenceSession, SessionOptions  # pyright: ignore[reportAttributeAccessIssue]

    options = SessionOptions()
    options.log_severity_level = 4  # a file that cannot be run is another exporter's turn, and no one's business
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for size in _BATCHES:
        given = {name: tensor[:size] for name, tensor in graph.inputs.items()}
        with torch.no_grad():
            wanted = graph.module(*given.values())
        results = session.run(list(graph.outputs), {name: tensor.numpy() for name, tensor in given.items()})
        for want, got in zip(wanted if isinstance(wanted, tuple) else (wanted,), results, strict=True):
            difference = _between(want.numpy(), np.asarray(got))
            largest = difference if difference > largest or np.isnan(difference) else largest
    return float("inf") if np.isnan(largest) else largest


def _between(want: np.ndarray, got: np.ndarray) -> float:
    if want.shape != got.shape or want.dtype != got.dtype:
        return float("inf")
    if want.dtype == np.uint8:
        return max(0.0, float(np.abs(want.astype(int) - got.astype(int)).max()) * _LEVEL - _LEVEL)
    return float(np.abs(want - got).max() / max(1.0, np.abs(want).max()))


def _described(content: bytes, graph: Graph, described: dict[str, str]) -> bytes:
    import onnx

    proto = onnx.load_from_string(content)
    proto.producer_name, proto.producer_version, proto.doc_string = "unalter", __version__, graph.about
    onnx.helper.set_model_props(proto, described)
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString(deterministic=True)
