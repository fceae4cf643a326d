from __future__ import annotations

from pathlib import Path

import pytest

from unalter.commands.export import export_run


@pytest.fixture(scope="session")
def shared(tmp_path_factory, small_run) -> Path:
    """A shared folder of the small run's CVAE. To be read, not to be written to."""
    return export_run(small_run, tmp_path_factory.mktemp("export") / "digits", "hub", model="cvae")
