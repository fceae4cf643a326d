from __future__ import annotations

import numpy as np
import pytest

from unalter.data.dataset import Dataset, ImageSet
from unalter.pairing.groups import Group
from unalter.pairing.names import pair_by_name
from unalter.pairing.options import PairingOptions
from unalter.pairing.verify import verify_names

TRUE, WRONG = 0.01, 0.1
OPTIONS = PairingOptions(imitated_true=400, least_imitated_true=100)


class FakeSearch:
    """Explains a picture by the clean one whose number it bears, give or take, and by no other; counts its work."""

    def __init__(self, clean: np.ndarray, seed: int, slow: bool) -> None:
        self.numbers = clean[:, 0, 0, 0].astype(int) * 256 + clean[:, 0, 0, 1]
        self.images = clean
        self.slow = slow
        self.explained = 0
        self.rng = np.random.default_rng(seed)

    def imitate(self, rows: np.ndarray) -> np.ndarray:
        return self.images[rows]

    def explain(self, altered: np.ndarray, clean: np.ndarray, on_progress=lambda n: None, enough=0.0) -> np.ndarray:
        self.explained += len(altered)
        on_progress(len(altered))
        own = altered[:, 0, 0, 0].astype(int) * 256 + altered[:, 0, 0, 1] == self.numbers[clean]
        spread = 10 ** self.rng.normal(0, 0.2, len(altered))
        return np.where(own, TRUE * self.slow, WRONG) * spread


def numbered(count: int, kind: str) -> ImageSet:
    index = np.arange(count)
    images = np.stack([index // 256, index % 256], 1).astype(np.uint8).reshape(count, 1, 1, 2)
    return ImageSet(images, index, index % 10, [f"{kind}_{i}_{i % 10}.png" for i in index])


def verified(count: int, chains: int = 1, shuffled: int = 0, slow: bool = True, seed: int = 0):
    """Pairs by name of so many pictures, of which some bear the name of another one, and the searches.

    `slow`: true pairs are not explained so well that less would do.
    """
    clean, altered = numbered(count, "clean"), numbered(count, "aug")
    altered.images[:shuffled] = np.roll(altered.images[:shuffled], 10, 0)  # of the same label
    dataset = Dataset(clean, altered)
    searches = [FakeSearch(clean.images, seed + k, slow) for k in range(chains)]
    group = Group(np.arange(count), altered.images, [()] * chains)
    pairs = verify_names(pair_by_name(dataset), dataset, group, searches, seed, OPTIONS, lambda *_: None)  # pyright: ignore
    return pairs, searches


@pytest.mark.parametrize(("count", "imitated"), [(30, 100), (200, 200), (3_000, 400)])
def test_the_work_grows_with_the_names_to_verify_and_the_limit_has_an_end(count, imitated):
    _, (search,) = verified(count)
    assert search.explained == count + 2 * imitated


@pytest.mark.parametrize(("count", "times"), [(80, 30), (160, 15), (3_000, 2)])
def test_few_right_names_are_doubted_and_nearly_all_wrong_ones_in_folders_of_any_size(count, times):
    wrong = count // 4
    doubtful = np.array([verified(count, shuffled=wrong, seed=seed)[0].doubtful >= 0 for seed in range(times)])
    assert doubtful[:, :wrong].mean() > 0.97
    assert doubtful[:, wrong:].mean() < 0.02


def test_what_one_chain_explains_no_other_is_asked_about():
    pairs, (first, second) = verified(500, chains=2, slow=False)
    assert (pairs.method == "verified").all()
    assert first.explained == 500 + 200 + 400
    assert (
        second.explained == 200 + 400
    )  # its half of the imitations, and the wrong pairs that the first cannot explain
