"""What came out of steps, looked at without keeping a device waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from unalter.support.late import OnItsWay


@dataclass(frozen=True)
class Reading:
    """What came out of one step."""

    values: list[float]
    step: int
    """Of its epoch."""
    pictures: int


class Readings:
    """On a processor looked at at once; on a device, which works while the host goes on, after the next step."""

    def __init__(self, device: torch.device) -> None:
        self.late = device.type != "cpu"
        """Whether what is looked at is older than what is under way."""
        self._waiting: list[tuple[OnItsWay, int, int]] = []

    def put(self, values: Tensor, step: int, pictures: int) -> Iterator[Reading]:
        """Give numbers [K] that may not have been worked out yet; get those that are to be looked at now."""
        earlier = list(self.rest())
        self._waiting.append((OnItsWay(values), step, pictures))
        yield from earlier if self.late else self.rest()

    def rest(self) -> Iterator[Reading]:
        """What nobody has looked at yet."""
        waiting, self._waiting = self._waiting, []
        for values, step, pictures in waiting:
            yield Reading(values.read().tolist(), step, pictures)
