import fcntl
import os

import pytest

from unalter.support.errors import InputError
from unalter.support.files import atomic_write, new_folder, unused_name, write_text


def test_file_appears_only_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic_write(path) as aside:
        aside.write_text("done")
        assert not path.exists()
        assert aside.parent == path.parent  # the same file system: renaming is atomic
    assert path.read_text() == "done"
    assert os.listdir(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_remains_and_nothing_lies_beside_it(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with atomic_write(path) as aside:
            aside.write_text("half of the n")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_nothing_lies_beside_a_name_that_cannot_be_taken(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_text(tmp_path / "a", "text")
    assert os.listdir(tmp_path) == ["a"]


def test_the_suffix_is_kept_aside(tmp_path):
    with atomic_write(tmp_path / "a.npz") as aside:
        assert aside.suffix == ".npz"  # some writers choose the format by it, or add it


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_permissions_follow_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_the_umask_of_other_threads_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("it is the whole process's"))
    write_text(tmp_path / "a", "text")


def test_only_what_is_open_for_writing_is_synced(tmp_path, monkeypatch):
    synced = []

    def fsync(handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")  # as Windows has it
        synced.append(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "a", "text")
    assert len(synced) == 1
    assert (tmp_path / "a").read_text() == "text"


def test_text_is_utf8_and_replaces_the_old(tmp_path):
    write_text(tmp_path / "a", "a long text that was here before")
    write_text(tmp_path / "a", "β = 1")
    assert (tmp_path / "a").read_bytes() == "β = 1".encode()


def test_a_name_that_is_taken_gets_the_first_number_that_is_not(tmp_path):
    assert unused_name(tmp_path / "7.png") == tmp_path / "7.png"
    for name in ("7.png", "7_01.png", "7_03.png"):
        (tmp_path / name).touch()
    assert unused_name(tmp_path / "7.png") == tmp_path / "7_02.png"


def test_a_folder_appears_only_when_it_is_full(tmp_path):
    (tmp_path / "out").mkdir()  # an empty one is not in the way
    with new_folder(tmp_path / "out") as aside:
        (aside / "a.txt").write_text("done")
        assert os.listdir(tmp_path / "out") == []
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == ["a.txt"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_after_an_error_no_folder_is_there_and_a_full_one_is_not_touched(tmp_path):
    def fail():
        with new_folder(tmp_path / "out"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    for taken in ("mine", "mine/a.txt"):
        with pytest.raises(InputError, match="exists and is not empty"), new_folder(tmp_path / taken):
            raise AssertionError
    assert os.listdir(tmp_path / "mine") == ["a.txt"]
