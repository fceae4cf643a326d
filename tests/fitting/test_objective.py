"""Chains are tried on pictures with the same random numbers each time, and changed until these are like real ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from unalter.alter import Invert, Rotate
from unalter.data.digits import load_digits
from unalter.fitting.chain import Chain, parameter_refs
from unalter.fitting.features import CdfFeatures, FeatureCovariance, Metric
from unalter.fitting.gauss_newton import gauss_newton, split_sample_step
from unalter.fitting.imitation import Imitation
from unalter.fitting.objective import ImitationObjective
from unalter.fitting.statistics import Statistics
from unalter.images.convert import to_float
from unalter.support.parallel import parallel_map

DIGITS = to_float(load_digits("train")[0][:1600, None])


def test_what_one_alteration_draws_does_not_depend_on_the_others():
    rotate, invert = Rotate(degrees=(-50, 50)), Invert(probability=0.5)
    imitation = Imitation(DIGITS[:50], torch.arange(50), 0)
    alone, with_invert = imitation((rotate,)), imitation((rotate, invert))
    inverted = (with_invert - alone).abs().flatten(1).amax(1) > 1e-6
    torch.testing.assert_close(with_invert[inverted], 1 - alone[inverted])
    assert 10 < inverted.sum() < 40


def test_what_is_remembered_of_an_imitation_does_not_change_it():
    chains: list[Chain] = [(Rotate(degrees=(-50, 50)), Invert(probability=p / 40)) for p in range(40)]
    imitation = Imitation(DIGITS[:20], torch.arange(20), 0)
    with parallel_map() as run:
        found = run(imitation, chains + chains[::-1])
    for chain, pictures in zip(chains + chains[::-1], found, strict=True):
        assert torch.equal(pictures, Imitation(DIGITS[:20], torch.arange(20), 0)(chain))


@pytest.fixture(scope="module")
def tried() -> tuple[ImitationObjective, Metric]:
    """Real pictures turned by -60..20 degrees."""
    real = Imitation(DIGITS[600:], torch.arange(1000), 7)((Rotate(degrees=(-60, 20)),))
    x = DIGITS[:600]
    statistics = Statistics(x, real)
    features = CdfFeatures(torch.cat([statistics(x), statistics(real)]))
    imitation = Imitation(x, torch.arange(600), 0)
    objective = ImitationObjective(
        [lambda chain: features(statistics(imitation(chain)))], features(statistics(real)), len(x)
    )
    return objective, FeatureCovariance(objective.real).metric(0.02)


def test_pictures_of_one_kind_are_as_far_apart_as_chance_makes_them(tried):
    objective, metric = tried
    assert objective.distance((Rotate(degrees=(-60, 20)),), metric) == pytest.approx(metric.expected_distance, rel=0.7)
    assert objective.distance((Rotate(degrees=(-20, 20)),), metric) > 3 * metric.expected_distance


def test_a_chain_is_as_far_away_whatever_is_tried_with_it(tried):
    objective, metric = tried
    chains: list[Chain] = [(Rotate(degrees=(-by, by)),) for by in (10, 20, 30)]
    together = objective.residuals(chains, metric)
    for chain, residuals in zip(chains, together, strict=True):
        assert np.array_equal(objective.residuals([chain], metric)[0], residuals)


def test_slopes_in_a_probability_and_in_an_end_of_a_range_are_those_of_differences(tried):
    objective, _ = tried
    chain = (Rotate(degrees=(-40, 40), probability=0.6),)
    for ref, by in zip(parameter_refs(chain), (0.2, 20, 20), strict=True):
        between = ref.slope_between(chain)
        assert between is not None
        one, other, factor = between
        at_one, at_other = objective.mean_features([one, other or chain])
        slope = (at_one - at_other) / factor
        value = ref.get(chain)
        high, low = objective.mean_features([ref.set(chain, value + side * by) for side in (1, -1)])
        difference = (high - low) / (2 * by)
        assert F.cosine_similarity(slope, difference, dim=0) > 0.8
        assert slope.norm() == pytest.approx(float(difference.norm()), rel=0.35)


def test_parameters_go_where_the_pictures_are_like_the_real_ones(tried):
    objective, metric = tried
    (rotate,) = gauss_newton(objective, (Rotate(degrees=(-20, 20), probability=0.8),), metric, 8)
    assert isinstance(rotate, Rotate)
    assert rotate.degrees == pytest.approx((-60, 20), abs=12)
    assert rotate.probability > 0.9
    assert objective.distance((rotate,), metric) < 1.05 * objective.distance((Rotate(degrees=(-60, 20)),), metric)


def test_a_chain_with_nothing_to_change_stays_as_it_is_and_costs_nothing():
    class Untouched:
        def residuals(self, chains, metric):
            raise AssertionError("there is nothing to measure")

    metric = Metric(torch.eye(2), 1.0)
    chain: Chain = (Invert(probability=1.0),)
    assert gauss_newton(Untouched(), chain, metric, 3, fixed=Invert) is chain
    assert split_sample_step((Untouched(), Untouched()), chain, metric) is chain
