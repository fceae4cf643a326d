import os

from unalter.support.console import Console, duration


def lines(log) -> list[str]:
    return [line.split("  ", 1)[1] for line in log.read_text().splitlines()]


def test_what_was_said_before_there_was_a_log_is_in_it_too(tmp_path, capsys):
    log = tmp_path / "log.txt"
    log.write_text("2026-01-01 00:00:00+00:00  of the day before\n")
    console = Console()
    console.say("first\nsecond")
    console.keep_in(log)
    console.say("third")
    console.log_only("fourth")
    assert lines(log) == ["of the day before", "first", "second", "third", "fourth"]
    assert capsys.readouterr().out == "first\nsecond\nthird\n"


def test_the_name_of_a_file_that_is_no_text_is_said_all_the_same(tmp_path, capsys):
    console = Console()
    console.say(f"{os.fsdecode(bytes([255]))}.png")
    console.keep_in(tmp_path / "log.txt")
    console.log_only(f"{os.fsdecode(bytes([255]))}.png")
    assert lines(tmp_path / "log.txt") == ["\\udcff.png", "\\udcff.png"]
    assert capsys.readouterr().out == "\\udcff.png\n"


def test_a_quiet_console_keeps_a_log(tmp_path, capsys):
    console = Console(quiet=True)
    console.say("before")
    console.keep_in(tmp_path / "log.txt")
    console.say("after")
    assert lines(tmp_path / "log.txt") == ["before", "after"]
    assert capsys.readouterr().out == ""


def test_durations_are_said_as_people_do():
    assert [duration(seconds) for seconds in (0.44, 45, 720, 12_600)] == ["0.4 s", "45 s", "12 min", "3.5 h"]
