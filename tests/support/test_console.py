import io
import os
import sys

import pytest

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
    assert [duration(seconds) for seconds in (0.44, 45, 150, 720, 12_600)] == [
        "0.4 s",
        "45 s",
        "2.5 min",
        "12 min",
        "3.5 h",
    ]


class Stream(io.TextIOWrapper):
    """A standard output of some encoding, that one can be without."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding)

    @property
    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.mark.parametrize(("encoding", "said"), [("cp1252", "K\xe4se \\u732b"), ("ascii", "K\\xe4se \\u732b")])
def test_what_a_console_cannot_show_is_escaped_and_in_the_log(tmp_path, monkeypatch, encoding, said):
    stream = Stream(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    console = Console()
    console.keep_in(tmp_path / "log.txt")
    console.say("Käse 猫")
    assert stream.text.strip() == said
    assert "Käse 猫" in (tmp_path / "log.txt").read_text("utf-8")


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [Gone, closed])
def test_where_nobody_reads_work_goes_on_and_that_is_said_once(tmp_path, monkeypatch, capsys, stream):
    monkeypatch.setattr(sys, "stdout", stream())
    console = Console()
    console.keep_in(tmp_path / "log.txt")
    for word in ("first", "second"):
        console.say(word)
        with console.progress("work") as advance:
            advance("", 0.5)
    assert lines(tmp_path / "log.txt") == ["first", "second"]
    assert capsys.readouterr().err.count("notice: nobody reads the output any more; work goes on") == 1


def test_without_an_output_nothing_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    console = Console()
    console.say("nothing")
    with console.progress("work") as advance:
        advance("", 0.5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("columns", "has_bar"), [(40, False), (80, True)])
def test_on_a_narrow_terminal_what_matters_is_whole(monkeypatch, columns, has_bar):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("rich._console", None)  # it keeps the width that it found first
    with Console().progress("ae, vae, cvae") as advance:
        advance("epoch 12, 1,200 images/s", 0.3)
    assert " 30%" in terminal.getvalue() and "epoch 12, 1,200 images/s" in terminal.getvalue()
    assert ("vae" in terminal.getvalue()) == has_bar
