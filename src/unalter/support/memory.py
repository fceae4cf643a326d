"""How much memory there is, asked before it is needed."""

from __future__ import annotations

from pathlib import Path

from unalter.support.errors import InputError


def free_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    limits = []
    try:
        for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(int(line.split()[1]) * 1024)
        group = Path("/sys/fs/cgroup")  # what a container may have
        most = (group / "memory.max").read_text("utf-8").strip()
        if most != "max":
            limits.append(int(most) - int((group / "memory.current").read_text("utf-8")))
    except (OSError, ValueError):
        pass
    return min(limits, default=None)


def check_memory(need: int, what: str, way: str) -> None:
    """Refuse work that needs more bytes than are free, before it begins.

    Raises:
        InputError: says how much `what` needs, how much there is, and which option (`way`) makes it less.
    """
    free = free_memory()
    if free is not None and need > free:
        raise InputError(
            f"not enough memory: {what} need about {need / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free; "
            f"use {way}, or fewer pictures"
        )
