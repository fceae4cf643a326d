"""A run goes on where it can, on the device that is there, with options as they are spelled now."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import unalter
from unalter.runs.folder import RunFolder
from unalter.support.errors import InputError


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> RunFolder:
    """The small run, of its own."""
    return RunFolder(shutil.copytree(small_run, tmp_path / "run"))


def configure(run: RunFolder, old: str, new: str) -> None:
    text = run.config.read_text()
    assert old in text
    run.config.write_text(text.replace(old, new))


def test_a_run_of_a_gpu_that_is_not_here_goes_on_on_the_cpu_and_says_so(run, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    configure(run, "device: cpu", "device: cuda")
    with pytest.raises(InputError, match="was trained on cuda, which is not found here; go on by --device cpu"):
        unalter.train(out=run.path, resume=True)
    unalter.train(out=run.path, resume=True, device="cpu", verbose=True)
    assert "going on on cpu; it was cuda" in capsys.readouterr().out
    assert "device: cuda" in run.config.read_text()


def test_any_device_may_be_named_again_but_no_other_option(run):
    unalter.train(out=run.path, resume=True, device="auto")
    with pytest.raises(InputError, match=r"or for longer; other now: epochs \(was 2\), latent \(was 8\)"):
        unalter.train(out=run.path, resume=True, epochs=1, latent=9)


def test_a_finished_run_is_trained_for_longer_and_that_is_said_and_recorded(run, capsys):
    """The schedule is that of three epochs, of which two are done; then of five, by minutes too."""
    rates = [row["learning_rate"] for row in history(run)]
    unalter.train(out=run.path, resume=True, epochs=3, verbose=True)
    assert "trained for longer, epochs 3 (was 2)" in capsys.readouterr().out
    assert "\nepochs: 3  # was 2\n" in run.config.read_text()
    assert [row["epoch"] for row in history(run)] == ["1", "2", "3"]
    assert [row["learning_rate"] for row in history(run)][:2] == rates
    assert run.model("cvae").map_points(3).is_file()
    before = run.config.read_bytes()
    unalter.train(out=run.path, resume=True)
    assert run.config.read_bytes() == before
    unalter.train(out=run.path, resume=True, epochs=4, models=("ae", "vae", "cvae"))
    assert "\nepochs: 4  # was 3, 2\n" in run.config.read_text()
    assert len(history(run)) == 4


def history(run: RunFolder) -> list[dict[str, str]]:
    with open(run.model("cvae").metrics, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_with_the_spellings_of_before_is_resumed_and_reported(run):
    configure(run, "muon_lr:", "kernel_rate:")
    configure(run, "identity_fraction:", "untouched:")
    configure(run, "unblend:", "won_back:")
    unalter.train(out=run.path, resume=True)
    run.report.unlink()
    from unalter.commands.report import report as make_report

    assert make_report(run.path) == run.report and run.report.is_file()


def test_a_report_of_a_run_whose_samples_are_png_only_shows_them(run):
    from unalter.commands.report import report as make_report

    whole = make_report(run.path).read_text()
    for name in ("ae", "vae", "cvae"):
        for epoch in run.model(name).sampled_epochs():
            run.model(name).sample_arrays(epoch).unlink()
    assert whole.count("<img") == make_report(run.path).read_text().count("<img")
