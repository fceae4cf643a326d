import numpy as np
import pytest

from unalter.pairing.decision import Confidence, margins, threshold
from unalter.pairing.search import Candidates

WRONG = 3


def candidates(count: int, present: np.ndarray, seed: int) -> tuple[Candidates, np.ndarray]:
    """Three candidates of each picture, best first, and the row of the right one: among them where it is present.

    Right ones leave a hundredth of the energy unexplained, wrong ones a tenth, both give or take a factor of two.
    """
    rng = np.random.default_rng(seed)
    origin = rng.integers(0, 1_000, count)
    error = 10 ** rng.normal(-1, 0.3, (count, WRONG + 1))
    clean = 1_000 + rng.integers(0, 1_000, (count, WRONG + 1))
    error[:, 0] = np.where(present, 10 ** rng.normal(-2, 0.3, count), np.inf)
    clean[:, 0] = origin
    order = error.argsort(1)[:, :WRONG]
    return Candidates(np.take_along_axis(clean, order, 1), np.take_along_axis(error, order, 1)), origin


def learned(count: int, seed: int, found: bool = True) -> Confidence:
    present, origin = candidates(count, np.full(count, found), seed)
    absent, _ = candidates(count, np.zeros(count, bool), seed + 100)
    return Confidence(present, absent, origin)


@pytest.fixture(scope="module")
def confidence() -> Confidence:
    return learned(800, 0)


def found_with(best: np.ndarray | float, following: np.ndarray | float) -> Candidates:
    error = np.stack(np.broadcast_arrays(best, following), 1).astype(float)
    return Candidates(np.where(np.isfinite(error), [[0, 1]], -1), error)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_mean_probability_follows_the_share_of_pictures_whose_partner_is_there(confidence, share):
    present = np.random.default_rng(1).random(2_000) < share
    found, _ = candidates(2_000, present, 2)
    assert confidence(found).mean() == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize(("share", "precision"), [(0.1, 0.8), (0.1, 0.9), (0.5, 0.8), (0.5, 0.95), (0.5, 0.99)])
def test_of_the_pairs_accepted_the_asked_share_is_right(confidence, share, precision):
    present = np.random.default_rng(3).random(4_000) < share
    found, origin = candidates(4_000, present, 4)
    probability = confidence(found)
    accepted = probability >= threshold(probability, precision)
    right = (found.clean[:, 0] == origin) & present
    assert right[accepted].mean() > precision - 0.04
    assert (accepted & right).sum() > 0.4 * right.sum()


def test_more_is_left_unexplained_less_is_it_likely(confidence):
    probability = confidence(found_with(np.geomspace(1e-4, 0.5, 60), 0.5))
    assert (np.diff(probability) <= 1e-12).all()
    assert probability[0] > probability[-1] + 0.5


def test_the_nearer_the_next_the_less_likely(confidence):
    probability = confidence(found_with(0.02, np.geomspace(0.02, 1, 60)))
    assert (np.diff(probability) >= -1e-12).all()
    assert probability[-1] > probability[0]


def test_a_picture_without_candidates_is_no_pair(confidence):
    found = found_with(np.array([0.01, np.inf, 0.2]), np.array([0.1, np.inf, np.inf]))
    probability = confidence(found)
    assert probability[1] == 0
    assert (probability[[0, 2]] > 0).all()


def test_where_imitated_pictures_are_never_found_nothing_is_likely():
    found, _ = candidates(50, np.ones(50, bool), 6)
    assert (learned(200, 5, found=False)(found) == 0).all()


def test_of_two_that_are_all_but_sure_the_better_explained_one_is_surer(confidence):
    probability = confidence(found_with(np.array([1e-4, 3e-4, 1e-3]), 0.5))
    assert (np.diff(probability) < 0).all()
    assert probability[-1] > 0.99


@pytest.mark.parametrize("precision", [0.5, 0.9, 0.99, 1.0])
def test_the_threshold_is_the_lowest_above_a_half_that_reaches_the_precision_by_expectation(precision):
    rng = np.random.default_rng(9)
    for exponent in (0.02, 0.3, 3):
        probability = rng.random(500) ** exponent
        least = threshold(probability, precision)
        if least <= 1:
            assert probability[probability >= least].mean() >= precision
        lower = probability[(probability < least) & (probability >= 0.5)]
        if len(lower):
            assert probability[probability >= lower.max()].mean() < precision


def test_of_equal_probabilities_all_are_accepted_or_none():
    probability = np.repeat([0.999, 0.5, 0.001], [500, 40, 1_000])
    for precision in (0.9, 0.95, 0.97, 0.99):
        accepted = probability >= threshold(probability, precision)
        assert probability[accepted].mean() >= precision


def test_where_no_probability_reaches_the_precision_nothing_is_accepted():
    assert threshold(np.array([0.2, 0.8, 0.5]), 0.9) == np.inf
    assert threshold(np.array([0.2, 0.8, 1.0]), 0.9) == 0.8
    assert threshold(np.array([0.9, 0.9]), 0.9) == pytest.approx(0.9)


def test_a_margin_is_how_much_better_the_best_is_than_the_next():
    found = found_with(np.array([0.01, 0.05, 0.05, np.inf]), np.array([0.5, 0.1, np.inf, np.inf]))
    np.testing.assert_allclose(margins(found), [0.98, 0.5, 1, 0], atol=0.02)
