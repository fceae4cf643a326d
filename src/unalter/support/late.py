"""Numbers that a device works out, read without keeping the host waiting."""

from __future__ import annotations

from torch import Tensor


class OnItsWay:
    """A copy of a tensor that the device makes when it comes to it, while the host goes on."""

    def __init__(self, values: Tensor) -> None:
        import torch

        # Apple's copies cannot be waited for one by one
        self._host = values.to("cpu", non_blocking=values.device.type != "mps")
        self._made = None
        if values.device.type == "cuda":
            self._made = torch.cuda.Event()
            self._made.record()

    def read(self) -> Tensor:
        """The numbers, on the CPU; waits for them, and for nothing that came after."""
        if self._made is not None:
            self._made.synchronize()
        return self._host
