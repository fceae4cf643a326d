"""A device that is none: torch's rules for tensors on two devices, without the hardware.

While `StandIn()` is open, "meta" is a device whose tensors have numbers (held on the CPU). What is made with
`device="meta"` or sent there works; what mixes it with a tensor on the CPU fails, as with "cuda".
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = "meta"
_aten = torch.ops.aten


class Elsewhere(torch.Tensor):
    """A tensor that says it is on the device; `held` has its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=torch.device(DEVICE)
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


class StandIn(TorchDispatchMode):
    """Context in which the device is there."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


def _run(operation: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
    there = any(isinstance(value, Elsewhere) for value in tensors)
    moves = operation in (_aten._to_copy.default, _aten.copy_.default)
    # a number may come from the CPU, to torch too
    if there and not moves and any(value.dim() and not isinstance(value, Elsewhere) for value in tensors):
        raise RuntimeError(f"{operation}: tensors on two devices, {DEVICE} and cpu")
    if kwargs.get("device") is not None:
        there = torch.device(kwargs["device"]).type == DEVICE
        kwargs = kwargs | {"device": torch.device("cpu")}
    result = operation(*tree_map(_held, args), **tree_map(_held, kwargs))
    if operation._schema.is_mutable:
        return args[0]
    return tree_map(_sent, result) if there else result


def _sent(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, torch.Tensor) else value


def _held(value: Any) -> Any:
    return value.held if isinstance(value, Elsewhere) else value
