"""Which processes were started together: by torchrun, by srun, or by `--devices`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import environ

from unalter.support.errors import EndedElsewhere, InputError
from unalter.support.processes import ALONE, Place, Processes

_FIRST_PORT, _PORTS = 20_000, 10_000
"""Where the processes of a SLURM step meet, by the numbers of job and step, if MASTER_PORT does not say."""
_LAST_STEP = 2**32 - 256
"""SLURM's numbers of steps end here; above are batch scripts, interactive shells and the like: one process."""


def place_here(variables: Mapping[str, str] = environ) -> Place | None:
    """This process's place, by the environment of torchrun or srun; None for one process alone.

    SLURM's variables in a shell without srun are no step, and mean nothing.

    Raises:
        InputError: it is one of several, and where they meet is not said.
    """
    if _number(variables, "WORLD_SIZE", 1) > 1:
        missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not variables.get(name)]
        rank = _number(variables, "RANK", 0)
        if missing:
            if rank:
                raise EndedElsewhere(2)  # the first of them says it
            raise InputError(
                f"WORLD_SIZE is {variables['WORLD_SIZE']}, and {', '.join(missing)} not set: start several processes "
                "by --devices, torchrun or srun, or unset WORLD_SIZE"
            )
        return Place(rank, _number(variables, "WORLD_SIZE", 1), "env://")
    if variables.get("RANK") is not None and variables.get("WORLD_SIZE") is not None:
        return None  # torchrun with one process
    step = variables.get("SLURM_STEP_ID", variables.get("SLURM_STEPID", ""))
    world = _number(variables, "SLURM_STEP_NUM_TASKS", _number(variables, "SLURM_NTASKS", 1))
    if world < 2 or not step.isdigit() or int(step) > _LAST_STEP or "SLURM_PROCID" not in variables:
        return None
    if "SLURM_PTY_PORT" in variables:  # srun --pty: a shell, in which one process was started
        return None
    port = _FIRST_PORT + (31 * _number(variables, "SLURM_JOB_ID", 0) + int(step)) % _PORTS
    meeting = f"tcp://{_first_host(variables)}:{_number(variables, 'MASTER_PORT', port)}"
    return Place(_number(variables, "SLURM_PROCID", 0), world, meeting)


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes of this run, come together; in the block all end where one of them ends.

    An error is told by the first process alone, which speaks for the others too; those raise `EndedElsewhere`.

    Raises:
        InputError: they do not come together; or what the block raised.
        EndedElsewhere: what another process raised, and has told.
    """
    place = place_here()
    if place is None:
        yield ALONE
        return
    from unalter.support.distributed import together

    with together(place) as processes:
        yield processes


def check_count(devices: int, place: Place | None) -> bool:
    """Whether so many processes are yet to be started.

    Raises:
        InputError: fewer than one, or others than were started already.
    """
    if not isinstance(devices, int) or devices < 1:
        raise InputError(f"devices is {devices}; it must be a whole number, 1 or more")
    if place is not None and devices not in (1, place.world):
        raise InputError(f"--devices is {devices}, and {place.world} processes were started; leave --devices out")
    return devices > 1 and place is None


def _first_host(variables: Mapping[str, str]) -> str:
    """Where the first process of a SLURM step is: MASTER_ADDR, or the first of its nodes."""
    if variables.get("MASTER_ADDR"):
        return variables["MASTER_ADDR"]
    if _number(variables, "SLURM_STEP_NUM_NODES", _number(variables, "SLURM_NNODES", 2)) == 1:
        return "127.0.0.1"
    names = ("SLURM_STEP_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NODELIST")
    return first_node(next((variables[name] for name in names if variables.get(name)), "127.0.0.1"))


def first_node(nodes: str) -> str:
    """The first of SLURM's list of nodes: "gpu[03-05,9],login" is gpu03 and so on."""
    head, bracket, rest = nodes.partition("[")
    if not bracket or "," in head:
        return head.partition(",")[0]
    inside, _, after = rest.partition("]")
    tail = after.partition(",")[0]
    first = inside.partition(",")[0].partition("-")[0]
    return first_node(f"{head}{first}{tail}") if "[" in tail else f"{head}{first}{tail}"


def _number(variables: Mapping[str, str], name: str, otherwise: int) -> int:
    value = variables.get(name, "")
    return int(value) if value.isdigit() else otherwise
