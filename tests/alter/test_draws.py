import numpy as np
import pytest
import torch
from scipy import stats

from unalter.alter import KeyedDraws, fold_in, load_recipe, presets
from unalter.alter.draws import ReplayedDraws

KEYS = fold_in(5, torch.arange(4000))


def test_a_key_gives_the_same_numbers_in_any_batch_and_any_order():
    expected = KeyedDraws(KEYS).uniform(3, 2)
    order = torch.randperm(len(KEYS), generator=torch.Generator().manual_seed(0))[:777]
    assert torch.equal(KeyedDraws(KEYS[order]).uniform(3, 2), expected[order])
    assert torch.equal(KeyedDraws(KEYS[9:10]).uniform(3, 2)[0], expected[9])


def test_how_numbers_are_drawn_does_not_change_them():
    together, apart = KeyedDraws(KEYS[:20]), KeyedDraws(KEYS[:20])
    parts = [apart.uniform(2), apart.uniform()[:, None], apart.uniform(2, 2).flatten(1)]
    assert torch.equal(together.uniform(7), torch.cat(parts, 1))


@pytest.mark.parametrize("rows", [torch.tensor([4, 0, 2]), torch.arange(6) > 2], ids=["indices", "mask"])
def test_a_part_goes_on_where_the_whole_is_and_leaves_it_there(rows):
    whole = KeyedDraws(KEYS[:6])
    whole.uniform(3)
    part = whole[rows]
    assert len(part) == 3
    assert torch.equal(part.normal(4), whole.normal(4)[rows])


def test_uniform_numbers_are_uniform():
    numbers = KeyedDraws(KEYS).uniform(16)
    assert numbers.dtype == torch.float32
    assert 0 <= numbers.min() < 1e-3
    assert 1 - 1e-3 < numbers.max() < 1
    assert numbers.mean().item() == pytest.approx(1 / 2, abs=0.005)
    assert numbers.var().item() == pytest.approx(1 / 12, abs=0.001)
    for sample in (numbers.flatten(), numbers[:, 0], numbers[:, 15]):
        assert stats.kstest(sample.numpy(), "uniform").pvalue > 0.001


def test_every_bit_of_a_uniform_number_is_fair():
    bits = (KeyedDraws(KEYS).uniform(16).flatten() * 2**24).long()
    for place in range(24):
        assert ((bits >> place) & 1).float().mean().item() == pytest.approx(0.5, abs=4 * 0.5 / len(bits) ** 0.5)


def test_normal_numbers_are_normal():
    numbers = KeyedDraws(KEYS).normal(16)
    assert numbers.shape == (4000, 16)
    assert numbers.isfinite().all()
    assert numbers.mean().item() == pytest.approx(0, abs=0.02)
    assert numbers.std().item() == pytest.approx(1, abs=0.01)
    assert stats.kstest(numbers.flatten().numpy(), "norm").pvalue > 0.001


def test_streams_and_draws_are_uncorrelated():
    draws = KeyedDraws(KEYS[:64]).uniform(4000)
    bound = 5 / 4000**0.5  # five standard errors: 2,016 pairs
    between_streams = torch.corrcoef(draws).fill_diagonal_(0)
    assert between_streams.abs().max() < bound
    within_streams = torch.stack([torch.corrcoef(torch.stack([row[:-1], row[1:]]))[0, 1] for row in draws])
    assert within_streams.abs().max() < bound
    numbers = KeyedDraws(KEYS).uniform(64)
    assert torch.corrcoef(numbers.T).fill_diagonal_(0).abs().max() < bound


def test_another_seed_gives_unrelated_numbers():
    index = torch.arange(4000)
    first, second = (KeyedDraws(fold_in(seed, index)).uniform() for seed in (5, 6))
    assert torch.corrcoef(torch.stack([first, second]))[0, 1].abs() < 5 / 4000**0.5


def test_between_and_chance():
    numbers = KeyedDraws(KEYS).between(-3, 5, 4)
    assert -3 <= numbers.min() < -2.9
    assert 4.9 < numbers.max() <= 5
    assert numbers.mean().item() == pytest.approx(1, abs=0.1)
    for probability in (0.0, 0.1, 0.5, 1.0):
        share = KeyedDraws(KEYS).chance(probability).float().mean().item()
        assert share == pytest.approx(probability, abs=4 * (probability * (1 - probability) / 4000) ** 0.5)


def test_poisson_numbers_stand_where_the_normal_ones_do(monkeypatch):
    shares = torch.linspace(1e-6, 1 - 1e-6, 20001, dtype=torch.float64)
    normal = torch.special.ndtri(shares).float()
    random = KeyedDraws(fold_in(0, torch.arange(len(normal))))
    monkeypatch.setattr(random, "normal", lambda *shape: normal.reshape(-1, *shape))
    for rate in (0.0, 0.001, 0.5, 5.0, 9.99, 10.0, 11.0, 30.0, 200.0, 1000.0):
        numbers = random.poisson(torch.full_like(normal, rate))
        wrong = numbers.numpy() - stats.poisson.ppf(torch.special.ndtr(normal.double()).numpy(), np.float32(rate))
        assert (wrong != 0).mean() <= (1e-3 if rate >= 10 else 0), rate
        assert np.abs(wrong).max() <= 1


@pytest.mark.parametrize("name", presets())
def test_a_recipe_given_the_numbers_that_were_drawn_makes_the_same_pictures(name):
    shape = (1, 12, 11)
    recipe, x = load_recipe(name, shape), torch.rand(60, *shape, generator=torch.Generator().manual_seed(1))
    given = ReplayedDraws(KeyedDraws(KEYS[:60]).uniform(1000))
    altered, homography = recipe.apply_with_homography(x, given)
    expected, expected_homography = recipe.apply_with_homography(x, KeyedDraws(KEYS[:60]))
    assert torch.equal(altered, expected)
    assert torch.equal(homography, expected_homography)


def test_given_numbers_come_in_their_order_and_a_part_goes_on_where_the_whole_is():
    draws = torch.rand(6, 7, generator=torch.Generator().manual_seed(2))
    whole = ReplayedDraws(draws)
    parts = [whole.uniform()[:, None], whole.uniform(2, 2).flatten(1)]
    part = whole[torch.tensor([4, 0])]
    assert torch.equal(part.uniform(2), draws[[4, 0], 5:])
    assert torch.equal(torch.cat([*parts, whole.uniform(2)], 1), draws)


def test_more_numbers_than_were_given_cannot_be_drawn():
    random = ReplayedDraws(torch.zeros(3, 4))
    random.uniform(3)
    with pytest.raises(RuntimeError):
        random.uniform(2)


def test_keys_differ_and_depend_on_every_part_and_its_place():
    index = torch.arange(30000)
    keys = torch.cat([fold_in(*parts, index) for parts in ((0, 1), (1, 0), (0, 0), (1, 1), (0,), ())])
    assert len(keys.unique()) == len(keys)


def test_keys_do_not_depend_on_the_batch_and_parts_broadcast():
    index = torch.arange(10)
    whole = fold_in(3, torch.arange(4)[:, None], index)
    assert whole.shape == (4, 10)
    assert torch.equal(whole[2], fold_in(3, 2, index))
    assert torch.equal(whole[2, 7:8], fold_in(3, 2, index[7:8]))
