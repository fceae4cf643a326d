"""What a device computes in natively."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unalter.support.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda")
"""What a device can be called; auto: CUDA where there is one."""


def native_bf16(device: torch.device) -> bool:
    """Whether the device has bf16 in hardware; elsewhere it is slower than float32."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def choose_device(name: str) -> torch.device:
    """The device called auto (CUDA where there is one), cpu or cuda.

    Raises:
        InputError: another name, or CUDA asked for where there is none.
    """
    import torch

    if name not in DEVICES:
        raise InputError(f"device is {name!r}; it must be one of {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: no CUDA device is found here; use cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
