import numpy as np
import pytest
import torch

from unalter.alter import Branch, Contrast, KeyedDraws, Recipe, Rotate, fold_in
from unalter.data.digits import first_of_each_class, load_digits
from unalter.images.convert import to_uint8
from unalter.pairing.matcher import Matcher, train_matcher
from unalter.pairing.options import PairingOptions

IMAGES, LABELS = (part[first_of_each_class(load_digits("test")[1], 16)] for part in load_digits("test"))
IMAGES = IMAGES.reshape(-1, 1, 14, 2, 14, 2).mean((3, 5)).astype(np.uint8)
RECIPE = Recipe("r", (Branch(1.0, (Rotate(degrees=(-30, 30)), Contrast())),))


def altered(images: np.ndarray, seed: int = 99) -> np.ndarray:
    x = torch.from_numpy(images).float() / 255
    return to_uint8(RECIPE(x, KeyedDraws(fold_in(seed, torch.arange(len(x))))).numpy())


def recall(matcher: Matcher) -> float:
    """The share of altered pictures that lie nearest to their own among the 16 clean ones of their label."""
    likeness = matcher.embed_altered(altered(IMAGES)) @ matcher.embed_clean(IMAGES).T
    likeness[torch.from_numpy(LABELS[:, None] != LABELS)] = -2
    return (likeness.argmax(1) == torch.arange(len(IMAGES))).float().mean().item()


def train(steps: int, seed: int = 0, labels: np.ndarray = LABELS, on_progress=lambda share: None) -> Matcher:
    options = PairingOptions(matcher_batch=64, least_matcher_steps=steps, most_matcher_steps=steps)
    return train_matcher(IMAGES, labels, RECIPE, seed, on_progress, options)


def test_training_finds_partners_that_chance_does_not():
    assert recall(train(0)) < 2.5 / 16
    assert recall(train(30)) > 4 / 16


def test_places_are_unit_vectors_whatever_else_is_embedded():
    matcher = train(2)
    for embed, images in ((matcher.embed_clean, IMAGES), (matcher.embed_altered, altered(IMAGES))):
        places = embed(images)
        assert (places.dtype, places.requires_grad) == (torch.float32, False)
        torch.testing.assert_close(places.norm(dim=1), torch.ones(len(images)))
        torch.testing.assert_close(embed(images[7:10]), places[7:10], atol=0.02, rtol=0)  # bfloat16
        assert embed(images[:0]).shape == (0, places.shape[1])
        assert (places @ places.T).fill_diagonal_(0).max() < 1  # and no two pictures lie at one place


def test_a_seed_gives_the_same_matcher_again_and_another_one_another():
    state = torch.get_rng_state()
    first, again, other = (train(3, seed).embed_clean(IMAGES) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)  # the program's own random numbers are left alone


def test_progress_rises_to_the_end():
    shares = []
    train(4, on_progress=shares.append)
    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("labels", [LABELS * 0, np.arange(len(LABELS))], ids=["one label", "a label each"])
def test_any_labels_will_do(labels):
    assert train(2, labels=labels).embed_clean(IMAGES).isfinite().all()
