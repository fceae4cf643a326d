import fcntl
import os

import pytest

from unalter.support.errors import InputError
from unalter.support.files import atomic_write, check_output, new_folder, unused_name, write_text


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


def in_use(number: int) -> OSError:
    """What Windows raises."""
    error = PermissionError(13, "The process cannot access the file because it is being used by another process")
    error.winerror = number
    return error


@pytest.mark.parametrize("number", [5, 32, 1224])
def test_a_file_that_another_program_lets_go_of_is_replaced(tmp_path, monkeypatch, number):
    left = [in_use(number)] * 3
    real = os.replace

    def busy(old, new):
        if left:
            raise left.pop()
        real(old, new)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr("unalter.support.files._WAITS", (0, 0, 0))
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_file_that_another_program_keeps_is_said_and_stays(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")

    def busy(old, new):
        raise in_use(1224)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr("unalter.support.files._WAITS", (0, 0))
    with pytest.raises(InputError, match=r"a\.txt: cannot be replaced, another program has it open"):
        write_text(tmp_path / "a.txt", "new")
    assert os.listdir(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize("name", ["x" * 251 + ".csv", "x." + "y" * 253, "ü" * 120 + ".png"])
def test_a_name_as_long_as_the_system_allows_is_written(tmp_path, name):
    write_text(tmp_path / name, "text")
    assert os.listdir(tmp_path) == [name]


def test_a_pipe_or_device_is_refused_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(InputError, match="is a device or pipe"):
            write_text(path, "text")
        with pytest.raises(InputError, match="is a device or pipe"):
            check_output(path)
    assert pipe.is_fifo() and (tmp_path / "link").is_symlink()


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    for text in ("first", "second"):
        write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "elsewhere" / "file").read_text() == text


def test_a_name_that_promises_another_kind_of_file_is_refused(tmp_path):
    for name in ("a.png", "a.PNG", "a"):
        check_output(tmp_path / name, ".png")
    with pytest.raises(InputError, match=r"must end in \.png"):
        check_output(tmp_path / "a.jpg", ".png")


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
