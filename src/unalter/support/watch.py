"""Who of several processes has ended: all end then, and one says why.

torch's collectives wait for a process that is no more for as long as they may, which is for ever here, and on a GPU
nothing else is noticed meanwhile. So each process holds a connection to the first one; the system closes it with the
process, however that ends.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
import time
import traceback
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

from unalter.support.errors import EndedElsewhere, InputError, Interrupted

if TYPE_CHECKING:
    from torch.distributed import Store

_CONNECT = 60.0
_GRACE = 3.0
"""Seconds in which the first process may come to the same end as another by itself."""
_LINGER = 15.0
"""Seconds that the others wait for the first one to have spoken: what started them may end all with any of them."""
_AFTER_THE_FIRST = 1.0
"""Seconds that the second one has to say that the first one is gone."""
_STOPPED = 130
_kept: list[socket.socket] = []
"""Connections that the system is to close with the process, so that the others know when it has spoken."""
_IDLE, _BETWEEN, _TRIES = 30, 10, 3
"""Seconds after which a silent computer is asked whether it is still there, how often, and how many times."""


class Watch:
    """In this context all processes end when one of them does.

    Args:
        rank, world: which of how many this one is.
        host: the name of this computer, for messages.
        store: where the first one says how it is reached.
        address: of the first one.
    """

    def __init__(self, rank: int, world: int, host: str, store: Store, address: str) -> None:
        self._rank, self._name = rank, f"process {rank} of {world} on {host} (pid {os.getpid()})"
        self._ending = threading.Event()
        self._told = threading.Event()
        self._lock = threading.Lock()
        self._peers: dict[int, socket.socket] = {}
        self._names = {0: f"process 0 of {world}"}
        if rank == 0:
            self._accept(world, store)
        else:
            self._connect(store, address)
        for peer in self._peers:
            threading.Thread(target=self._listen, args=(peer,), daemon=True).start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if error is None:
            self._send({"done": True})
        else:
            code, why = _explained(error)
            self._send({"code": code, "why": f"{self._name}: {why}" if code != _STOPPED else "stopped"})
            if self._rank:
                if code == 1:
                    traceback.print_exception(error)
                self._told.wait(_GRACE + _LINGER)
                raise EndedElsewhere(code) from None
            _kept.extend(self._peers.values())
            return
        for peer in self._peers.values():
            peer.close()

    def verdict(self) -> None:
        """Wait to be ended, where another process is found to have ended."""
        self._told.wait(_LINGER)

    def _accept(self, world: int, store: Store) -> None:
        password = secrets.token_hex(16)
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        with socket.create_server(("", 0), family=family, dualstack_ipv6=dual, backlog=world) as server:
            server.settimeout(_CONNECT)
            store.set("watch", json.dumps({"port": server.getsockname()[1], "password": password}))
            while len(self._peers) < world - 1:
                peer, _ = server.accept()
                said = _line(peer, _CONNECT)
                if said.get("password") == password:
                    self._peers[said["rank"]] = _patient(peer)
                    self._names[said["rank"]] = said["name"]
                else:
                    peer.close()

    def _connect(self, store: Store, address: str) -> None:
        store.wait(["watch"], timedelta(seconds=_CONNECT))
        there = json.loads(store.get("watch"))
        peer = socket.create_connection((address, there["port"]), _CONNECT)
        self._peers[0] = _patient(peer)
        self._send({"password": there["password"], "rank": self._rank, "name": self._name})

    def _listen(self, rank: int) -> None:
        """Until a peer has ended, or is done."""
        said = _line(self._peers[rank])
        if said.get("done"):
            return
        code, why = said.get("code", 1), said.get("why")
        if why is None:
            if self._ending.is_set():
                self._told.set()
                return
            why = f"{self._names[rank]} was killed or has crashed, so all have ended; go on with --resume"
            if self._rank > 1:
                time.sleep(_AFTER_THE_FIRST)
                why = ""
        elif self._rank == 0:
            if self._ending.wait(_GRACE):
                return
        else:
            _line(self._peers[rank], _LINGER)  # until the first one has spoken, and is gone
            why = ""
            self._told.set()
            if self._ending.is_set():
                return
        self._end(code, why)

    def _end(self, code: int, why: str) -> None:
        with self._lock:
            sys.stdout.flush()
            if why:
                print(why if code == _STOPPED else f"error: {why}", file=sys.stderr, flush=True)
            self._send({"code": code, "why": ""})
            os._exit(code)  # the main thread waits for who will not come

    def _send(self, message: dict[str, object]) -> None:
        for peer in self._peers.values():
            try:
                peer.sendall(json.dumps(message).encode() + b"\n")
            except OSError:  # it is gone
                continue


def _explained(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what it says."""
    if isinstance(error, EndedElsewhere):
        return error.code, str(error)
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        return _STOPPED, "stopped"
    if isinstance(error, InputError):
        return 2, str(error)
    if isinstance(error, OSError):
        return 2, f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return 1, f"{type(error).__name__}: {error}"


def _line(peer: socket.socket, seconds: float | None = None) -> dict[str, Any]:
    """What a peer says, a line of JSON; nothing where it is gone."""
    peer.settimeout(seconds)
    heard = b""
    try:
        while not heard.endswith(b"\n"):
            more = peer.recv(4096)
            if not more:
                return {}
            heard += more
        return json.loads(heard.splitlines()[0])
    except (OSError, ValueError):
        return {}


def _patient(peer: socket.socket) -> socket.socket:
    """A connection that may be silent for days, and ends when the other computer is gone."""
    peer.settimeout(None)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", _IDLE), ("TCP_KEEPINTVL", _BETWEEN), ("TCP_KEEPCNT", _TRIES)):
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return peer
