import numpy as np
import pytest
import torch

from unalter.alter import Alteration, Blur, Branch, Contrast, GaussianNoise, Invert, KeyedDraws, Recipe, Rotate, fold_in
from unalter.data.digits import first_of_each_class, load_digits
from unalter.images.convert import to_uint8
from unalter.pairing.matcher import Matcher
from unalter.pairing.options import PairingOptions
from unalter.pairing.search import GallerySearch

IMAGES, LABELS = (part[first_of_each_class(load_digits("test")[1], 6)] for part in load_digits("test"))
IMAGES = IMAGES[:, None]
N = len(IMAGES)
TURNED = (Rotate(degrees=(-20, 20)), Blur())
EVEN = np.arange(N) % 2 == 0


def altered_by(*steps: Alteration) -> np.ndarray:
    recipe = Recipe("r", (Branch(1.0, steps),))
    x = torch.from_numpy(IMAGES).float() / 255
    return to_uint8(recipe(x, KeyedDraws(fold_in(99, torch.arange(N)))).numpy())


def gallery(images: np.ndarray, labels: np.ndarray, steps: tuple[Alteration, ...] = TURNED) -> GallerySearch:
    return GallerySearch(images, labels, steps, 0, PairingOptions(samples=2_000, poses=100))  # a tenth of the time


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    """One that knows nothing: what is found is found by alignment and explanation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Matcher((1, 28, 28)).eval()


@pytest.fixture(scope="module")
def whole() -> GallerySearch:
    return gallery(IMAGES, LABELS)


@pytest.fixture(scope="module")
def turned() -> np.ndarray:
    return altered_by(*TURNED)


def test_partners_are_found_and_those_that_are_absent_are_told_by_their_errors(whole, matcher, turned):
    done = []
    found = whole.find(turned, LABELS, matcher, done.append)
    present = found.clean[:, 0] == np.arange(N)
    assert present.mean() > 0.9
    assert sum(done) == N
    assert (np.diff(found.error, axis=1) >= 0).all()

    half = gallery(IMAGES[EVEN], LABELS[EVEN]).find(turned[~EVEN], LABELS[~EVEN], matcher, done.append)
    assert half.error[:, 0].min() > 5 * found.error[present, 0].max()


def test_only_pictures_of_the_same_label_are_candidates(matcher, turned):
    labels = np.arange(N) // 2  # one more of each label besides the partner
    found = gallery(IMAGES, labels).find(turned[:20], labels[:20], matcher, lambda count: None)
    expected = labels[:20, None] == np.r_[labels, -1][found.clean]
    np.testing.assert_array_equal(expected, found.clean >= 0)
    np.testing.assert_array_equal((found.clean >= 0).sum(1), 2)
    np.testing.assert_array_equal(np.isinf(found.error), found.clean < 0)


def test_a_label_that_no_clean_picture_has_has_no_candidates(whole, matcher, turned):
    found = whole.find(turned[:3], np.array([77, LABELS[1], 77]), matcher, lambda count: None)
    assert (found.clean[[0, 2]] == -1).all()
    assert np.isinf(found.error[[0, 2]]).all()
    assert found.clean[1, 0] == 1


def test_one_clean_picture_and_no_altered_one(matcher, turned):
    alone = gallery(IMAGES[:1], LABELS[:1])
    found = alone.find(turned[:1], LABELS[:1], matcher, lambda count: None)
    np.testing.assert_array_equal(found.clean[0, :2], [0, -1])
    nothing = alone.find(turned[:0], LABELS[:0], matcher, lambda count: None)
    assert nothing.clean.shape == nothing.error.shape == (0, found.clean.shape[1])


def test_a_seed_finds_the_same_again(whole, matcher, turned):
    searches = (whole, gallery(IMAGES, LABELS))
    first, again = (each.find(turned[:9], LABELS[:9], matcher, lambda count: None) for each in searches)
    np.testing.assert_array_equal(first.clean, again.clean)
    np.testing.assert_array_equal(first.error, again.error)


@pytest.mark.parametrize(
    "steps",
    [(Contrast(gain=(0.5, 1.0)), GaussianNoise(sigma=(0.05, 0.1))), (Invert(), Blur())],
    ids=["contrast+noise", "invert+blur"],
)
def test_where_nothing_moves_no_matcher_is_needed(steps):
    still = gallery(IMAGES, LABELS, steps)
    found = still.find(altered_by(*steps), LABELS, None, lambda count: None)
    assert not still.moves
    assert (found.clean[:, 0] == np.arange(N)).mean() > 0.95


def test_explain_tells_true_pairs_from_others(whole, turned):
    rows = np.flatnonzero(EVEN)
    right = whole.explain(turned[rows], rows)
    wrong = whole.explain(turned[rows], rows + 1)
    assert right.shape == rows.shape
    assert np.median(right) < 1e-3
    assert wrong.min() > 5 * np.median(right)


def test_imitations_are_pictures_of_the_gallery_altered_each_anew(whole, matcher):
    rows = np.array([3, 3, 50, 3])
    made = whole.imitate(rows)
    assert (made.dtype, made.shape) == (np.uint8, (4, 1, 28, 28))
    assert len(np.unique(made, axis=0)) == 4
    found = whole.find(made, LABELS[rows], matcher, lambda count: None)
    np.testing.assert_array_equal(found.clean[:, 0], rows)
