"""Devices and precision: the one module that knows Lightning Fabric."""

from __future__ import annotations

import logging
import time

import torch
from lightning_fabric import Fabric

from unalter.nn import Architecture, Autoencoder
from unalter.support.device import native_bf16

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # we say ourselves what precision is used

_LEAST_GAIN = 1.05
"""bf16 must be this much faster than float32 to be worth its rounding."""
_BYTES_A_PIXEL = 2_000
"""Measured: 1,300 to 2,000 in float32, 700 to 1,200 in bf16, for pictures of 28 to 256 pixels a side."""
_PATIENCE = 6.0
"""Seconds of measuring, after which what was measured will do."""


def make_fabric(device: torch.device, precision: str) -> Fabric:
    """A launched Fabric of one process; `precision` is 32-true or bf16-mixed."""
    fabric = Fabric(accelerator=device.type, devices=1, precision=precision)  # pyright: ignore[reportArgumentType]
    fabric.launch()
    return fabric


def choose_precision(asked: str, shape: Architecture, batch_size: int, device: torch.device) -> tuple[str, float]:
    """The precision to train in, and about how many seconds a step of this model takes.

    Args:
        asked: 32-true, bf16-mixed, or auto: bf16-mixed where the processor computes in it natively and a step
            measures faster, else 32-true.
    """
    model = Autoencoder(shape).to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x = torch.rand(batch_size, shape.channels, shape.height, shape.width, device=device)
    y = torch.zeros(batch_size, dtype=torch.int64, device=device)
    tried = ["32-true", "bf16-mixed"] if native_bf16(device) else ["32-true"]
    tried = tried if asked == "auto" else [asked]
    seconds = {name: _seconds(model, x, y, bf16=name == "bf16-mixed") for name in tried}
    if len(tried) > 1 and seconds["32-true"] < _LEAST_GAIN * seconds["bf16-mixed"]:
        return "32-true", seconds["32-true"]
    return tried[-1], seconds[tried[-1]]


def step_memory(shape: Architecture, batch_size: int) -> int:
    """Bytes that a step takes on a CPU, about: what is kept of the way forward for the way back."""
    return batch_size * shape.height * shape.width * _BYTES_A_PIXEL


def _seconds(model: Autoencoder, x: torch.Tensor, y: torch.Tensor, *, bf16: bool) -> float:
    """The fastest of a few passes forward and back."""
    best, spent = float("inf"), 0.0
    for _ in range(6):
        if spent > _PATIENCE:
            break
        start = time.perf_counter()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            logits = model(x, y).logits
        logits.sum().backward()
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best
