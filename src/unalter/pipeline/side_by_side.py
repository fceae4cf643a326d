"""Several trainings at once: small networks leave most of a processor's threads waiting for one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Lock

import torch

from unalter.support.errors import Interrupted
from unalter.support.parallel import threads_of, torch_threads
from unalter.support.processes import ALONE, Processes
from unalter.training.options import TrainOptions
from unalter.training.stop import StopRequest
from unalter.training.trainer import Callback, Trainer


def model_shares(options: TrainOptions, device: torch.device, processes: Processes = ALONE) -> tuple[int, int]:
    """How many models of a run are trained at once, and on how many threads each.

    One after another on a GPU, in several processes, and where the time of each is limited: a minute would mean less
    than it says.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or options.max_minutes or processes.world > 1:
        return 1, threads
    at_once = min(len(options.models), threads)
    return at_once, threads // at_once


def advance(
    trainers: Sequence[Trainer], until: int, shares: tuple[int, int], on_step: Callback, on_epoch: Callback,
    stop: StopRequest,
) -> None:  # fmt: skip
    """Train models until each has done so many epochs, or is finished; the one that is behind goes first.

    An epoch has the same threads whichever others are trained beside it, so it is the same to the last bit.

    Args:
        until: the epochs; who has done as many already waits.
        shares: see `model_shares`.
        on_step: called after every step, by one thread at a time.
        on_epoch: called after every epoch, by the caller's thread.

    Raises:
        Interrupted: a stop was requested; all are saved.
        BaseException: what one of them raised; the others are stopped.
    """
    at_once, threads = shares
    one_at_a_time = Lock()

    def told(trainer: Trainer) -> None:
        with one_at_a_time:
            on_step(trainer)

    def behind(trainer: Trainer) -> bool:
        return not trainer.state.finished and trainer.state.epoch < until

    idle = [trainer for trainer in trainers if behind(trainer)]
    if at_once == 1:
        for trainer in idle:
            while behind(trainer) and not stop.requested:
                trainer.run_epoch(on_step, stop)
                on_epoch(trainer)
    else:
        running: dict[Future[None], Trainer] = {}
        # what the threads of the pool set is partly set for the whole process: that ends with the block
        with torch_threads(torch.get_num_threads()), threads_of(threads, at_once) as pool:
            try:
                while (idle or running) and not stop.requested:
                    while idle and len(running) < at_once:
                        trainer = min(idle, key=lambda one: one.fraction_done)
                        idle.remove(trainer)
                        running[pool.submit(trainer.run_epoch, told, stop)] = trainer
                    _collect(running, idle, behind, on_epoch)
                while running:
                    _collect(running, [], behind, on_epoch)
            except BaseException:
                stop.requested = True  # the others end after their step
                raise
    if stop.requested:
        for trainer in trainers:
            trainer.save()
        stop.processes.wait()
        raise Interrupted


def _collect(
    running: dict[Future[None], Trainer], idle: list[Trainer], behind: Callable[[Trainer], bool], on_epoch: Callback
) -> None:
    """Wait for epochs that end, or are stopped; who is still behind is idle again."""
    for done in wait(running, return_when=FIRST_COMPLETED).done:
        trainer = running.pop(done)
        try:
            done.result()
        except Interrupted:  # on its way through an epoch; it is saved
            continue
        on_epoch(trainer)
        if behind(trainer):
            idle.append(trainer)
