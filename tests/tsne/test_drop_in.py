"""In the place of scikit-learn's: its keywords, kinds of input and output; and what it does not have, `transform`."""

from __future__ import annotations

import pickle
from threading import Event, Thread

import numba
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from clouds import blobs
from scipy.spatial import procrustes
from scipy.spatial.distance import cdist
from sklearn import config_context
from sklearn.datasets import make_swiss_roll
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from unalter import TSNE
from unalter.tsne.descent import LoopForces, calming
from unalter.tsne.loops import compiled, threads

X, LABELS = blobs(each=20)
QUICK = {"perplexity": 5, "max_iter": 40, "learning_rate": 10.0, "random_state": 0, "n_jobs": 1}


def laid_out(x=X, **changes) -> np.ndarray:
    return TSNE(**{**QUICK, "init": "random", **changes}).fit_transform(x)


@pytest.mark.parametrize("metric", ["cosine", "cityblock", "chebyshev", lambda a, b: float(np.abs(a - b).max())])
def test_a_metric_is_the_same_as_its_distances(metric):
    distances = cdist(X, X, metric)
    y = laid_out(metric=metric)
    graph = kneighbors_graph(distances, 30, mode="distance", metric="precomputed")
    for given in (distances, graph, graph.tolil()):
        np.testing.assert_allclose(laid_out(given, metric="precomputed"), y, atol=1e-3)


def test_euclidean_distances_are_those_of_scikit_learn():
    y = laid_out()
    for x, metric in ((sp.csr_matrix(X), "euclidean"), (cdist(X, X), "precomputed")):
        np.testing.assert_allclose(laid_out(x, metric=metric), y, atol=1e-2)
    covariance = {"V": np.eye(X.shape[1])}
    np.testing.assert_allclose(laid_out(metric="mahalanobis", metric_params=covariance), y, atol=1e-2)


def test_exactly_is_over_all_points():
    exact = TSNE(method="exact", **QUICK).fit(X)
    full = TSNE(**{**QUICK, "perplexity": 33}, angle=0.1).fit(X)  # three times as many neighbours: all
    assert exact.neighbours_.shape == full.neighbours_.shape
    again = TSNE(**{**QUICK, "perplexity": 33}, method="exact").fit(X)
    np.testing.assert_array_equal(full.embedding_, again.embedding_)


@pytest.mark.parametrize(
    ("change", "x", "error", "message"),
    [
        ({"metric": "precomputed", "init": "pca"}, np.ones((9, 9)), ValueError, 'init="pca" cannot be used'),
        ({"metric": "precomputed"}, np.ones((9, 2)), ValueError, "square distance matrix"),
        ({"metric": "precomputed"}, -np.ones((9, 9)), ValueError, "positive distances"),
        ({"metric": "precomputed", "method": "exact"}, sp.csr_matrix(np.ones((9, 9))), TypeError, "sparse"),
        ({"metric": lambda a, b: -1.0}, np.ones((9, 2)), ValueError, "metric given is not correct"),
        ({"metric": "near"}, np.ones((9, 2)), ValueError, "metric.* a str among"),
        ({"angle": 2}, np.ones((9, 2)), ValueError, "angle"),
        ({"method": "fft"}, np.ones((9, 2)), ValueError, "'barnes_hut', 'exact'"),
        ({"n_components": 4}, np.ones((9, 2)), ValueError, "'n_components' should be inferior to 4"),
        ({"n_iter": -1}, np.ones((9, 2)), ValueError, "n_iter"),
        ({"init": np.full((9, 2), "a")}, np.ones((9, 2)), ValueError, "real numbers"),
        ({"init": np.full((9, 2), 1j)}, np.ones((9, 2)), ValueError, "real numbers"),
        ({"init": np.full((9, 2), True)}, np.ones((9, 2)), ValueError, "real numbers"),
        ({"init": np.full((9, 2), 1e19)}, np.ones((9, 2)), ValueError, "divide it"),
    ],
)
def test_what_cannot_be_is_said_in_the_same_words(change, x, error, message):
    with pytest.raises(error, match=message):
        laid_out(x, **change)


def test_numbers_that_nobody_looked_at_are_looked_at():
    with config_context(assume_finite=True), pytest.raises(ValueError, match="NaN"):
        TSNE(**QUICK).fit(np.where(X > 1, np.nan, X))


def test_a_refit_that_fails_changes_nothing():
    tsne = TSNE(**QUICK).fit(X)
    before = tsne.embedding_.copy(), tsne.neighbours_.copy()
    with pytest.raises(ValueError, match="init"):
        tsne.set_params(init=np.ones((2, 2))).fit(X[::-1])
    np.testing.assert_array_equal(tsne.embedding_, before[0])
    np.testing.assert_array_equal(tsne.neighbours_, before[1])


def test_the_old_name_of_max_iter():
    with pytest.warns(FutureWarning, match="max_iter"):
        assert TSNE(**QUICK, n_iter=7).fit(X).n_iter_ == 7


def test_it_tells_and_stops_when_there_is_nothing_to_gain(capsys):
    tsne = TSNE(**{**QUICK, "max_iter": 400}, verbose=2, min_grad_norm=1.0).fit(X)
    said = capsys.readouterr().out
    assert tsne.n_iter_ == 150  # the first look after exaggeration
    assert "[t-SNE] Iteration 150: gradient norm" in said and "Mean sigma" in said
    assert f"KL divergence after 150 iterations: {tsne.kl_divergence_:.6f}" in said
    tsne = TSNE(**{**QUICK, "max_iter": 600, "learning_rate": 1e7}, n_iter_without_progress=-1).fit(X)
    assert tsne.n_iter_ < 600
    assert capsys.readouterr().out == ""


def test_frames_and_tensors_in_and_frames_out():
    pandas = pytest.importorskip("pandas")
    y = TSNE(**QUICK).fit_transform(X.astype(np.float32))
    tensor = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    np.testing.assert_array_equal(TSNE(**QUICK).fit_transform(tensor), y)
    with config_context(transform_output="pandas"):
        tsne = TSNE(**QUICK)
        framed = tsne.fit_transform(pandas.DataFrame(X.astype(np.float32)).add_prefix("x"))
        assert list(framed.columns) == ["tsne0", "tsne1"]
        assert list(tsne.transform(pandas.DataFrame(X[:2]).add_prefix("x")).columns) == ["tsne0", "tsne1"]
    np.testing.assert_array_equal(framed.to_numpy(), y)


def test_no_seed_is_one_map_and_a_given_start_has_no_grain():
    np.testing.assert_array_equal(*(TSNE(**{**QUICK, "random_state": None}).fit_transform(X) for _ in range(2)))
    start = np.random.default_rng(0).normal(size=(len(X), 3))
    np.testing.assert_array_equal(TSNE(3, perplexity=5, init=start, max_iter=0).fit_transform(X), np.float32(start))


def test_seeds_agree_where_forces_come_off_a_grid(monkeypatch):
    monkeypatch.setattr(LoopForces.__init__, "__defaults__", (0,))
    x, _ = make_swiss_roll(900, random_state=0)
    one, other = (TSNE(3, random_state=seed, n_jobs=1, max_iter=150).fit_transform(x) for seed in (0, 1))
    assert procrustes(one, other)[2] < 0.03  # from a start that is noise on the grid .1 and more


@pytest.mark.parametrize("n", [4, 5, 6, 9, 12])
def test_few_points_in_space(n):
    tsne = TSNE(3, perplexity=min(3, n - 1.5), random_state=0, n_jobs=1, max_iter=150).fit(X[:n])
    apart = cdist(tsne.embedding_, tsne.embedding_, "sqeuclidean")
    q = (1 + apart / 2) ** -1.5
    assert np.isfinite(tsne.kl_divergence_) and q.sum() > n


@pytest.mark.parametrize("wide", [1e3, 1e8])
def test_a_start_may_be_wide(wide):
    tsne = TSNE(3, init=wide * np.random.default_rng(0).normal(size=(len(X), 3)), perplexity=5, max_iter=20).fit(X)
    assert np.isfinite(tsne.embedding_).all() and np.isfinite(tsne.kl_divergence_)


def test_hubs_are_held_back():
    p = sp.csr_matrix(np.array([[0, 0.2, 0.2, 0.05], [0.2, 0, 0, 0], [0.2, 0, 0, 0], [0.05, 0, 0, 0.1]]))
    held = calming(sp.csr_matrix(np.kron(np.eye(20), p.toarray()) / 20))
    assert held is None
    held = calming(sp.csr_matrix(np.pad(np.ones((1, 40)) / 80, ((0, 39), (0, 0))) + np.eye(40) / 80))
    assert held[0] < 0.2 and (held[1:] == 1).all()


@pytest.mark.parametrize(("dimensions", "more"), [(1, {}), (2, {"metric": "cosine"}), (3, {})])
def test_new_points_are_placed_among_their_kind(dimensions, more):
    x, labels = blobs(each=60)
    tsne = TSNE(dimensions, perplexity=15, random_state=0, n_jobs=1, max_iter=200, **more).fit(x[::2])
    before = tsne.embedding_.copy()
    y = tsne.transform(x[1::2])
    judge = KNeighborsClassifier(5).fit(before, labels[::2])
    assert judge.score(y, labels[1::2]) > judge.score(before, labels[::2]) - 0.01
    np.testing.assert_array_equal(tsne.embedding_, before)
    np.testing.assert_allclose(tsne.transform(x[1:8:2]), y[:4], atol=1e-5)  # whoever else is placed
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tsne)).transform(x[::2]), before)


def test_new_points_by_their_distances_and_in_a_pipeline():
    tsne = TSNE(metric="precomputed", **{**QUICK, "init": "random"}).fit(cdist(X, X))
    assert tsne.transform(cdist(X[:3] + 0.1, X)).shape == (3, 2)
    np.testing.assert_array_equal(tsne.transform(cdist(X[:3], X)), tsne.embedding_[:3])
    pipeline = make_pipeline(StandardScaler(), TSNE(**QUICK), KNeighborsClassifier(3)).fit(X, LABELS)
    assert pipeline.score(X + 0.01, LABELS) == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="features"):
        pipeline[1].transform(X[:, :3])


def test_what_was_compiled_is_made_anew_where_its_file_is_damaged(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def loop(x):
        return x + 1

    assert compiled(loop)(1) == 2
    (index,) = tmp_path.rglob("*.nbi")
    for damage in (index.read_bytes()[:20], b"", b"what?"):
        index.write_bytes(damage)
        assert compiled(loop)(1) == 2
    again = compiled(loop)
    assert again(1) == 2 and sum(again.stats.cache_hits.values()) == 1  # it was written anew
    monkeypatch.setattr(
        "numba.core.caching.Cache._save_overload", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    index.unlink()
    assert compiled(loop)(1) == 2


def test_thread_counts_come_back_in_whatever_order_blocks_end():
    def counts():
        return torch.get_num_threads(), [one["num_threads"] for one in threadpool_info()]

    before, entered, left = counts(), Event(), Event()

    def other():
        with threads(2):
            entered.set()
            left.wait(10)

    beside = Thread(target=other)
    with threads(3):
        beside.start()
        entered.wait(10)
    left.set()
    beside.join()
    assert counts() == before
