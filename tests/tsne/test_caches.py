import importlib.util
from pathlib import Path

import pytest
from numba.core.caching import FunctionCache, NullCache

from unalter.tsne.caches import _cache

LOOP = """
from unalter.tsne.loops import compiled

@compiled
def add(a, b):
    return a + b
"""


def imported(file: Path):
    """The loop of a module that is imported anew, as by another process: compiled, or loaded from disk."""
    spec = importlib.util.spec_from_file_location("loop", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.add


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, ending):
    (tmp_path / "loop.py").write_text(LOOP)
    assert imported(tmp_path / "loop.py")(1, 2) == 3
    (file,) = (tmp_path / "__pycache__").glob(f"*{ending}")
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\xff" * 99):
        file.write_bytes(damaged)
        assert imported(tmp_path / "loop.py")(1, 2) == 3
        again = imported(tmp_path / "loop.py")
        assert again(1, 2) == 3 and sum(again.stats.cache_hits.values()) == 1


def test_a_full_disk_and_a_folder_that_is_not_to_be_written_to_cost_time_only(tmp_path: Path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "loop.py").write_text(LOOP)
    monkeypatch.setattr(FunctionCache, "save_overload", full)
    assert imported(tmp_path / "loop.py")(1, 2) == 3


def test_without_a_place_for_it_nothing_is_kept(monkeypatch):
    def nowhere(*_):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("unalter.tsne.caches._MendedCache.__init__", nowhere)
    assert isinstance(_cache(nowhere), NullCache)


def test_without_a_home_folder_nothing_is_kept(monkeypatch):
    """numba makes one called "~"."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert isinstance(_cache(imported), NullCache)
