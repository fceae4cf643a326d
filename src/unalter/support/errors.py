"""The errors that a user can mend."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Something that was given cannot be used; the message says what, where and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class Interrupted(Exception):
    """Training was asked to stop (Ctrl-C, SIGTERM, SIGHUP or SIGUSR1) and has saved its state."""

    signal: int | None = None
    """The signal that asked."""


class EndedElsewhere(Exception):
    """Another process of this run has ended, and what there is to say was said by it or the first one.

    Args:
        code: what it ended with.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"another process of this run has ended with {code}")
        self.code = code


class ProcessLost(Exception):
    """A process of several was killed or crashed, and this one cannot go on without it."""


def raise_together(problems: Iterable[str], headline: str, most: int = 40) -> None:
    """Raise one `InputError` that lists all `problems`; do nothing when there are none."""
    problems = list(problems)
    if not problems:
        return
    shown = [f"  - {problem}" for problem in problems[:most]]
    if len(problems) > most:
        shown.append(f"  ... and {len(problems) - most} more")
    raise InputError("\n".join([headline, *shown]))


def first_line(error: Exception) -> str:
    """What an error of another library says, cut to a line that fits into a message."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
