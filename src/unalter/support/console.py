"""What a person reads while work goes on, and afterwards in log.txt."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from unalter.support.progress import ProgressCallback, no_progress

if TYPE_CHECKING:
    from rich.progress import Progress

_NARROW = 64
"""Columns of a terminal with fewer of which there is no room for name, bar and time."""
_SILENCE = 20.0
"""Seconds after which a person who reads plain lines wonders whether anything goes on."""


class Console:
    """Prints lines, shows progress, and keeps the lines for a log file.

    On a terminal progress is a bar with speed and time left; into a pipe or file plain lines go, one every 20 seconds
    where work takes long. Characters that the other side cannot show are escaped. Where nobody reads any more
    (`... | head -1`, a terminal that was closed) work goes on, and that is said once where errors are.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._log: Path | None = None
        self._early = ""
        self._bar: Progress | None = None

    def say(self, text: str) -> None:
        """Print a line (or several) and log it with the time."""
        text = text.encode(errors="backslashreplace").decode()  # names of files can be no UTF-8
        if not self._quiet and sys.stdout is not None:  # None: closed before we began
            try:
                self._print(text)
            except (OSError, ValueError):  # nobody reads, or it was closed
                self._quiet = True
                self._notice_nobody_reads()
        self.log_only(text)

    def _print(self, text: str) -> None:
        text = showable(text, sys.stdout)
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, flush=True)

    def _notice_nobody_reads(self) -> None:
        where = f"; all that is said is in {self._log}" if self._log is not None else ""
        notice = f"notice: nobody reads the output any more; work goes on{where}"
        with suppress(OSError, ValueError):
            print(showable(notice, sys.stderr), file=sys.stderr, flush=True)

    def log_only(self, text: str) -> None:
        """Write to the log what is printed elsewhere."""
        stamp = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        lines = "".join(f"{stamp}  {line}\n" for line in text.splitlines())
        if self._log is None:
            self._early += lines
        else:
            self._write(lines)

    def keep_in(self, log: Path) -> None:
        """Write what was said so far, and from now on, to a log file; what is in it stays."""
        self._log = log
        self._write(self._early)

    def _write(self, lines: str) -> None:
        assert self._log is not None
        with open(self._log, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(lines)

    @contextmanager
    def progress(self, name: str) -> Iterator[ProgressCallback]:
        """Show how far some work is; yields the function to call as it goes on."""
        if self._quiet or sys.stdout is None or sys.stdout.closed or not sys.stdout.isatty():
            yield no_progress if self._quiet else self._now_and_then(name)
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        percent, words = TaskProgressColumn(), TextColumn("{task.fields[words]}")
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), percent, words, TimeRemainingColumn())
        if shutil.get_terminal_size().columns < _NARROW:
            columns = (percent, words)
        with Progress(*columns, transient=True) as bar:
            self._bar = bar
            task = bar.add_task(name, total=1.0, words="")
            try:
                yield lambda words, done: bar.update(
                    task, completed=done if isfinite(done) else 0, total=1.0 if isfinite(done) else None, words=words
                )
            finally:
                self._bar = None

    def _now_and_then(self, name: str) -> ProgressCallback:
        """Says a line where nothing was said of some work for a while."""
        last = monotonic()

        def tell(words: str, done: float) -> None:
            nonlocal last
            if monotonic() - last >= _SILENCE:
                last = monotonic()
                self.say(f"  {name}: {words}" + (f", {done:.0%}" if isfinite(done) else ""))

        return tell


def showable(text: str, stream: TextIO | None) -> str:
    """The text with what a stream cannot show escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def duration(seconds: float) -> str:
    """0.4 s, 45 s, 2.5 min, 12 min, 3.5 h"""
    if seconds < 90:
        return f"{seconds:.{int(seconds < 10)}f} s"
    return f"{seconds / 60:.{int(seconds < 570)}f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
