import os
import pwd
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unalter.support import cache as caching
from unalter.support.cache import cache_folder, from_cache, shrink

KEYS = [f"{number:032x}" for number in range(6)]


@pytest.fixture(autouse=True)
def _another_process(monkeypatch):
    monkeypatch.setattr(caching, "_used", set())


@pytest.fixture
def made():
    """What was made, in order."""
    return []


def word(cache: Path | None, key: str = KEYS[0], *, made: list[str], text: str = "word", kind: str = "words") -> str:
    """A text from the cache, or the one given."""
    return from_cache(
        kind,
        key,
        lambda folder: (folder / "text").read_bytes().decode("ascii"),
        lambda: made.append(text) or text,
        lambda value, folder: (folder / "text").write_text(value),
        cache,
    )


def entries(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.glob("*/*"))


def test_what_was_made_is_made_once_for_each_kind_and_key(tmp_path, made):
    for _ in range(2):
        assert word(tmp_path, made=made, text="a") == "a"
        assert word(tmp_path, KEYS[1], made=made, text="b") == "b"
        assert word(tmp_path, made=made, text="c", kind="others") == "c"
    assert made == ["a", "b", "c"]
    assert (tmp_path / "words" / KEYS[0] / "text").read_text() == "a"


@pytest.mark.parametrize(
    "damage", [lambda file: file.write_bytes(b"\xff"), Path.unlink, lambda file: shutil.rmtree(file.parent)]
)
def test_a_damaged_entry_is_made_anew_and_replaced(tmp_path, made, damage):
    word(tmp_path, made=made)
    damage(tmp_path / "words" / KEYS[0] / "text")
    for _ in range(2):
        assert word(tmp_path, made=made) == "word"
    assert made == ["word"] * 2
    assert entries(tmp_path) == [KEYS[0]]


def test_what_comes_out_the_first_time_is_what_comes_out_later(tmp_path):
    def rounded():
        return from_cache(
            "numbers", KEYS[0], lambda folder: float((folder / "number").read_text()), lambda: 1 / 3,
            lambda value, folder: (folder / "number").write_text(f"{value:.2f}"), tmp_path,
        )  # fmt: skip

    assert rounded() == rounded() == 0.33


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_of_an_entry_that_could_not_be_written_nothing_stays(tmp_path, error):
    def half(value, folder):
        (folder / "text").write_text(value[:2])
        raise error

    arguments = ("words", KEYS[0], lambda folder: (folder / "text").read_text(), lambda: "word", half, tmp_path)
    if isinstance(error, OSError):
        assert from_cache(*arguments) == "word"
    else:
        with pytest.raises(KeyboardInterrupt):
            from_cache(*arguments)
    assert entries(tmp_path) == []


def test_an_entry_is_seen_when_it_is_whole_only(tmp_path):
    def save(value, folder):
        (folder / "text").write_text(value)
        assert not (tmp_path / "words" / KEYS[0]).exists()

    from_cache("words", KEYS[0], lambda folder: (folder / "text").read_text(), lambda: "word", save, tmp_path)
    assert (tmp_path / "words" / KEYS[0] / "text").read_text() == "word"


def test_a_folder_that_cannot_be_written_to_costs_time_only(tmp_path, made):
    (tmp_path / "file").touch()
    for _ in range(2):
        assert word(tmp_path / "file" / "cache", made=made) == "word"  # below a regular file
    assert made == ["word"] * 2


def test_a_folder_that_can_only_be_read_is_read(tmp_path, made, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(30, "Read-only file system")

    word(tmp_path, made=made)
    for name in ("mkdir", "rename", "utime"):
        monkeypatch.setattr(os, name, refuse)
    assert word(tmp_path, made=made) == "word"
    assert word(tmp_path, KEYS[1], made=made, text="other") == "other"
    assert made == ["word", "other"]


def test_the_folder_is_where_the_system_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "unalter"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "unalter"


def test_without_a_home_there_is_no_cache_and_work_goes_on(monkeypatch, made, tmp_path):
    def unknown(user):
        raise KeyError(user)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for _ in range(2):
        assert word(None, made=made) == "word"
    assert made == ["word"] * 2
    assert list(tmp_path.iterdir()) == []


def fill(cache: Path, made: list[str]) -> None:
    """An entry of 1,000 bytes for every key, the first one the oldest."""
    for age, key in enumerate(KEYS):
        word(cache, key, made=made, text="x" * 1000)
        os.utime(cache / "words" / key, (1e9 + age, 1e9 + age))
    caching._used.clear()


def test_the_entries_not_used_for_longest_go(tmp_path, made, monkeypatch):
    fill(tmp_path, made)
    word(tmp_path, KEYS[1], made=made)  # used now
    caching._used.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    shrink(tmp_path, 0.5)
    assert entries(tmp_path) == [KEYS[1], KEYS[4], KEYS[5]]
    shrink(tmp_path, 0)
    assert entries(tmp_path) == []


def test_the_cache_shrinks_when_something_is_put_there(tmp_path, made, monkeypatch):
    fill(tmp_path, made)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    word(tmp_path, made=made, kind="others")  # a tenth of it all is less than an entry
    assert [path.relative_to(tmp_path).parts[0] for path in tmp_path.glob("*/*")] == ["others"]


def test_while_there_is_room_nothing_goes(tmp_path, made, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))
    fill(tmp_path, made)
    shrink(tmp_path)
    assert entries(tmp_path) == KEYS


def test_what_this_process_uses_stays(tmp_path, made):
    fill(tmp_path, made)
    word(tmp_path, KEYS[2], made=made)
    word(tmp_path, "f" * 32, made=made)
    shrink(tmp_path, 0)
    assert entries(tmp_path) == [KEYS[2], "f" * 32]


def test_what_another_process_has_mapped_can_be_read_after_it_is_gone(tmp_path):
    arguments = ("arrays", KEYS[0], lambda folder: np.load(folder / "a.npy", mmap_mode="r"))
    mapped = from_cache(*arguments, lambda: np.arange(9000), lambda a, folder: np.save(folder / "a.npy", a), tmp_path)
    assert isinstance(mapped, np.memmap)
    caching._used.clear()
    shrink(tmp_path, 0)
    assert entries(tmp_path) == []
    np.testing.assert_array_equal(mapped, np.arange(9000))


def test_nothing_else_is_removed_and_what_is_left_of_a_killed_process_is(tmp_path):
    for name in ("holiday.jpg", "notes", f"{KEYS[0]}x", f"{KEYS[0]}.npy", f".{KEYS[0]}.0011aabb"):
        (tmp_path / "words" / name).mkdir(parents=True)
        (tmp_path / "words" / name / "content").write_text("content")
    shrink(tmp_path, 0)
    assert entries(tmp_path) == [f"{KEYS[0]}x", "holiday.jpg", "notes"]
