"""What a training computes in, and what a step of it costs."""

from __future__ import annotations

import time

import torch

from unalter.nn import Architecture, new_model
from unalter.support.device import native_bf16

_BYTES_A_PIXEL = 2_000
"""Measured: 1,300 to 2,000 in float32, 700 to 1,200 in bf16, for pictures of 28 to 256 pixels a side."""
_PASSES, _PATIENCE = 3, 1.0
"""Passes that are timed, and seconds after which fewer will do."""


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


def step_seconds(config: Architecture, batch_size: int, device: torch.device, precision: str) -> float:
    """About how many seconds a step takes: the fastest of a few passes forward and back."""
    model = new_model(config, 0).to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x = torch.full((batch_size, config.channels, config.height, config.width), 0.5, device=device)
    y = torch.zeros(batch_size, dtype=torch.int64, device=device)
    taken: list[float] = []
    while len(taken) < _PASSES and sum(taken) < _PATIENCE:
        start = time.perf_counter()
        with autocast(device, precision):
            logits = model(x, y).logits
        logits.sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    return min(taken)
