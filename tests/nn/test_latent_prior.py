import numpy as np
import pytest
import torch

from unalter.nn.latent_prior import FEWEST_CODES, LatentPrior, least_codes

LATENT, MANY = 3, 20_000
CENTRES = np.array([[[-4.0, 0, 0], [4, 0, 0]], [[0, 3, 0], [0, 3, 8]]])  # of two clusters in each of two classes
SHAPES = np.random.default_rng(0).normal(0, 0.2, (2, 2, LATENT, LATENT))


def codes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` codes a class, the classes mixed, and their labels."""
    rng = np.random.default_rng(1)
    labels, clusters = np.arange(2 * count) % 2, rng.integers(2, size=2 * count)
    noise = rng.normal(size=(2 * count, LATENT))
    shaped = (SHAPES[labels, clusters] @ noise[:, :, None])[:, :, 0]
    return (CENTRES[labels, clusters] + shaped).astype(np.float32), labels


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def fitted() -> LatentPrior:
    prior = LatentPrior(2, 2, LATENT)
    prior.fit(*codes(600), seed=0)
    return prior


@pytest.mark.parametrize("label", [0, 1])
def test_samples_have_the_mean_and_the_covariance_of_their_class(fitted, label):
    given, labels = codes(600)
    own, drawn = given[labels == label], fitted.sample(label, MANY, generator()).numpy()
    spread = own.var(0).mean()
    np.testing.assert_allclose(drawn.mean(0), own.mean(0), atol=0.05 * spread**0.5)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(own.T), atol=0.1 * spread)


@pytest.mark.parametrize("label", [0, 1])
def test_samples_lie_in_the_clusters_and_not_between_them(fitted, label):
    drawn = fitted.sample(label, MANY, generator()).numpy()
    distance = np.linalg.norm(drawn[:, None] - CENTRES[label], axis=2)
    assert (distance.min(1) < 3).mean() > 0.98
    assert 0.4 < (distance.argmin(1) == 0).mean() < 0.6
    assert (np.linalg.norm(drawn - CENTRES[label].mean(0), axis=1) < 1).mean() < 0.01


def test_classes_have_as_many_components_as_their_codes_can_bear():
    given, labels = codes(600)
    least = least_codes(LATENT)
    for count, components in ((least, 1), (2 * least - 1, 1), (2 * least, 2), (600, 4)):
        prior = LatentPrior(2, 4, LATENT)
        rows = np.concatenate([np.flatnonzero(labels == 0)[:count], np.flatnonzero(labels == 1)])
        prior.fit(given[rows], labels[rows], seed=0)
        assert (prior.weights > 0).sum(1).tolist() == [components, 4]
        torch.testing.assert_close(prior.weights.sum(1), torch.ones(2))


def test_a_class_with_too_few_codes_keeps_the_standard_normal():
    given, labels = codes(600)
    rows = np.concatenate([np.flatnonzero(labels == 0)[: FEWEST_CODES - 1], np.flatnonzero(labels == 1)])
    prior = LatentPrior(3, 2, LATENT)  # and of the third class there is none
    prior.fit(given[rows], labels[rows], seed=0)
    assert [prior.fitted(label) for label in range(3)] == [False, True, False]
    for label in (0, 2):
        drawn = prior.sample(label, MANY, generator())
        assert drawn.mean(0).abs().max() < 0.04
        torch.testing.assert_close(drawn.T.cov(), torch.eye(LATENT), atol=0.05, rtol=0)
    assert prior.sample(1, MANY, generator()).mean(0)[1] == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("count", [40, 128, 300, 600, 1_200])
@pytest.mark.parametrize("latent", [8, 64, 256])
def test_samples_vary_as_much_as_codes_in_every_direction(latent, count):
    """However many numbers a code has, and however few codes there are."""
    rng = np.random.default_rng(2)
    shape = np.diag(rng.uniform(0.3, 2, latent)) + 0.3 * rng.normal(size=(latent, latent)) / latent**0.5
    given = (1 + rng.normal(size=(count, latent)) @ shape.T).astype(np.float32)
    prior = LatentPrior(1, 4, latent)
    prior.fit(given, np.zeros(count, np.int64), seed=0)
    drawn = prior.sample(0, MANY, generator()).numpy()
    np.testing.assert_allclose(drawn.mean(0), given.mean(0), atol=0.05 * given.std(0).max())
    np.testing.assert_allclose(drawn.var(0), given.var(0), rtol=0.1)
    white = np.linalg.solve(shape, drawn.T)  # what the codes are drawn from has variance 1 in all directions of it
    assert np.linalg.eigvalsh(np.cov(white))[0] > 0.08


def test_it_is_saved_and_loaded_with_the_state_of_its_model(fitted):
    loaded = LatentPrior(2, 2, LATENT)
    loaded.load_state_dict(fitted.state_dict())
    for label in (0, 1):
        assert torch.equal(loaded.sample(label, 50, generator()), fitted.sample(label, 50, generator()))
    assert not list(loaded.parameters())  # there is nothing in it that gradients train


def test_the_same_seed_gives_the_same_codes_and_the_same_fit(fitted):
    first, again, other = (fitted.sample(0, 50, generator(seed)) for seed in (3, 3, 4))
    assert first.dtype == torch.float32
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    refitted = LatentPrior(2, 2, LATENT)
    refitted.fit(*codes(600), seed=0)
    assert torch.equal(refitted.sample(0, 50, generator(3)), first)
