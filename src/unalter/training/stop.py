"""Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 as a wish to stop when the step that is under way is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from unalter.support.processes import ALONE, Processes

_ALWAYS = ("SIGINT", "SIGTERM")
_WHERE_THEY_WOULD_KILL = ("SIGHUP", "SIGUSR1")
"""A closed terminal; what clusters announce the end of a job's time with. Windows has neither."""


class StopRequest:
    """While this context is entered, these signals set `requested`; a second SIGINT stops at once.

    Signals that are ignored (`nohup`) stay so, and a handler of the caller's for the last two is left where it is.
    Several processes stop together, when one of them was asked to: what is `requested` is what they have `agreed` on.
    Outside the main thread, where no handler can be set, signals keep their meaning.
    """

    def __init__(self, processes: Processes = ALONE) -> None:
        self.requested = False
        self.signal: int | None = None
        """The one that asked."""
        self.processes = processes
        self._asked = False
        self._at_once = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            known = [name for name in (*_ALWAYS, *_WHERE_THEY_WOULD_KILL) if hasattr(signal, name)]
            for name in known:
                number: int = getattr(signal, name)
                handler = signal.getsignal(number)  # None: one that was not set from Python
                if handler not in (None, signal.SIG_IGN) and (name in _ALWAYS or handler == signal.SIG_DFL):
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def agreed(self, seconds: float) -> float:
        """Whether to stop, and the time that was measured, as all processes see them from now on; returns the time."""
        seconds, stop = self.processes.agree(seconds, self._asked)
        self.requested |= stop
        return seconds

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """In this block, where everything is saved, a signal raises KeyboardInterrupt instead of waiting."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _on_signal(self, number: int, frame: object) -> None:
        again, self.signal = self._asked, self.signal or number
        if self._at_once or (again and number == signal.SIGINT):
            raise KeyboardInterrupt
        self._asked = True
        if self.processes.world == 1:
            self.requested = True
