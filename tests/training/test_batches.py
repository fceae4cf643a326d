from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from unalter.alter import load_recipe
from unalter.data import Folders, Pictures
from unalter.data.digits import load_digits
from unalter.errors import InputError
from unalter.pairing import pair_by_name
from unalter.training.batches import PairSource


def pictures(images: np.ndarray, index: np.ndarray, labels: np.ndarray) -> Pictures:
    return Pictures(images, index, labels, [f"x_{i}_{label}.png" for i, label in zip(index, labels, strict=True)])


@pytest.fixture
def folders() -> Folders:
    """50 clean digits; 40 altered: the inverse of the first 20, and of 20 others that are not in clean/."""
    images, labels = load_digits("train")
    images, index = images[:, None], np.arange(len(images))
    there = np.concatenate([np.arange(20), np.arange(60, 80)])
    return Folders(pictures(images[:50], index[:50], labels[:50]), pictures(255 - images[there], there, labels[there]))


def source(folders: Folders, **changes) -> PairSource:
    values = {"name_pairs": 0.25, "validation": 0.2, "seed": 3, "device": torch.device("cpu"), **changes}
    return PairSource(folders, pair_by_name(folders), load_recipe("noise"), **values)


def test_an_epoch_has_as_many_pictures_as_the_altered_folder(folders: Folders):
    plan = source(folders).epoch(0, 16)
    assert sum(len(altered) + len(clean) for altered, clean in plan) == 40
    assert all(16 <= len(altered) + len(clean) < 32 for altered, clean in plan)


def test_name_pairs_have_their_share_of_every_batch(folders: Folders):
    for altered, clean in source(folders).epoch(0, 20):
        assert len(altered) == 5 and len(clean) == 15


def test_a_true_pair_is_given_its_own_clean_picture_and_no_other(folders: Folders):
    pairs = source(folders, name_pairs=1.0)
    for step, plan in enumerate(pairs.epoch(0, 8)):
        batch = pairs.batch(plan, 0, step)
        assert torch.allclose(batch.x_alt, 1 - batch.x, atol=1e-6)  # altered here means inverted


def test_altered_pictures_without_partner_train_nothing(folders: Folders):
    drawn = {row for altered, _ in source(folders, name_pairs=1.0).epoch(0, 8) for row in altered}
    assert drawn <= set(range(20))


def test_no_validation_digit_is_trained_on(folders: Folders):
    pairs = source(folders)
    held = {x.numpy().tobytes() for x in pairs.validation().x}
    assert held
    for epoch in range(4):
        for step, plan in enumerate(pairs.epoch(epoch, 8)):
            assert not held & {x.numpy().tobytes() for x in pairs.batch(plan, epoch, step).x}


def test_a_step_is_the_same_whenever_it_is_made_and_others_differ(folders: Folders):
    pairs, again = source(folders), source(folders)
    pairs.epoch(0, 8)  # what ran before does not matter
    first = pairs.batch(pairs.epoch(5, 8)[2], 5, 2)
    second = again.batch(again.epoch(5, 8)[2], 5, 2)
    assert torch.equal(first.x_alt, second.x_alt) and torch.equal(first.x, second.x)
    other = again.batch(again.epoch(6, 8)[2], 6, 2)
    assert not torch.equal(first.x, other.x)


def test_every_clean_picture_is_drawn_equally_often(folders: Folders):
    pairs = source(folders, name_pairs=0.0)
    drawn = np.concatenate([clean for epoch in range(10) for _, clean in pairs.epoch(epoch, 8)])
    counts = np.bincount(drawn, minlength=50)
    assert np.count_nonzero(counts) == 40  # 10 of 50 are kept for validation
    assert counts[counts > 0].min() == counts.max()


def test_without_recipe_and_without_pairs_there_is_nothing_to_train_on(folders: Folders):
    alone = Folders(folders.clean, folders.altered.rows(np.arange(20, 40)))
    with pytest.raises(InputError, match="no altered picture has its clean one"):
        PairSource(alone, pair_by_name(alone), None, name_pairs=0.2, validation=0.1, seed=0, device=torch.device("cpu"))


def test_one_clean_picture_is_too_few(folders: Folders):
    with pytest.raises(InputError, match="at least two"):
        source(Folders(folders.clean.rows(np.arange(1)), folders.altered))


def test_schedule_ends_at_zero_by_steps_and_by_time():
    from unalter.training.schedule import learning_rate, progress, warm_beta

    assert progress(50, 100, 0, 0) == 0.5
    assert progress(1, 100, 90, 100) == 0.9
    assert progress(1, 100, 300, 100) == 1.0
    assert learning_rate(1.0, 500, 1000, 1.0) == pytest.approx(0)
    assert learning_rate(1.0, 0, 1000, 0.0) < 0.1
    rates = [learning_rate(1.0, step, 1000, step / 1000) for step in range(1001)]
    assert max(rates) <= 1 and rates[200:] == sorted(rates[200:], reverse=True)
    assert warm_beta(2.0, 0) == 0 and warm_beta(2.0, 0.5) == 2.0


def test_average_of_constant_weights_is_those_weights():
    from unalter.training.average import AveragedModel

    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    average = AveragedModel(model, 0.9)
    with torch.no_grad():
        model[0].weight.fill_(3.0)
    for _ in range(500):
        average.update(model)
    assert torch.allclose(average.model.state_dict()["0.weight"], torch.full((2, 2), 3.0), atol=1e-4)


def test_paths_of_a_run(tmp_path: Path):
    from unalter.run import RunFolder, new_run

    assert new_run(tmp_path).path.name == "run-001"
    (tmp_path / "run-009").mkdir()
    assert new_run(tmp_path).path.name == "run-010"
    folder = RunFolder(tmp_path).model("vae")
    assert folder.map_picture(10).name == "VAE_epoch_10.png"
    assert folder.map_picture(10, sampled=True).name == "VAE_sampled_epoch_10.png"
