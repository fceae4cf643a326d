"""How many processors a process may use: often fewer than the computer has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def usable_processors() -> int:
    """How many processors this process may use, by its affinity (`taskset`, SLURM) and its group's quota (a container).

    A quota of 1.5 processors counts as 2.
    """
    of_process: Any = getattr(os, "process_cpu_count", None)  # from Python 3.13 on, where people can set it
    count: int | None = of_process() if of_process else None
    if count is None and hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        count = len(os.sched_getaffinity(0))
    return max(1, min([count or os.cpu_count() or 1, *map(math.ceil, _quotas())]))


def _quotas() -> Iterator[float]:
    """Processors that the groups of this process may use, those above its own included."""
    for group in _groups():
        with suppress(OSError, ValueError, IndexError):  # version 2
            most, period = (group / "cpu.max").read_text("ascii").split()[:2]
            if most != "max":
                yield int(most) / int(period)
        with suppress(OSError, ValueError):  # version 1, where -1 is no limit
            most = int((group / "cpu.cfs_quota_us").read_text("ascii"))
            if most > 0:
                yield most / int((group / "cpu.cfs_period_us").read_text("ascii"))


def _groups() -> set[Path]:
    """The folders of the groups that this process is in; in a container mostly the roots."""
    found = {_GROUPS, _GROUPS / "cpu"}
    with suppress(OSError):
        for line in _OWN.read_text("utf-8", errors="surrogateescape").splitlines():
            _, controllers, place = line.split(":", 2)
            root = _GROUPS / "cpu" if "cpu" in controllers.split(",") else _GROUPS
            own = root / place.lstrip("/")
            found |= {own, *(above for above in own.parents if above.is_relative_to(root))}
    return found
