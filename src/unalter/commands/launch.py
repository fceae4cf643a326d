"""`--devices`: a command in several processes of this computer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from unalter.data.options import DataOptions
from unalter.support.device import choose_device
from unalter.support.errors import InputError, Interrupted, ProcessLost
from unalter.support.processes import BY_ANOTHER
from unalter.support.processors import usable_processors
from unalter.training.options import TrainOptions

_PATIENCE = 30.0
"""Seconds in which the others end by themselves, once one has failed."""
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
_ERROR = "error: "
_INPUT, _SIGNAL = 2, 128
"""Exit codes of the command line: the latter and the number of a signal that asked it to stop."""


def launch(command: str, data: Path | None, options: Mapping[str, Any], devices: int, device: str, quiet: bool) -> None:
    """Run a command in so many processes, and wait for them; signals to this one go to all.

    Args:
        command: as on the command line.
        options: as there, by their names in Python; without those that are None.
        device: what `choose_device` takes.
        quiet: let the processes print nothing.

    Raises:
        InputError: there are not as many devices; or what the processes raised.
        Interrupted: they were asked to stop.
        ProcessLost: one of them was killed, or crashed.
    """
    count, what = _available(device)
    if devices > count:
        raise InputError(f"--devices is {devices}, and this computer has {count} {what}{'s'[: count == 1]}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(devices), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), BY_ANOTHER: "1"}
    shared["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", str(max(1, usable_processors() // devices)))
    line = [sys.executable, "-m", "unalter", command, *([str(data)] if data is not None else []), *_words(options)]
    children = [
        subprocess.Popen(
            line, env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if quiet else None, stderr=subprocess.PIPE, start_new_session=True,
        )
        for rank in range(devices)
    ]  # fmt: skip
    said: list[list[str]] = [[] for _ in children]
    pumps = [threading.Thread(target=_pump, args=pair, daemon=True) for pair in zip(children, said, strict=True)]
    for pump in pumps:
        pump.start()
    with _forwarded(children) as signals:
        codes = _ended(children)
    for pump in pumps:
        pump.join()
    failed = [code for code in codes if code]
    if not failed:
        return
    error = "".join(next(filter(None, said), [])).strip().removeprefix(_ERROR)
    if any(code > _SIGNAL for code in failed) or (signals and not error):
        raise Interrupted
    if _INPUT in failed and error:
        raise InputError(error)
    raise ProcessLost(error or f"one of the {devices} processes has ended with {failed[0]}")


def _available(device: str) -> tuple[int, str]:
    if choose_device(device).type == "cuda":
        import torch

        return torch.cuda.device_count(), "CUDA device"
    return usable_processors(), "processor"


def _words(options: Mapping[str, Any]) -> list[str]:
    """Options as words of the command line."""
    defaults = {spec.name: spec.default for kind in (TrainOptions, DataOptions) for spec in fields(kind)}
    words = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if value is True:
            words.append(f"--{flag}")
        elif value is False:
            words += [f"--no-{flag}"] if defaults.get(name) is True else []
        elif value is not None:
            words.append(f"--{flag}={','.join(map(str, value)) if isinstance(value, (tuple, list)) else value}")
    return words


def _pump(child: subprocess.Popen[bytes], said: list[str]) -> None:
    """Pass on what a process says, but for an error, which is the last thing and is kept."""
    assert child.stderr is not None
    with child.stderr:
        for line in child.stderr:
            text = line.decode(errors="backslashreplace")
            if said or text.startswith(_ERROR):
                said.append(text)
            elif text.strip() != "stopped":
                sys.stderr.write(text)


def _ended(children: list[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes of all; those that do not end when one has failed are killed."""
    failed = threading.Event()

    def wait_for(child: subprocess.Popen[bytes]) -> None:
        if child.wait():
            failed.set()

    waits = [threading.Thread(target=wait_for, args=(child,), daemon=True) for child in children]
    for wait in waits:
        wait.start()
    while any(wait.is_alive() for wait in waits) and not failed.wait(0.2):
        pass
    for wait, child in zip(waits, children, strict=True):
        wait.join(_PATIENCE)
        if child.poll() is None:
            child.kill()
        if child.stdin is not None:
            child.stdin.close()
    return [child.wait() for child in children]


@contextmanager
def _forwarded(children: list[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """In this block what would stop this process stops its children; yields the signals that came."""
    came: list[int] = []

    def forward(number: int, frame: object) -> None:
        came.append(number)
        for child in children:
            with suppress(ProcessLookupError, ValueError):
                child.send_signal(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in _FORWARDED:
            if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) not in (None, signal.SIG_IGN):
                before[getattr(signal, name)] = signal.signal(getattr(signal, name), forward)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
