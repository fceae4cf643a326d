"""The estimator: scikit-learn's interface, and maps that show what is in the data."""

from __future__ import annotations

import numpy as np
import pytest
from clouds import blobs
from sklearn.manifold import TSNE as Reference
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

from unalter import TSNE


def recall(x: np.ndarray, y: np.ndarray) -> float:
    """The share of the ten nearest neighbours in the data that are among the ten nearest in the map."""
    near, again = (NearestNeighbors(n_neighbors=10).fit(points).kneighbors()[1] for points in (x, y))
    return float((near[:, :, None] == again[:, None]).any(2).mean())


def failed(estimator) -> set[str]:
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 30
    return {result["check_name"] for result in results if result["status"] == "failed"}


def test_is_an_estimator_as_far_as_scikit_learns_own_is_one():
    assert failed(TSNE(perplexity=2, max_iter=60)) <= failed(Reference(perplexity=2, max_iter=250))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_kinds_that_are_far_apart_stay_apart(dimensions):
    x, labels = blobs()
    before = np.random.default_rng(1).normal(size=(len(x), dimensions))
    y = TSNE(dimensions, perplexity=20, random_state=0, n_jobs=1).fit_transform(x)
    assert y.shape == (len(x), dimensions)
    assert y.dtype == np.float32
    scores = [KNeighborsClassifier(5).fit(z[::2], labels[::2]).score(z[1::2], labels[1::2]) for z in (before, y)]
    assert scores[0] < 0.5
    assert scores[1] == 1


def test_two_blobs_do_not_mix():
    x, labels = blobs(each=100, kinds=2, apart=20)
    y = TSNE(3, random_state=1, n_jobs=1).fit_transform(x)
    centres = np.stack([y[labels == k].mean(0) for k in (0, 1)])
    within = max(np.linalg.norm(y[labels == k] - centres[k], axis=1).max() for k in (0, 1))
    assert np.linalg.norm(centres[0] - centres[1]) > within


def test_the_order_along_a_curve_is_kept():
    t = np.linspace(0, 3 * np.pi, 500)
    x = np.column_stack([np.cos(t), np.sin(t), t / 2]) + np.random.default_rng(0).normal(size=(500, 3)) * 0.01
    y = TSNE(3, perplexity=15, random_state=0, n_jobs=1).fit_transform(x)
    steps = np.linalg.norm(np.diff(y, axis=0), axis=1)
    far = np.linalg.norm(y[250:] - y[:250], axis=1)
    assert steps.mean() < 0.15 * far.mean()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_is_no_worse_than_that_of_scikit_learn(dimensions):
    x, _ = blobs(each=80)
    ours = TSNE(dimensions, random_state=0, n_jobs=1).fit(x)
    theirs = Reference(dimensions, random_state=0, n_jobs=1).fit(x)
    judged = TSNE(dimensions, init=theirs.embedding_, early_exaggeration=1, max_iter=0, n_jobs=1).fit(x)
    assert ours.kl_divergence_ <= 1.01 * judged.kl_divergence_
    assert recall(x, ours.embedding_) > recall(x, theirs.embedding_) - 0.01


def test_same_seed_same_map_and_another_order_nearly_the_same_divergence():
    x, _ = blobs()
    one, again = (TSNE(3, random_state=4, n_jobs=2).fit(x) for _ in range(2))
    np.testing.assert_array_equal(one.embedding_, again.embedding_)
    order = np.random.default_rng(0).permutation(len(x))
    other = TSNE(3, random_state=4, n_jobs=2).fit(x[order])
    assert other.kl_divergence_ == pytest.approx(one.kl_divergence_, rel=0.03)


def test_the_map_depends_on_n_jobs_and_not_on_the_threads_of_libraries():
    x, _ = blobs(each=300, d=32)
    maps = []
    for count in (1, 2):
        with threadpool_limits(count):
            maps.append(TSNE(3, random_state=0, n_jobs=1, max_iter=0).fit_transform(x.astype(np.float32)))
    np.testing.assert_array_equal(*maps)


def test_goes_on_from_an_array_at_its_own_scale():
    x, _ = blobs()
    first = TSNE(3, random_state=0, n_jobs=1).fit(x)
    stays = TSNE(3, init=first.embedding_, early_exaggeration=1, max_iter=0, n_jobs=1).fit(x)
    np.testing.assert_allclose(stays.embedding_, first.embedding_, atol=0.05 * first.embedding_.std())
    assert stays.n_iter_ == 0
    warm = TSNE(3, init=first.embedding_, early_exaggeration=1, max_iter=60, n_jobs=1).fit(x)
    assert warm.kl_divergence_ <= first.kl_divergence_ * 1.01


def test_a_callback_is_told_of_the_divergence_and_may_stop():
    x, _ = blobs()
    seen = []

    def look(iteration: int, error: float, embedding: np.ndarray) -> bool:
        seen.append((iteration, error, embedding.copy()))
        return iteration >= 160

    tsne = TSNE(2, random_state=0, n_jobs=1, callback=look, callback_every=40).fit(x)
    assert [iteration for iteration, _, _ in seen] == [40, 80, 120, 160]
    assert seen[-1][1] < seen[0][1]
    assert seen[0][2].shape == (len(x), 2)
    assert tsne.n_iter_ == 160


@pytest.mark.parametrize(
    "x",
    [
        np.repeat(blobs(each=10)[0], 4, axis=0),
        np.column_stack([blobs(each=20)[0], np.full((100, 2), 3.0)]),
        np.ones((30, 4)),
        np.random.default_rng(0).normal(size=(8, 1)),
        np.random.default_rng(0).normal(size=(2, 5)),
    ],
    ids=["duplicates", "constant columns", "all one point", "one column", "two points"],
)
def test_odd_data_gives_finite_maps(x):
    tsne = TSNE(3, perplexity=min(10, len(x) - 1), random_state=0, n_jobs=1).fit(x)
    assert np.isfinite(tsne.embedding_).all()
    assert np.isfinite(tsne.kl_divergence_)
    assert len(np.unique(tsne.embedding_, axis=0)) == len(x)


@pytest.mark.parametrize(
    ("change", "x", "message"),
    [
        ({}, np.ones((1, 3)), "minimum of 2"),
        ({"perplexity": 30}, np.ones((20, 3)), "perplexity .* less than n_samples"),
        ({}, np.full((50, 2), np.nan), "NaN"),
        ({"n_components": 4}, np.ones((50, 2)), "n_components"),
        ({"init": np.ones((3, 3))}, np.ones((50, 2)), r"shape \(50, 3\)"),
        ({"init": np.full((50, 3), np.nan)}, np.ones((50, 2)), "finite"),
        ({"init": "PCA"}, np.ones((50, 2)), "init.*'pca', 'random'"),
        ({"learning_rate": "fast"}, np.ones((50, 2)), "learning_rate"),
        ({"learning_rate": 0.0}, np.ones((50, 2)), "learning_rate"),
        ({"early_exaggeration": 0.5}, np.ones((50, 2)), r"early_exaggeration.*\[1.0, inf\). Got 0.5"),
        ({"max_iter": 2.5}, np.ones((50, 2)), "max_iter.* an int"),
        ({"n_jobs": 0}, np.ones((50, 2)), "n_jobs"),
        ({"device": None}, np.ones((50, 2)), "device"),
        ({"callback": 3}, np.ones((50, 2)), "a callable or None"),
        ({"callback_every": 0}, np.ones((50, 2)), "callback_every"),
    ],
)
def test_what_cannot_be_mapped_is_said(change, x, message):
    with pytest.raises(ValueError, match=message):
        TSNE(**{"n_components": 3, "n_jobs": 1, **change}).fit(x)
