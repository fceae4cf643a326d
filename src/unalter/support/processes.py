"""One run in several processes: what they do together, and what one process alone does in its place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_T = TypeVar("_T")
BY_ANOTHER = "UNALTER_STARTED"
"""Stands in the environment of processes that one of unalter has started; it holds the other end of their stdin."""


class Processes:
    """The processes that work on one run together; this class is one that works alone.

    All of them see the same global batch, and each works on a share: every `world`-th row. Whatever looks at a whole
    batch is summed up over them. All call the same methods in the same order.
    """

    rank = 0
    """Which of them this is."""
    world = 1
    """How many there are."""
    beside = 1
    """How many of them are on this computer."""
    hosts: tuple[str, ...] = ("this computer",)
    """Where each of them is."""

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def share(self, items: _T, place: int = 0) -> _T:
        """The rows of a tensor, array or range that are this process's, if the first of them is at a place of a batch.

        Of rows and what is cut off behind them so each has as many as any other, give or take one.
        """
        return items[(self.rank - place) % self.world :: self.world] if self.world > 1 else items  # type: ignore[index]

    def own(self, count: int) -> int:
        """How many of the first rows of a batch are this process's."""
        return len(self.share(range(count)))

    def normal(self, like: Tensor, count: int, generator: torch.Generator | None, place: int = 0) -> Tensor:
        """Draws from N(0, 1) for `count` rows of a batch, shaped as those of `like`; this process's share of them."""
        return self.share(like.new_empty(count, *like.shape[1:]).normal_(generator=generator), place)

    def sum_(self, tensors: list[Tensor]) -> None:
        """Replace tensors of one type, on one device, by their sums over all processes."""

    def rows(self, own: Tensor) -> Tensor:
        """The tensors [K] of all processes, on one device: [world, K]."""
        return own[None]

    def of_first(self, make: Callable[[], _T]) -> _T:
        """What the first process makes, for as long as it takes; the others wait for it."""
        return make()

    def gather(self, own: _T) -> list[_T]:
        """What each process has, in the order of their ranks."""
        return [own]

    def agree(self, seconds: float, flag: bool) -> tuple[float, bool]:
        """The seconds that the first process measured, and whether any has the flag."""
        return seconds, flag

    def take(self, device: torch.device) -> None:
        """Let each process have a GPU of its own, where they are to use such."""

    def first_here(self) -> AbstractContextManager[None]:
        """In this block the first process on each computer is done before the others there begin."""
        return nullcontext()

    def wait(self) -> None:
        """Until all have come here."""

    def counter(self) -> Callable[[], int]:
        """A function that counts 0, 1, 2, ..., over all processes together and from any thread."""
        return count().__next__

    def __deepcopy__(self, memo: object) -> Processes:
        return self  # modules that hold it are copied


ALONE = Processes()
"""One process, which is the usual case."""


@dataclass(frozen=True)
class Place:
    """Where a process stands among those that were started, and where they meet."""

    rank: int
    world: int
    meeting: str
    """A URL of torch's."""
