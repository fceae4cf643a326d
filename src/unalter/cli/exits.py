"""How the command line ends: messages, exit codes, and a standard output that nobody reads any more."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

import click

from unalter.support.errors import EndedElsewhere, InputError, Interrupted, ProcessLost


def escape_what_cannot_be_shown() -> None:
    """From now on a letter of a name that the console does not know is escaped, and no error."""
    for stream in _streams():
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]


def exit_code(run: Callable[[], Any]) -> int:
    """Run something, say what was wrong; 0, 2 for input that cannot be used, 128 + the signal's number when stopped."""
    try:
        result = run()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        with suppress(OSError, ValueError):
            error.show()
        return error.exit_code if error.exit_code != 1 else 2
    except InputError as error:
        _complain(f"error: {error}")
        return 2
    except EndedElsewhere as error:  # who has ended has said why
        return error.code
    except ProcessLost as error:
        _complain(f"error: {error}")
        return 1
    except BrokenPipeError:  # what click prints, such as help: nobody wants the rest
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"error: {where}{error.strerror or error}")
        return 2
    except (Interrupted, KeyboardInterrupt, click.Abort) as error:  # an Abort is a RuntimeError too
        _complain("stopped")
        return 128 + (getattr(error, "signal", None) or signal.SIGINT)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        _complain("error: out of memory; use a smaller --batch-size, --resize, or fewer pictures")
        return 2


def flush() -> None:
    """Write out what is left; where nobody reads it, Python must not complain of that when it ends."""
    for stream in _streams():
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _streams() -> list[TextIO]:
    """Standard output and errors, where they were not closed before we began."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _complain(text: str) -> None:
    with suppress(OSError, ValueError):
        click.echo(text, err=True)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether it is numpy, torch or the system that has no memory left; torch says so in a RuntimeError."""
    return isinstance(error, MemoryError) or "allocate" in str(error) or "out of memory" in str(error)
