"""What a training computes in, and what a step of it costs."""

from __future__ import annotations

import torch

from unalter.nn import Architecture
from unalter.support.device import native_bf16

_BYTES_A_PIXEL = 2_000
"""Measured: 1,300 to 2,000 in float32, 700 to 1,200 in bf16, for pictures of 28 to 256 pixels a side."""


def choose_precision(asked: str, device: torch.device) -> str:
    """The precision to train in: what was asked for, 32-true or bf16-mixed.

    Of auto: bf16-mixed where the device computes in it natively (measured: a step is 1.3 to 1.7 times as fast), else
    32-true. So one device always gives the same.
    """
    if asked != "auto":
        return asked
    return "bf16-mixed" if native_bf16(device) else "32-true"


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which a model is run in 32-true or bf16-mixed; losses and what follows are float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")


def step_memory(config: Architecture, batch_size: int) -> int:
    """Bytes that a step takes on a CPU, about: what is kept of the way forward for the way back."""
    return batch_size * config.height * config.width * _BYTES_A_PIXEL
