"""The parts of a model as ONNX files have them: tensors in, tensors out, nothing to choose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unalter.models.model import Model
from unalter.nn import Autoencoder


@dataclass(frozen=True)
class Graph:
    """One file: a module, and what goes in and comes out."""

    file: str
    module: nn.Module
    inputs: dict[str, Tensor]
    """Examples by name: the first axis is the batch."""
    outputs: tuple[str, ...]
    about: str
    """What it does, for who finds the file alone."""


def graphs_of(model: Model, pictures: Tensor, labels: Tensor) -> list[Graph]:
    """The files of a model.

    Args:
        pictures: uint8 [N, C, H, W], examples.
        labels: int64 [N], theirs; passed over by a model without classes.
    """
    network = model.network
    altered = pictures.float() / 255
    told = {"label": labels} if model.classes else {}
    with torch.no_grad():
        codes, _ = network.posterior(altered, *told.values())
    given = "float32 pictures [N, C, H, W] in 0..1" + (", int64 labels [N]" if told else "")
    code = ("mu", "logvar") if network.config.variational else ("mu",)
    return [
        Graph("encoder.onnx", _Encode(network), {"altered": altered, **told}, code, f"{given} -> codes [N, latent]"),
        Graph("decoder.onnx", _Decode(network), {"z": codes, **told}, ("picture",), "codes -> pictures in 0..1"),
        Graph("denoise.onnx", _Denoise(network), {"altered": altered, **told}, ("clean",), f"{given} -> clean ones"),
        Graph(
            "denoise_uint8.onnx", _DenoiseBytes(network), {"altered": pictures, **told}, ("clean",),
            f"{given.replace('float32', 'uint8').replace('0..1', '0..255')} -> clean ones",
        ),
    ]  # fmt: skip


class _Part(nn.Module):
    def __init__(self, network: Autoencoder) -> None:
        super().__init__()
        self.network = network
        self.eval()  # exporters bring a module back to the mode that it was in, and all in it too


class _Encode(_Part):
    def forward(self, altered: Tensor, label: Tensor | None = None) -> tuple[Tensor, ...]:
        mu, logvar = self.network.posterior(altered, label)
        return (mu,) if logvar is None else (mu, logvar)


class _Decode(_Part):
    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.network.decode(z, label).sigmoid()


class _Denoise(_Part):
    def forward(self, altered: Tensor, label: Tensor | None = None) -> Tensor:
        return self.network(altered, label).logits.sigmoid()


class _DenoiseBytes(_Denoise):
    def forward(self, altered: Tensor, label: Tensor | None = None) -> Tensor:
        clean = super().forward(altered.float() / 255, label)
        return (clean * 255).round().clamp(0, 255).to(torch.uint8)
