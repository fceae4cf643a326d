import numpy as np

from unalter.data.dataset import Dataset, ImageSet
from unalter.pairing.names import pair_by_name


def pictures(*keys: tuple[int, int]) -> ImageSet:
    index, labels = np.array(keys, dtype=np.int64).T
    names = [f"X_{i}_{label}.png" for i, label in keys]
    return ImageSet(np.zeros((len(keys), 1, 2, 2), np.uint8), index, labels, names)


def test_only_the_same_index_and_the_same_label_make_a_pair():
    clean = pictures((1, 0), (2, 5), (7, 7), (30, 1))
    altered = pictures((0, 1), (1, 0), (2, 6), (3, 0), (7, 7), (7, 8), (30, 1))
    pairs = pair_by_name(Dataset(clean, altered))
    np.testing.assert_array_equal(pairs.clean, [-1, 0, -1, -1, 2, -1, 3])
    np.testing.assert_array_equal(pairs.altered, [1, 4, 6])
    np.testing.assert_array_equal(pairs.score, pairs.clean >= 0)
    np.testing.assert_array_equal(pairs.likeliest, pairs.clean)
    np.testing.assert_array_equal(pairs.method == "name", pairs.clean >= 0)
    assert (pairs.doubtful == -1).all()  # nobody looked
    assert np.isnan(pairs.margin).all()
    for row in pairs.altered:
        partner = pairs.clean[row]
        assert (altered.index[row], altered.labels[row]) == (clean.index[partner], clean.labels[partner])


def test_without_common_names_there_are_no_pairs():
    pairs = pair_by_name(Dataset(pictures((0, 0)), pictures((1, 0), (0, 1))))
    np.testing.assert_array_equal(pairs.clean, [-1, -1])
    assert len(pairs.altered) == 0
    assert "2 are without a pair" in pairs.summary()


def test_a_name_that_two_clean_pictures_have_pairs_with_neither():
    clean = pictures((1, 0), (1, 0), (2, 5))
    altered = pictures((1, 0), (2, 5))
    np.testing.assert_array_equal(pair_by_name(Dataset(clean, altered)).clean, [-1, 2])
