"""Several processes of one run, by torch.distributed: gloo between processors, NCCL between GPUs."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from unalter.support.errors import InputError, ProcessLost, first_line
from unalter.support.processes import BY_ANOTHER, Place, Processes
from unalter.support.watch import Watch

_T = TypeVar("_T")
_MEET = timedelta(minutes=5)
"""A cluster starts the processes of a step within seconds, or not at all."""
_FOR_EVER = timedelta(days=365)
"""For as long as the first process draws a map, however large; that it lives, `Watch` knows."""
_store: dist.Store | None = None
_times = count()
"""How often the processes have come together; what they say to one another has the number before it."""


class Distributed(Processes):
    """The processes of a run that came together; see `Processes`."""

    def __init__(self, place: Place, store: dist.Store) -> None:
        self.rank, self.world = place.rank, place.world
        self._store = store
        self._counters = count()
        self._watch: Watch | None = None
        self.hosts = tuple(self.gather(socket.gethostname()))
        self.host = self.hosts[self.rank]
        self.beside = self.hosts.count(self.host)
        self.place_beside = self.hosts[: self.rank].count(self.host)
        """Which of those on this computer it is."""

    def watch(self, watch: Watch) -> None:
        """From now on whoever ends is noticed."""
        self._watch = watch

    def sum_(self, tensors: list[Tensor]) -> None:
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self._call(lambda: dist.all_reduce(flat))
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def rows(self, own: Tensor) -> Tensor:
        rows = own.new_zeros(self.world, len(own))
        rows[self.rank] = own
        self._call(lambda: dist.all_reduce(rows))
        return rows

    def of_first(self, make: Callable[[], _T]) -> _T:
        made: list[Any] = [make() if self.first else None]
        self._call(lambda: dist.broadcast_object_list(made, src=0, device=torch.device("cpu")))
        return made[0]

    def gather(self, own: _T) -> list[_T]:
        found: list[Any] = [None] * self.world
        self._call(lambda: dist.all_gather_object(found, own))
        return found

    def agree(self, seconds: float, flag: bool) -> tuple[float, bool]:
        both = torch.tensor([seconds if self.first else 0.0, float(flag)], dtype=torch.float64)
        self._call(lambda: dist.all_reduce(both))
        return float(both[0]), bool(both[1] > 0)

    def take(self, device: torch.device) -> None:
        """See `Processes.take`.

        Raises:
            InputError: there are fewer GPUs than processes; or torch has no NCCL.
        """
        if device.type != "cuda":
            return
        if not dist.is_nccl_available():
            raise InputError("several GPUs need NCCL, and this build of torch is without it; use --device cpu")
        count = torch.cuda.device_count()
        torch.cuda.set_device(self.place_beside % count)  # where a cluster gives each process one, that is the one
        taken = self.gather((self.host, str(torch.cuda.get_device_properties(torch.cuda.current_device()).uuid)))
        twice = next((one for one in taken if taken.count(one) > 1), None)
        if twice is not None:
            raise InputError(
                f"{self.hosts.count(twice[0])} processes on {twice[0]}, and fewer CUDA devices; start no more than "
                "there are devices, or use --device cpu"
            )

    @contextmanager
    def first_here(self) -> Iterator[None]:
        if self.place_beside:
            self.wait()
        yield
        if not self.place_beside:
            self.wait()

    def wait(self) -> None:
        self.agree(0.0, False)

    def counter(self) -> Callable[[], int]:
        key = f"counter {next(self._counters)}"
        return lambda: self._store.add(key, 1) - 1

    def _call(self, collective: Callable[[], object]) -> None:
        """Who waits for a process that has ended is told so by torch; what happened `Watch` knows better."""
        try:
            collective()
        except RuntimeError as error:
            if self._watch is not None:
                self._watch.verdict()
            raise ProcessLost(f"another process of this run cannot be reached ({first_line(error)})") from None


@contextmanager
def together(place: Place) -> Iterator[Distributed]:
    """Come together with the other processes, and go apart at the end; see `started.joined`."""
    global _store
    if not dist.is_available() or not dist.is_gloo_available():
        raise InputError("several processes need gloo, and this build of torch is without it; leave --devices out")
    if dist.is_initialized():
        raise InputError("torch.distributed is at work in this process already: leave init_process_group to unalter")
    try:
        if _store is None:
            url = place.meeting
            if url != "env://":
                url += f"?rank={place.rank}&world_size={place.world}"
            _store, _, _ = next(iter(rendezvous(url, timeout=_MEET)))
        store = dist.PrefixStore(f"unalter {next(_times)}", _store)
        with_gpus = torch.cuda.is_available() and dist.is_nccl_available()
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if with_gpus else "gloo", store=store, rank=place.rank, world_size=place.world,
            timeout=_FOR_EVER,
        )  # fmt: skip
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"process {place.rank} of {place.world}: they did not come together within "
            f"{_MEET.seconds // 60} minutes at {_meeting(place)} ({first_line(error)}); were all of them started?"
        ) from None
    if os.environ.get(BY_ANOTHER):
        threading.Thread(target=_end_with_parent, daemon=True).start()
    processes = Distributed(place, store)
    with Watch(processes.rank, processes.world, processes.host, store, _address(place)) as watch:
        processes.watch(watch)
        yield processes
        processes.wait()
    dist.destroy_process_group()  # after an error it could wait for who is gone


def _end_with_parent() -> None:
    """Stop, and save, where the process that started this one is no more."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _meeting(place: Place) -> str:
    if place.meeting != "env://":
        return place.meeting.removeprefix("tcp://")
    return f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"


def _address(place: Place) -> str:
    """Of the first process."""
    return _meeting(place).rpartition(":")[0]
