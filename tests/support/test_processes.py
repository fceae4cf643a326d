"""Which processes belong together, and what each has of a batch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import chain, count
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unalter.nn import Pose, pose_error
from unalter.nn.over_processes import over_processes
from unalter.support.errors import EndedElsewhere, InputError
from unalter.support.parallel import parallel_map
from unalter.support.processes import ALONE, Place, Processes
from unalter.support.started import check_count, first_node, place_here

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "1234"}
SRUN = {
    "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "3", "SLURM_NTASKS": "4", "SLURM_NODELIST": "n[02-05]",
    "MASTER_PORT": "29",
}  # fmt: skip


class Threads(Processes):
    """Processes that are threads of one."""

    def __init__(self, rank: int, world: int, meeting: threading.Barrier, table: dict[int, Any]) -> None:
        self.rank, self.world, self.beside = rank, world, world
        self._meeting, self._table = meeting, table

    def gather(self, own: Any) -> list[Any]:
        self._table[self.rank] = own
        self._meeting.wait()
        found = [self._table[rank] for rank in range(self.world)]
        self._meeting.wait()
        return found

    def sum_(self, tensors: list[Tensor]) -> None:
        of_all = self.gather([tensor.clone() for tensor in tensors])
        for tensor, *parts in zip(tensors, *of_all, strict=True):
            tensor.copy_(torch.stack(parts).sum(0))

    def rows(self, own: Tensor) -> Tensor:
        return torch.stack(self.gather(own))

    def counter(self) -> Callable[[], int]:
        return self.gather(count())[0].__next__


def together(work: Callable[[Processes], Any], world: int = 2) -> list[Any]:
    """What each of some processes gives."""
    meeting, table = threading.Barrier(world), {}
    results: dict[int, Any] = {}

    def run(rank: int) -> None:
        try:
            results[rank] = work(Threads(rank, world, meeting, table))
        except BaseException:
            meeting.abort()
            raise

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[rank] for rank in range(world)]


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, None),
        (TORCHRUN, Place(1, 4, "env://")),
        (TORCHRUN | SRUN, Place(1, 4, "env://")),
        (TORCHRUN | {"RANK": "0", "WORLD_SIZE": "1"}, None),
        (SRUN, Place(3, 4, "tcp://n02:29")),
        (SRUN | {"MASTER_ADDR": "head"}, Place(3, 4, "tcp://head:29")),
        (SRUN | {"SLURM_NNODES": "1"}, Place(3, 4, "tcp://127.0.0.1:29")),
        (SRUN | {"SLURM_STEP_NUM_TASKS": "1"}, None),
        ({name: SRUN[name] for name in SRUN if name != "SLURM_STEP_ID"}, None),  # a shell of a job, without srun
        (SRUN | {"SLURM_STEP_ID": str(2**32 - 6)}, None),  # an interactive step
        (SRUN | {"SLURM_PTY_PORT": "4000"}, None),  # srun --pty bash
        ({"SLURM_NTASKS": "2"}, None),
    ],
)
def test_torchrun_and_srun_are_known_by_their_variables(variables: dict[str, str], place: Place | None):
    assert place_here(variables) == place


def test_several_processes_that_are_not_told_where_they_meet_are_refused_by_the_first():
    with pytest.raises(InputError, match="RANK, MASTER_ADDR, MASTER_PORT not set"):
        place_here({"WORLD_SIZE": "2"})
    with pytest.raises(EndedElsewhere):
        place_here({"WORLD_SIZE": "2", "RANK": "1"})


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("a", "a"), ("a,b", "a"), ("gpu[03-05,9],b", "gpu03"), ("a-[1,3]-x", "a-1-x"), ("r[1-2]n[07-9]", "r1n07"),
     ("login,gpu[1-2]", "login")],
)  # fmt: skip
def test_the_first_of_slurms_nodes(nodes: str, first: str):
    assert first_node(nodes) == first


def test_devices_are_started_once():
    assert check_count(2, None)
    assert not check_count(1, None) and not check_count(2, Place(0, 2, "")) and not check_count(1, Place(0, 2, ""))
    for devices, place in ((0, None), ("2", None), (3, Place(0, 2, ""))):
        with pytest.raises(InputError, match="devices is"):
            check_count(devices, place)  # type: ignore[arg-type]


@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_shares_are_equal_and_together_all(world: int):
    def shares(processes: Processes) -> tuple[list[int], list[int], list[int]]:
        true, made = list(range(7)), list(range(7, 26))
        return processes.share(true), processes.share(made, 7), [processes.own(first) for first in range(27)]

    found = together(shares, world)
    whole = [true + made for true, made, _ in found]
    assert sorted(chain(*whole)) == list(range(26))
    for first in range(27):  # of the first rows, however many, all have as many, and they are their own first ones
        counts = [own[first] for _, _, own in found]
        assert sum(counts) == first and max(counts) - min(counts) <= 1
        assert sorted(chain(*(rows[:some] for rows, some in zip(whole, counts, strict=True)))) == list(range(first))


@pytest.mark.parametrize("world", [2, 3])
def test_batchnorm_over_processes_is_that_of_the_whole_batch(world: int):
    generator = torch.Generator().manual_seed(0)
    x, gradient = (torch.randn(10, 4, 3, 5, generator=generator) + shift for shift in (10, 0))

    def normalised(processes: Processes) -> tuple[Tensor, ...]:
        net = nn.Sequential(nn.BatchNorm2d(4))
        with torch.no_grad():
            net[0].weight.copy_(torch.tensor([1.0, 2, -1, 0.5]))
        over_processes(net, processes)
        own = processes.share(x).clone().requires_grad_()
        y = net(own)
        y.backward(processes.share(gradient))
        parameters = [weight.grad for weight in net.parameters()]
        processes.sum_(parameters)  # type: ignore[arg-type]
        return y, own.grad, *parameters, *net.buffers(), net.eval()(own)  # type: ignore[return-value]

    whole, parts = normalised(ALONE), together(normalised, world)
    for rank, own in enumerate(parts):
        for i, (one, other) in enumerate(zip(own, whole, strict=True)):
            expected = other[rank::world] if i in (0, 1, len(whole) - 1) else other
            torch.testing.assert_close(one, expected, rtol=1e-4, atol=1e-5)


def test_pose_errors_of_shares_add_up():
    generator = torch.Generator().manual_seed(0)
    moved = torch.eye(3).repeat(7, 1, 1)
    moved[::3, 0, 0] = 1.2
    said = Pose(*(torch.randn(7, *shape, generator=generator) for shape in ((33,), (32, 6), (2,))))
    parts = together(lambda p: pose_error(Pose(*map(p.share, said)), p.share(moved), 7, p))
    torch.testing.assert_close(sum(parts), pose_error(said, moved))
    nobody = Pose(*(part[:0] for part in said))
    assert pose_error(nobody, moved[:0], 1) == 0


def test_work_is_shared_out_and_everybody_has_all_of_it():
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return item**2

    def shared(processes: Processes) -> list[int]:
        with parallel_map(processes) as run:
            return list(run(work, range(20)))

    assert together(shared) == [[i**2 for i in range(20)]] * 2
    assert sorted(done) == list(range(20))
