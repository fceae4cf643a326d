"""What a device computes in natively."""

from __future__ import annotations

import torch

from unalter.support.errors import InputError


def native_bf16(device: torch.device) -> bool:
    """Whether the device has bf16 in hardware; elsewhere it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def choose_device(name: str) -> torch.device:
    """The device called auto (CUDA where there is one), cpu or cuda.

    Raises:
        InputError: another name, or CUDA asked for where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device is {name!r}; it must be auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: no CUDA device is found here; use cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
