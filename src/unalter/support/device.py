"""What a device computes in natively."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from unalter.support.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda")
"""What a device can be called; auto: CUDA where there is one."""

_BF16_FEATURES = ("avx512_bf16", "amx_bf16")
_BF16_ISAS = ("DEFAULT", "BF16", "FP16", "AMX", "AVX10")
"""Parts of oneDNN's names for the instruction sets that have bf16; DEFAULT is no limit."""


def native_bf16(device: torch.device) -> bool:
    """Whether the device computes in bf16 itself; elsewhere it is slower than float32.

    Of a CPU: AVX512-BF16 or AMX, where neither torch nor oneDNN is held back to older instructions.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    most = os.environ.get("ONEDNN_MAX_CPU_ISA", "DEFAULT").upper()
    allowed = torch.backends.cpu.get_cpu_capability() == "AVX512" and any(name in most for name in _BF16_ISAS)
    return allowed and any(_capabilities().get(name) for name in _BF16_FEATURES)


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


def _capabilities() -> Mapping[str, object]:
    """What the CPU can do, by name."""
    import torch

    if hasattr(torch.cpu, "get_capabilities"):
        return torch.cpu.get_capabilities()
    cpu = Path("/proc/cpuinfo")  # torch before it had a public way
    return dict.fromkeys(cpu.read_text("utf-8").split(), True) if cpu.is_file() else {}
