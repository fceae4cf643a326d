"""A device that is none: torch's rules for tensors on two devices, without the hardware.

While `StandIn()` is open, "meta" is a device whose tensors have numbers (held on the CPU). What is made with
`device="meta"` or sent there works; what mixes it with a tensor on the CPU fails, as with "cuda". In a function that
`without_waiting` was given, so does what would keep the host waiting for the device; with `StandIn(float64=False)`
whatever is float64 there, as on Apple's GPUs. Nothing is learned of speed, of memory, nor of a GPU's own rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = "meta"
_aten = torch.ops.aten
_MOVES = (_aten._to_copy.default, _aten.copy_.default, _aten._foreach_copy_.default)
_WAITS = (
    _aten._local_scalar_dense.default, _aten.nonzero.default, _aten.masked_select.default, _aten.equal.default,
    _aten.repeat_interleave.Tensor, _aten.bincount.default, _aten._unique2.default, _aten.unique_dim.default,
    _aten.linalg_inv_ex.default,
)  # fmt: skip
"""Operations whose result's size, or whose value, the host has to know. (`linalg_inv_ex` only where it checks.)"""


class Elsewhere(torch.Tensor):
    """A tensor that says it is on the device; `held` has its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=torch.device(DEVICE),
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {}, StandIn.open)

    def __reduce_ex__(self, protocol):
        return self.held.__reduce_ex__(protocol)


class _Autocast(torch.autocast):
    """torch's is for the devices that it names only."""

    def __init__(self, device_type: str, *args, **kwargs) -> None:
        super().__init__("cpu" if device_type == DEVICE else device_type, *args, **kwargs)


class _Generator(torch.Generator):
    """So is this."""

    def __new__(cls, device: object = "cpu"):
        return super().__new__(cls, "cpu")


_made_on_cpu = torch.tensor


def _tensor(data: object, *, device: object = None, **kwargs) -> torch.Tensor:
    """torch's would make one without numbers."""
    made = _made_on_cpu(data, **kwargs)
    return made if device is None else made.to(device)


class StandIn(TorchDispatchMode):
    """Context in which the device is there.

    Args:
        float64: whether the device has it.
    """

    open: StandIn | None = None

    def __init__(self, float64: bool = True) -> None:
        super().__init__()
        self.float64 = float64
        self.may_wait = True
        self._patches = [
            patch("torch.autocast", _Autocast),
            patch("torch.Generator", _Generator),
            patch("torch.tensor", _tensor),
            patch("torch.optim.optimizer._get_fused_kernels_supported_devices", lambda: ["cpu", DEVICE]),
            patch("torch.utils._foreach_utils._foreach_supported_types", [torch.Tensor, torch.nn.Parameter, Elsewhere]),
            patch("torch.utils._foreach_utils._get_foreach_kernels_supported_devices", lambda: ["cpu", DEVICE]),
        ]

    def __enter__(self):
        for one in self._patches:
            one.start()
        StandIn.open = self
        return super().__enter__()

    def __exit__(self, *reason):
        StandIn.open = None
        for one in self._patches:
            one.stop()
        return super().__exit__(*reason)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {}, self)

    def without_waiting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, in which the host may not wait for the device."""

        def watched(*args, **kwargs):
            self.may_wait = False
            try:
                return function(*args, **kwargs)
            finally:
                self.may_wait = True

        return watched


def _run(operation: Any, args: Any, kwargs: dict[str, Any], device: StandIn | None) -> Any:
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
    there = any(isinstance(value, Elsewhere) for value in tensors)
    mixed = there and any(value.dim() and not isinstance(value, Elsewhere) for value in tensors)
    # a number may come from the CPU, to torch too
    if mixed and operation not in _MOVES:
        raise RuntimeError(f"{operation}: tensors on two devices, {DEVICE} and cpu")
    goal = kwargs.get("device")
    goes_there = there if goal is None else torch.device(goal).type == DEVICE
    if device is not None and (there or goes_there):
        _check(operation, args, kwargs, device, mixed or (bool(tensors) and there != goes_there))
    if goal is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    result = operation(*tree_map(_held, args), **tree_map(_held, kwargs))
    # what was changed in place is the tensor that it was
    known = {id(value.held): value for value in tensors if isinstance(value, Elsewhere)}
    return tree_map(lambda value: known.get(id(value), _sent(value)), result) if goes_there else result


def _check(operation: Any, args: Any, kwargs: dict[str, Any], device: StandIn, between: bool) -> None:
    """Refuse what the device does not have, and where it may not wait what waits."""
    if not device.float64:
        kinds = [v.dtype for v in tree_leaves(args) if isinstance(v, Elsewhere)] + [kwargs.get("dtype")]
        if torch.float64 in kinds:
            raise TypeError(f"{operation}: the device has no float64")
    if device.may_wait:
        return
    told = kwargs.get("output_size") is not None
    checked = operation != _aten.linalg_inv_ex.default or kwargs.get("check_errors", False)
    waits = operation in _WAITS and checked and not told
    waits |= between and not kwargs.get("non_blocking", False)
    masks = (_aten.index.Tensor, _aten.index_put_.default, _aten.index_put.default)
    waits |= operation in masks and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
    if waits:
        raise RuntimeError(f"{operation}: the host would have to wait for the device")


def _sent(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, torch.Tensor) and not isinstance(value, Elsewhere) else value


def _held(value: Any) -> Any:
    return value.held if isinstance(value, Elsewhere) else value
