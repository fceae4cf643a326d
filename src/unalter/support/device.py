"""What a device computes in natively."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from unalter.support.errors import InputError

if TYPE_CHECKING:
    import torch

Arguments = ParamSpec("Arguments")

DEVICES = ("auto", "cpu", "cuda")
"""What a device can be called; auto: CUDA where there is one. Of several CUDA devices one is called cuda:0."""

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


def is_device(name: str) -> bool:
    """Whether a device can be called so: auto, cpu, cuda, or one of several, cuda:1."""
    return name in DEVICES or re.fullmatch(r"(cpu|cuda):\d+", name) is not None


def choose_device(device: str | torch.device) -> torch.device:
    """The device called auto (CUDA where there is one), cpu, cuda or cuda:1; one of torch as it is.

    Raises:
        InputError: another name, or CUDA asked for where there is none.
    """
    import torch

    name = str(device)
    if not is_device(name):
        raise InputError(f"device is {name!r}; it must be one of {', '.join(DEVICES)}, or cuda:0 and so on")
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name.startswith("cpu") or (name == "auto" and not there):
        return torch.device("cpu")
    number = name.partition(":")[2]
    if int(number or 0) >= there:
        found = f"there are {there}" if there else "no CUDA device is found here"
        raise InputError(f"device {name}: {found}; use cpu or auto")
    return torch.device(name if number else "cuda")


def widest_float(device: torch.device) -> torch.dtype:
    """What sums that must be exact are made in: float64, but for Apple's GPUs, which have no more than float32."""
    import torch

    return torch.float32 if device.type == "mps" else torch.float64


def constant(make: Callable[Arguments, torch.Tensor]) -> Callable[Arguments, torch.Tensor]:
    """For a function that makes a small tensor, the same for the same arguments (a device among them): it is made once.

    To make it each time is a few operations, and a copy to a device would wait for it. Nobody may write to it.
    """

    @cache
    def made(*arguments: Any) -> torch.Tensor:
        import torch

        with torch.inference_mode(False):  # or who asks first would keep it from the gradients of others
            return make(*arguments)  # pyright: ignore[reportCallIssue]

    return made  # pyright: ignore[reportReturnType]


def _capabilities() -> Mapping[str, object]:
    """What the CPU can do, by name."""
    import torch

    if hasattr(torch.cpu, "get_capabilities"):
        return torch.cpu.get_capabilities()
    cpu = Path("/proc/cpuinfo")  # torch before it had a public way
    return dict.fromkeys(cpu.read_text("utf-8").split(), True) if cpu.is_file() else {}
