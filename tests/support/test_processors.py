import os

import pytest
import torch

from unalter.support import processors
from unalter.support.caller import thread_count
from unalter.support.processors import usable_processors


@pytest.fixture
def group(tmp_path, monkeypatch):
    """The system's folder of groups, of our own; the process is in /job of version 2 and /task of version 1."""
    monkeypatch.setattr(processors, "_GROUPS", tmp_path)
    monkeypatch.setattr(processors, "_OWN", tmp_path / "own")
    (tmp_path / "own").write_text("1:cpu,cpuacct:/task\n0::/job/step\n")
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)

    def limit(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return limit


def test_without_a_limit_it_is_what_affinity_says(group, monkeypatch):
    assert usable_processors() == 8
    monkeypatch.delattr(os, "process_cpu_count")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    assert usable_processors() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_processors() == 1


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "1000 100000"}, 1),
        ({"job/cpu.max": "300000 100000", "job/step/cpu.max": "max 100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/task/cpu.cfs_quota_us": "400000", "cpu/task/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu.max": "nonsense"}, 8),
    ],
)
def test_a_quota_of_any_group_above_limits(group, files, count):
    for path, text in files.items():
        group(path, text)
    assert usable_processors() == count


def test_threads_are_no_more_than_processors_unless_the_user_says_so(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    monkeypatch.setattr("unalter.support.caller.usable_processors", lambda: 3)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert thread_count() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    assert thread_count() == 16
