import pytest

from unalter.pipeline.resume import saved_settings
from unalter.pipeline.start import claimed, claimed_next
from unalter.runs.folder import RunFolder
from unalter.support.errors import InputError


def test_a_start_that_was_killed_is_no_run_and_in_nobodys_way(tmp_path):
    run = RunFolder(tmp_path / "run")

    def killed():
        with claimed(run):
            run.pairs.write_text("of other options")
            run.backgrounds.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    with pytest.raises(InputError, match="no run to resume"):
        saved_settings(run, None, {})
    with claimed(run):
        assert not run.pairs.exists() and not run.backgrounds.exists()


def test_a_run_folder_with_anything_else_in_it_is_left_alone(tmp_path):
    run = RunFolder(tmp_path / "run")
    with claimed(run):
        run.config.write_text("epochs: 2")
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    other.pairs.write_text("of somebody")
    for folder in (run, other):
        with pytest.raises(InputError, match="exists"), claimed(folder):
            pass
    assert run.config.exists() and other.pairs.read_text() == "of somebody"


def test_trainings_that_begin_at_once_have_folders_of_their_own(tmp_path, monkeypatch):
    """The second saw the number free; the first took it meanwhile."""
    with claimed_next(tmp_path) as first:
        seen = iter([first, RunFolder(tmp_path / "run-002")])
        monkeypatch.setattr("unalter.pipeline.start.new_run", lambda runs: next(seen))
        with claimed_next(tmp_path) as second:
            assert (first.path.name, second.path.name) == ("run-001", "run-002")
