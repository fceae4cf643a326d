"""Devices and precision: the one module that knows Lightning Fabric."""

from __future__ import annotations

import logging
import time

import torch
from lightning_fabric import Fabric
from torch.nn import functional as F

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # we say ourselves what precision is used

_LEAST_GAIN = 1.15
"""bf16 must be this much faster than float32 to be worth its rounding."""


def make_fabric(device: str, precision: str) -> Fabric:
    """A launched Fabric of one process.

    Args:
        device: auto, cpu or cuda.
        precision: auto, 32-true or bf16-mixed.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = choose_precision(torch.device(device))
    fabric = Fabric(accelerator=device, devices=1, precision=precision)  # pyright: ignore[reportArgumentType]
    fabric.launch()
    return fabric


def choose_precision(device: torch.device) -> str:
    """bf16-mixed where the processor computes in it natively and it measures faster, else 32-true."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if not native:
        return "32-true"
    gain = _seconds(device, torch.float32) / _seconds(device, torch.bfloat16)
    return "bf16-mixed" if gain > _LEAST_GAIN else "32-true"


def _seconds(device: torch.device, dtype: torch.dtype) -> float:
    """The fastest of a few convolutions forward and back, as the networks have them."""
    x = torch.zeros(64, 64, 14, 14, device=device, dtype=dtype, requires_grad=True)
    x = x.to(memory_format=torch.channels_last)
    weight = torch.zeros(64, 64, 3, 3, device=device, dtype=dtype, requires_grad=True)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        F.conv2d(x, weight, padding=1).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return best
