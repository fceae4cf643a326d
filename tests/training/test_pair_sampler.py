from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from unalter.alter import Blend, Branch, Invert, KeyedDraws, Recipe, Rotate, fold_in, load_recipe
from unalter.alter.backgrounds import pattern_backgrounds
from unalter.alter.geometric import sample
from unalter.data.dataset import Dataset, ImageSet
from unalter.data.digits import load_digits
from unalter.images.convert import to_float
from unalter.pairing.names import pair_by_name
from unalter.support.errors import InputError
from unalter.training.pair_sampler import PairSampler

TURNED = Recipe("turned", (Branch(0.5, (Rotate(),)), Branch(0.5, (Invert(probability=1.0),))))


def pictures(images: np.ndarray, index: np.ndarray, labels: np.ndarray) -> ImageSet:
    return ImageSet(images, index, labels, [f"x_{i}_{label}.png" for i, label in zip(index, labels, strict=True)])


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images, labels = load_digits("train")
    return images[:, None], np.arange(len(images)), labels


@pytest.fixture
def dataset() -> Dataset:
    """50 clean digits; 40 altered: the inverse of the first 20, and of 20 others that are not in clean/."""
    images, index, labels = digits()
    there = np.concatenate([np.arange(20), np.arange(60, 80)])
    return Dataset(pictures(images[:50], index[:50], labels[:50]), pictures(255 - images[there], there, labels[there]))


def sampler(dataset: Dataset, recipe: Recipe | None = None, **changes) -> PairSampler:
    values = {"true_pairs": 0.25, "unblend": True, "identity_fraction": 0.0, "validation": 0.2, "seed": 3, **changes}
    recipe = recipe or load_recipe("noise")
    return PairSampler(dataset, pair_by_name(dataset), recipe, **values, device=torch.device("cpu"))


def test_an_epoch_has_as_many_pictures_as_the_altered_folder(dataset: Dataset):
    plan = sampler(dataset).plan(0, 16)
    assert sum(len(altered) + len(clean) for altered, clean in plan) == 40
    assert all(16 <= len(altered) + len(clean) < 32 for altered, clean in plan)


def test_true_pairs_have_their_share_of_every_batch(dataset: Dataset):
    for altered, clean in sampler(dataset).plan(0, 20):
        assert len(altered) == 5 and len(clean) == 15


def test_a_true_pair_is_given_its_own_clean_picture_and_no_other(dataset: Dataset):
    pairs = sampler(dataset, true_pairs=1.0)
    for step, plan in enumerate(pairs.plan(0, 8)):
        batch = pairs.batch(plan, 0, step)
        assert torch.allclose(batch.x_alt, 1 - batch.x, atol=1e-6)  # altered here means inverted


def test_altered_pictures_without_partner_train_nothing(dataset: Dataset):
    drawn = {row for altered, _ in sampler(dataset, true_pairs=1.0).plan(0, 8) for row in altered}
    assert drawn <= set(range(20))


def test_no_validation_digit_is_trained_on(dataset: Dataset):
    pairs = sampler(dataset)
    held = {x.numpy().tobytes() for x in to_float(pairs.validation.x)}
    assert held
    for epoch in range(4):
        for step, plan in enumerate(pairs.plan(epoch, 8)):
            assert not held & {x.numpy().tobytes() for x in pairs.batch(plan, epoch, step).x}


def test_a_step_is_the_same_whenever_it_is_made_and_others_differ(dataset: Dataset):
    pairs, again = sampler(dataset), sampler(dataset)
    pairs.plan(0, 8)  # what ran before does not matter
    first = pairs.batch(pairs.plan(5, 8)[2], 5, 2)
    second = again.batch(again.plan(5, 8)[2], 5, 2)
    assert torch.equal(first.x_alt, second.x_alt) and torch.equal(first.x, second.x)
    other = again.batch(again.plan(6, 8)[2], 6, 2)
    assert not torch.equal(first.x, other.x)


def test_every_clean_picture_is_drawn_equally_often(dataset: Dataset):
    pairs = sampler(dataset, true_pairs=0.0)
    drawn = np.concatenate([clean for epoch in range(10) for _, clean in pairs.plan(epoch, 8)])
    counts = np.bincount(drawn, minlength=50)
    assert np.count_nonzero(counts) == 40  # 10 of 50 are kept for validation
    assert counts[counts > 0].min() == counts.max()


def test_the_homographies_are_those_of_the_pictures_made_here_the_last_of_the_batch(dataset: Dataset):
    pairs = sampler(dataset, TURNED)
    batch = pairs.batch(pairs.plan(0, 20)[0], 0, 0)
    made = len(batch.homography)
    assert made == 15
    x, x_alt = batch.x[-made:], batch.x_alt[-made:]
    with_values = (batch.homography != torch.eye(3)).flatten(1).any(1)
    assert 0 < with_values.sum() < made
    torch.testing.assert_close(
        x_alt[with_values], sample(x, batch.homography)[with_values], atol=0.5 / 255 + 1e-6, rtol=0
    )
    torch.testing.assert_close(x_alt[~with_values], 1 - x[~with_values])


def test_a_share_of_the_made_pairs_is_left_untouched_but_not_for_validation(dataset: Dataset):
    pairs = sampler(dataset, TURNED, true_pairs=0.0, identity_fraction=0.2)
    batch = pairs.batch(pairs.plan(0, 20)[0], 0, 0)
    same = (batch.x_alt == batch.x).flatten(1).all(1)
    assert same.sum() == 4
    assert torch.equal(batch.homography[same], torch.eye(3).expand(4, 3, 3))
    validation = pairs.validation
    assert not (validation.x_alt == validation.x).flatten(1).all(1).any()


BACKGROUND = torch.from_numpy(pattern_backgrounds(1, 28, 28)[:1]).float() / 255
BLENDED = Recipe("blended", (Branch(0.5, (Blend(backgrounds=BACKGROUND),)), Branch(0.5, (Rotate(),))))


@pytest.fixture
def blended() -> Dataset:
    """40 clean digits; 60 altered, blended half and half with one background: the first 40 and 20 others."""
    images, index, labels = digits()
    blend = Recipe("b", (Branch(1.0, (Blend(backgrounds=BACKGROUND),)),))
    altered = blend(torch.from_numpy(images[:60]).float() / 255, KeyedDraws(fold_in(0, torch.arange(60))))
    altered = (altered * 255).round().to(torch.uint8).numpy()
    return Dataset(pictures(images[:40], index[:40], labels[:40]), pictures(altered, index[:60], labels[:60]))


def test_what_is_won_back_from_blends_is_what_was_blended(blended: Dataset):
    images, _, labels = digits()
    clean_images, classes = sampler(blended, BLENDED).clean_images
    kept = 32  # of 40, 8 are for validation
    assert len(clean_images) == len(classes) == kept + 20
    off = clean_images[kept:].int() - torch.from_numpy(images[40:60]).int()
    assert off.abs().max() <= 3  # rounding of a half, on either side
    np.testing.assert_array_equal(classes[kept:], labels[40:60])
    assert len(sampler(blended, BLENDED, unblend=False).clean_images[0]) == kept


def test_what_is_won_back_is_altered_as_often_as_clean_pictures_are(blended: Dataset):
    drawn = np.concatenate([clean for _, clean in sampler(blended, BLENDED, true_pairs=0.0).plan(0, 20)])
    counts = np.bincount(drawn, minlength=60)
    assert set(counts[40:]) <= {1, 2}  # 60 pictures of 52
    assert set(counts[:40]) <= {0, 1, 2} and (counts == 0).sum() == 8


def test_no_digit_that_is_held_for_validation_is_won_back(blended: Dataset):
    pairs = sampler(blended, BLENDED)
    held = pairs.validation.x.int().unique(dim=0)
    clean_images = pairs.clean_images[0].int()
    assert (clean_images[:, None] - held).abs().amax((2, 3, 4)).min() > 50


def test_without_recipe_and_without_pairs_there_is_nothing_to_train_on(dataset: Dataset):
    alone = Dataset(dataset.clean, dataset.altered.rows(np.arange(20, 40)))
    with pytest.raises(InputError, match="no altered picture has its clean one"):
        PairSampler(
            alone, pair_by_name(alone), None, true_pairs=0.2, unblend=True, identity_fraction=0.0, validation=0.1,
            seed=0, device=torch.device("cpu"),
        )  # fmt: skip


def test_one_clean_picture_is_too_few(dataset: Dataset):
    with pytest.raises(InputError, match="at least two"):
        sampler(Dataset(dataset.clean.rows(np.arange(1)), dataset.altered))


def test_schedule_ends_at_zero_by_steps_and_by_time():
    from unalter.training.schedule import fraction_done, learning_rate, warm_beta

    assert fraction_done(50, 100, 0, 0) == 0.5
    assert fraction_done(1, 100, 90, 100) == 0.9
    assert fraction_done(1, 100, 300, 100) == 1.0
    assert learning_rate(1.0, 500, 1000, 1.0) == pytest.approx(0)
    assert learning_rate(1.0, 0, 1000, 0.0) < 0.1
    rates = [learning_rate(1.0, step, 1000, step / 1000) for step in range(1001)]
    assert max(rates) <= 1 and rates[200:] == sorted(rates[200:], reverse=True)
    assert warm_beta(2.0, 0) == 0 and warm_beta(2.0, 0.5) == 2.0


def test_paths_of_a_run(tmp_path: Path):
    from unalter.runs.folder import RunFolder, new_run

    assert new_run(tmp_path).path.name == "run-001"
    (tmp_path / "run-009").mkdir()
    assert new_run(tmp_path).path.name == "run-010"
    folder = RunFolder(tmp_path).model("vae")
    assert folder.map_picture(10).name == "VAE_epoch_10.png"
    assert folder.map_picture(10, sampled=True).name == "VAE_sampled_epoch_10.png"


def test_validation_pairs_are_made_once_and_in_parts_as_they_are_in_one(dataset: Dataset, monkeypatch):
    whole = sampler(dataset, TURNED).validation
    monkeypatch.setattr("unalter.training.pair_sampler._AT_ONCE", 3)
    pairs = sampler(dataset, TURNED)
    made: list[int] = []
    make = pairs._make
    monkeypatch.setattr(pairs, "_make", lambda *arguments: made.append(1) or make(*arguments))
    parts = pairs.validation
    assert pairs.validation is parts and len(made) == -(-len(whole) // 3)
    for name in ("x_alt", "x", "y"):
        assert torch.equal(getattr(parts, name), getattr(whole, name))
