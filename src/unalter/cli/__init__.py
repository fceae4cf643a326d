"""The command line only: parsing, messages, exit codes."""

from unalter.cli.main import main

__all__ = ["main"]
