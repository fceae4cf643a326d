"""Numbers that a device works out, read without keeping it waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Reading:
    """What came out of one step."""

    values: list[float]
    step: int
    """Of its epoch."""
    pictures: int


class Readings:
    """Reads on a processor at once; on a device, which works while the host goes on, when the next step is under way."""

    def __init__(self, device: torch.device) -> None:
        self.late = device.type != "cpu"
        """Whether what is read is older than what is under way."""
        self._waiting: list[tuple[Tensor, torch.cuda.Event | None, int, int]] = []

    def put(self, values: Tensor, step: int, pictures: int) -> Iterator[Reading]:
        """Give numbers [K] that may not have been worked out yet; get those that are to be looked at now."""
        earlier = list(self.rest())
        event = None
        # Apple's copies cannot be waited for one by one
        host = values.to("cpu", non_blocking=values.device.type != "mps")
        if values.device.type == "cuda":
            event = torch.cuda.Event()
            event.record()
        self._waiting.append((host, event, step, pictures))
        yield from earlier if self.late else self.rest()

    def rest(self) -> Iterator[Reading]:
        """What nobody has looked at yet."""
        waiting, self._waiting = self._waiting, []
        for host, event, step, pictures in waiting:
            if event is not None:
                event.synchronize()
            yield Reading(host.tolist(), step, pictures)
