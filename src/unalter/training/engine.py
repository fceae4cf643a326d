"""Devices and precision: the one module that knows Lightning Fabric."""

from __future__ import annotations

import logging
import time

import torch
from lightning_fabric import Fabric

from unalter.nn import Architecture, Autoencoder
from unalter.nn.precision import native_bf16

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # we say ourselves what precision is used

_LEAST_GAIN = 1.05
"""bf16 must be this much faster than float32 to be worth its rounding."""


def make_fabric(device: torch.device, precision: str) -> Fabric:
    """A launched Fabric of one process; `precision` is 32-true or bf16-mixed."""
    fabric = Fabric(accelerator=device.type, devices=1, precision=precision)  # pyright: ignore[reportArgumentType]
    fabric.launch()
    return fabric


def choose_precision(shape: Architecture, batch_size: int, device: torch.device) -> str:
    """bf16-mixed where the processor computes in it natively and a step of this model measures faster, else 32-true."""
    if not native_bf16(device):
        return "32-true"
    model = Autoencoder(shape).to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x = torch.rand(batch_size, shape.channels, shape.height, shape.width, device=device)
    y = torch.zeros(batch_size, dtype=torch.int64, device=device)
    gain = _seconds(model, x, y, bf16=False) / _seconds(model, x, y, bf16=True)
    return "bf16-mixed" if gain > _LEAST_GAIN else "32-true"


def _seconds(model: Autoencoder, x: torch.Tensor, y: torch.Tensor, *, bf16: bool) -> float:
    """The fastest of a few passes forward and back."""
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            logits = model(x, y).logits
        logits.sum().backward()
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
        best = min(best, time.perf_counter() - start)
    return best
