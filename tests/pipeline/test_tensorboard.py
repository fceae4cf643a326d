"""Curves for TensorBoard: those of metrics.csv, each epoch once, whatever happened in between."""

import csv

import pytest

import unalter
from unalter.support.errors import InputError

events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def curves(folder):
    board = events.EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in board.Scalars(tag)] for tag in board.Tags()["scalars"]}


def test_curves_are_those_of_metrics_csv_also_after_a_resume(small_data, tmp_path):
    out = tmp_path / "run"

    def stop(model, now):
        if now.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # after the epoch was written, before it is saved as one that is done
        unalter.train(
            small_data, out=out, recipe=str(small_data / "recipe.yaml"), models="vae", epochs=3, batch_size=16,
            latent=4, map_every=0, tensorboard=True, on_epoch=stop,
        )  # fmt: skip
    unalter.train(out=out, resume=True)
    with open(out / "vae" / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = curves(out / "tensorboard" / "vae")
    assert len(found) == len(rows[0]) - 1
    for tag, column in (("validation/ssim", "validation_ssim"), ("training/kl", "kl")):
        assert [step for step, _ in found[tag]] == [1, 2, 3]
        assert [value for _, value in found[tag]] == pytest.approx([float(row[column]) for row in rows], rel=1e-5)


def test_where_it_is_not_installed_that_is_said_first(small_data, tmp_path, monkeypatch):
    monkeypatch.setattr("unalter.support.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'unalter\[tensorboard\]'"):
        unalter.train(small_data, out=tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()
