"""What can be made again, kept in the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where unalter keeps what can be made again: `$XDG_CACHE_HOME/unalter` or `~/.cache/unalter`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unalter"
