"""t-SNE in up to three dimensions, with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from unalter.support.caller import guest
from unalter.tsne import metrics, start
from unalter.tsne.affinities import joint_probabilities, neighbour_count
from unalter.tsne.descent import Callback, Descent, LoopForces, exaggerations
from unalter.tsne.device import DeviceForces
from unalter.tsne.kernels import PLANE, SPACE, Kernel
from unalter.tsne.loops import Threads, threads
from unalter.tsne.neighbours import comparable, nearest
from unalter.tsne.parameters import check, iterations, thread_count
from unalter.tsne.placing import place
from unalter.tsne.progress import Progress

_RATE = 3.0
"""Learning rate after early exaggeration, over the number of points: large, since late on a map mostly grows."""
_LEAST_RATE = 200.0
_MOMENTUM_CALM, _MOMENTUM_FEW, _MOMENTUM_MANY = 0.8, 0.9, 0.95
"""The first at the beginning and at the end, the others between."""
_MANY = 10_000
"""Points from which on the larger momentum is the faster one; fewer would be thrown about by it."""
_NEAR = 120
"""Iterations at the end in which near points count for more (see `Descent.run`); in space only, on a plane that is the
gradient anyway. scikit-learn moves points so all the time: its maps find more neighbours again than those of least
divergence do, and have a larger one. A few iterations find as many, and give up little of the divergence."""
_NEAR_FROM = 2_000
"""So few points and fewer are thrown apart by it: there the divergence is all that counts."""
_KEPT = 10


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008), fast in three dimensions.

    A drop-in for `sklearn.manifold.TSNE`: its objective, keywords and attributes, and `transform`. Gaussian affinities
    over 3 * perplexity neighbours, and in the map Student's t with one degree of freedom, in space two. Repulsion by
    particle mesh with a short-range correction (see `unalter.tsne.repulsion`), and a descent that needs 300 iterations,
    in which exaggeration falls little by little. Where a keyword means something else here, it is said below.

    Args:
        n_components: dimensions of the map, 1 to 3.
        perplexity: the effective number of neighbours; below the number of points.
        early_exaggeration: what attraction is multiplied with at first, falling to 1 within 100 iterations (in
            scikit-learn it stays for 250); 1 for none, as a map that goes on from another one wants.
        learning_rate: of the gradient, as scikit-learn's; or "auto": of the forces, which are the gradient without its
            factor of 4 (in space 3), the number of points over the exaggeration (Belkina et al. 2019), and three times
            the number of points when that has gone.
        max_iter: iterations altogether, any number; 500 here do what scikit-learn's 1,000 do.
        n_iter_without_progress: after so many without a smaller divergence it ends, looked at every 50 iterations once
            exaggeration has gone; -1: at the first look that finds none.
        min_grad_norm: with a smaller gradient, looked at as often, it ends. The norm is that of the gradient itself, in
            scikit-learn that of the gradient times the gains.
        metric: "euclidean", any other that `sklearn.neighbors.NearestNeighbors` has, a function of two rows, or
            "precomputed": X are distances of all pairs, or a sparse graph of the nearest. All but Euclidean distances
            of dense data are scikit-learn's work.
        metric_params: further arguments of the metric.
        init: "pca", "random", or where the points start, [n, n_components], used at its own scale. "pca" and "random"
            start a hundred times as wide as scikit-learn's, still well below the width of the kernel.
        verbose: 1 says what it does, 2 also every 50 iterations how far it is, on standard output.
        random_state: of a random start and of the grain on one by PCA; the same gives the same map, to the last bit on
            the same machine with the same number of threads. None is one map too, unless the start is random.
        method: "barnes_hut", the default, stands for the fast way (there is no tree here); "exact": affinities over all
            points, and repulsion summed over all pairs.
        angle: Barnes-Hut's, taken and not used: forces are right to 1% or better at any setting.
        n_jobs: threads, not 0; None: as many as torch uses, -1: as many as there are processors, -2: one less.
        device: "cpu", or a device of torch's, such as "cuda". There neighbours are always exact, and sums are not
            taken in the same order every time, so that maps of one seed differ in their last bits.
        callback: called with (iteration, KL divergence, embedding) every `callback_every` iterations; a true result
            stops there.
        callback_every: iterations.
        n_iter: the name of `max_iter` in older versions of scikit-learn; gives a FutureWarning.

    Attributes:
        embedding_: float32 [n, n_components].
        kl_divergence_: of the map, in nats; exact, above 120,000 points to 0.001.
        neighbours_: int32 [n, 10 at the most], each point's nearest others in the data, nearest first.
        n_iter_: iterations that were run; scikit-learn's is one less.
        learning_rate_: of the gradient, after early exaggeration.
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 500,
        n_iter_without_progress: int = 300,
        min_grad_norm: float = 1e-7,
        metric: str | Callable[[np.ndarray, np.ndarray], float] = "euclidean",
        metric_params: dict[str, Any] | None = None,
        init: str | np.ndarray = "pca",
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
        method: str = "barnes_hut",
        angle: float = 0.5,
        n_jobs: int | None = None,
        device: str = "cpu",
        callback: Callback | None = None,
        callback_every: int = 50,
        n_iter: int | str = "deprecated",
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.n_iter_without_progress = n_iter_without_progress
        self.min_grad_norm = min_grad_norm
        self.metric = metric
        self.metric_params = metric_params
        self.init = init
        self.verbose = verbose
        self.random_state = random_state
        self.method = method
        self.angle = angle
        self.n_jobs = n_jobs
        self.device = device
        self.callback = callback
        self.callback_every = callback_every
        self.n_iter = n_iter

    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Fit X into a map; see `fit_transform`."""
        self.fit_transform(X)
        return self

    @guest()
    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit X into a map.

        Args:
            X: [n, d] numbers: an array, a frame, a sparse matrix, a tensor; with metric="precomputed" distances [n, n].
            y: not used.

        Returns:
            float32 [n, n_components], or what `set_output` asks for.

        Raises:
            ValueError: X is not finite, or has too few points for the perplexity, or a parameter is not what it may be.
        """
        check(type(self).__name__, self.get_params(deep=False))
        most = iterations(self.max_iter, self.n_iter)
        x = self._read(X, reset=True)
        n = x.shape[0]
        if self.metric == "precomputed":
            metrics.check_distances(x, self.method, self.init)
        if self.perplexity >= n:
            raise ValueError(f"perplexity ({self.perplexity}) must be less than n_samples ({n})")
        drawn = isinstance(self.init, str) and self.init == "random"
        random = check_random_state(0 if self.random_state is None and not drawn else self.random_state)
        kernel, exact = self._kernel, self.method == "exact"
        count = n - 1 if exact else neighbour_count(n, self.perplexity)
        with threads(thread_count(self.n_jobs)) as pool:
            begin = self._start(x, random)
            seed = random.randint(2**31 - 1)
            self._say(f"Computing {count} nearest neighbors...")
            index = self._index(x, pool)
            if index is None:
                rows, squares = nearest(x, count, pool, seed, self.device)
            else:
                rows, squares = metrics.neighbours(index, count)
            p, width = joint_probabilities(rows, squares, self.perplexity, pool)
            self._say(f"Computed conditional probabilities for {n} samples")
            self._say(f"Mean sigma: {width:.6f} of the distance to the farthest of these neighbors")
            few = {"few": n} if exact else {}
            if self.device == "cpu":
                forces = LoopForces(p, kernel, pool, **few)
            else:
                forces = DeviceForces(p, kernel, self.device, **few)
            progress = Progress(self.n_iter_without_progress, self.min_grad_norm, self._gradient_scale, self.verbose)
            descent = Descent(forces, begin, self._told if self.callback else None, self.callback_every, progress)
            self._descend(descent, n, most)
            z = descent.normaliser()
            kl_divergence = descent.divergence(z)
        if self.verbose > 1:
            self._say(f"Iteration {descent.iterations}: error = {kl_divergence:.7f}, after the last step")
        self._say(f"KL divergence after {descent.iterations} iterations: {kl_divergence:.6f}")
        self._fitted = None if index is not None else x, index, z
        self.neighbours_ = rows[:, :_KEPT].copy()
        self.kl_divergence_ = kl_divergence
        self.learning_rate_ = self._rate(n) / self._gradient_scale
        self.n_iter_ = descent.iterations
        self.embedding_ = np.ascontiguousarray(descent.y[:, 3 - self.n_components :])
        return self.embedding_

    def transform(self, X: Any) -> np.ndarray:
        """Place new points in the map that was fitted; the map stays as it is.

        Each is placed by itself, among the points of the map only, and a row that was fitted gets the place it has
        (see `unalter.tsne.placing`).

        Args:
            X: [m, d] as in `fit`; with metric="precomputed" distances [m, n] to the points fitted.

        Returns:
            float32 [m, n_components], or what `set_output` asks for.

        Raises:
            ValueError: X is not finite, or has another number of columns.
        """
        check_is_fitted(self, "embedding_")
        x = self._read(X, reset=False)
        data, index, z = self._fitted
        y = np.pad(self.embedding_, ((0, 0), (3 - self.embedding_.shape[1], 0)))
        count = len(y) if self.method == "exact" else neighbour_count(len(y) + 1, self.perplexity)
        with threads(thread_count(self.n_jobs)) as pool:
            if index is None:
                assert data is not None
                rows, squares = nearest(data, count, pool, queries=x)
            else:
                rows, squares = metrics.neighbours(index.set_params(n_jobs=pool.count), count, x)
            placed = place(y, z, rows, squares, self.perplexity, self._kernel, pool)
        return np.ascontiguousarray(placed[:, 3 - self.embedding_.shape[1] :])

    def _read(self, X: Any, reset: bool) -> Any:
        """Numbers [n, d], dense or CSR."""
        if isinstance(X, torch.Tensor):
            X = X.detach().cpu()
            X = (X if X.dtype == torch.float64 else X.float()).numpy()
        kinds = [np.float32, np.float64]
        return validate_data(self, X, reset=reset, accept_sparse="csr", dtype=kinds, ensure_min_samples=1 + reset)

    def _index(self, x: Any, pool: Threads) -> Any:
        """What finds neighbours; None for Euclidean distances of dense data, which `nearest` is for."""
        if self.metric in ("euclidean", "l2") and not self.metric_params and not sp.issparse(x):
            return None
        return metrics.search(x, self.metric, self.metric_params, pool.count)

    def _start(self, x: Any, random: np.random.RandomState) -> np.ndarray:
        """Where the points start: float32 [n, 3], a first column of zeros for a map in the plane."""
        shape = x.shape[0], self.n_components
        if isinstance(self.init, np.ndarray):
            y = start.given(self.init, shape)
        elif self.init == "random":
            y = start.scattered(shape, random)
        else:
            y = start.principal(x if sp.issparse(x) else comparable(x), self.n_components, random)
        return np.pad(y, ((0, 0), (3 - self.n_components, 0))).astype(np.float32)

    def _descend(self, descent: Descent, n: int, most: int) -> None:
        """Move the points so many times at the most."""
        for exaggeration in exaggerations(float(self.early_exaggeration))[:most]:
            descent.run(1, self._rate(n, exaggeration), _MOMENTUM_CALM, exaggeration)
        if self.verbose:
            now = descent.divergence(descent.normaliser())
            self._say(f"KL divergence after {descent.iterations} iterations with early exaggeration: {now:.6f}")
        rest = most - descent.iterations
        late = min(_NEAR, rest // 2) if self._kernel == SPACE and n > _NEAR_FROM else 0
        rate, momentum = self._rate(n), _MOMENTUM_MANY if n > _MANY else _MOMENTUM_FEW
        descent.run(rest - late, rate, momentum)
        descent.run(late, rate, _MOMENTUM_CALM, near=True)

    def _say(self, line: str) -> None:
        if self.verbose:
            print(f"[t-SNE] {line}")

    def _told(self, iteration: int, error: float, y: np.ndarray) -> object:
        assert self.callback is not None
        return self.callback(iteration, error, y[:, 3 - self.n_components :])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    @property
    def _kernel(self) -> Kernel:
        return SPACE if self.n_components == 3 else PLANE

    @property
    def _gradient_scale(self) -> float:
        """The gradient over the force."""
        return 4 * self._kernel.power / self._kernel.dof

    def _rate(self, count: int, exaggeration: float = 0.0) -> float:
        """The learning rate of the forces."""
        if self.learning_rate != "auto":
            return self._gradient_scale * float(self.learning_rate)
        return max(count / exaggeration if exaggeration else _RATE * count, _LEAST_RATE)
