"""t-SNE in up to three dimensions, with scikit-learn's interface."""

from __future__ import annotations

import sys
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from unalter.support.caller import guest
from unalter.support.processors import usable_processors
from unalter.tsne.affinities import joint_probabilities, neighbour_count
from unalter.tsne.descent import Callback, Descent, LoopForces
from unalter.tsne.device import DeviceForces
from unalter.tsne.kernels import PLANE, SPACE, Kernel
from unalter.tsne.loops import threads
from unalter.tsne.neighbours import nearest

_HELD, _FALLING = 20, 80
"""Iterations with the whole early exaggeration, and iterations in which it falls to 1, by the same factor each: a map
unfolds better than when it is dropped at once, and in fewer iterations."""
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
_SPREAD = 1e-4
"""Standard deviation of the start along its first axis: small, so that nothing is decided by it."""
_GRAIN = 1e-6
"""Standard deviation of the noise on every start: points in the very same place would never part."""


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008), fast in three dimensions.

    The objective of `sklearn.manifold.TSNE` and its interface, without `metric` (distances are Euclidean), `method`,
    `angle` and `verbose`: Gaussian affinities over 3 * perplexity neighbours, and in the map Student's t with one
    degree of freedom, in space two.
    Repulsion by particle mesh with a short-range correction (see `unalter.tsne.repulsion`), and a descent that needs
    300 iterations, in which exaggeration falls little by little.

    Args:
        n_components: dimensions of the map, 1 to 3.
        perplexity: the effective number of neighbours; below the number of points.
        early_exaggeration: what attraction is multiplied with at first, falling to 1 within 100 iterations; 1 for none,
            as a map that goes on from another one wants.
        learning_rate: of the gradient, as scikit-learn's; or "auto": of the forces, which are the gradient without its
            factor of 4 (in space 3), the number of points over the exaggeration (Belkina et al. 2019), and three times
            the number of points when that has gone.
        max_iter: iterations altogether.
        init: "pca", "random", or where the points start, [n, n_components], used at its own scale.
        random_state: of a random start and of the grain on every start; the same gives the same map, to the last bit
            on the same machine with the same number of threads.
        n_jobs: threads, not 0; None: as many as torch uses, -1: as many as there are processors for this process, -2:
            one less.
        device: "cpu", or a device of torch's, such as "cuda". There neighbours are always exact, and sums are not
            taken in the same order every time, so that maps of one seed differ in their last bits.
        callback: called with (iteration, KL divergence, embedding) every `callback_every` iterations; a true result
            stops there.
        callback_every: iterations.

    Attributes:
        embedding_: float32 [n, n_components].
        kl_divergence_: of the map, in nats; exact, above 120,000 points to 0.001.
        neighbours_: int32 [n, 10 at the most], each point's nearest others in the data, nearest first.
        n_iter_: iterations that were run.
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
        init: str | np.ndarray = "pca",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        device: str = "cpu",
        callback: Callback | None = None,
        callback_every: int = 50,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.init = init
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.device = device
        self.callback = callback
        self.callback_every = callback_every

    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Fit X, [n, d] numbers, into a map.

        Raises:
            ValueError: X is not finite, or has too few points for the perplexity.
        """
        self.fit_transform(X)
        return self

    @guest()
    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit X, [n, d] numbers, and return the map, float32 [n, n_components].

        Raises:
            ValueError: X is not finite, or has too few points for the perplexity.
        """
        self._check_parameters()
        x: np.ndarray = validate_data(self, X, dtype=[np.float32, np.float64], ensure_min_samples=2)  # pyright: ignore
        if self.perplexity >= len(x):
            raise ValueError(f"perplexity ({self.perplexity}) must be less than n_samples ({len(x)})")
        random = check_random_state(self.random_state)
        kernel, count = self._kernel, neighbour_count(len(x), self.perplexity)
        with threads(_thread_count(self.n_jobs)) as pool:
            start = self._start(x, random)
            seed = random.randint(2**31 - 1)
            rows, squares = nearest(_comparable(x), count, pool, seed, self.device)
            self.neighbours_ = rows[:, :_KEPT].copy()
            p = joint_probabilities(rows, squares, self.perplexity, pool)
            forces = LoopForces(p, kernel, pool) if self.device == "cpu" else DeviceForces(p, kernel, self.device)
            descent = Descent(forces, start, self._told if self.callback else None, self.callback_every)
            for exaggeration in self._exaggerations():
                descent.run(1, self._rate(len(x), exaggeration), _MOMENTUM_CALM, exaggeration)
            rest = self.max_iter - descent.iterations
            late = min(_NEAR, rest // 2) if kernel == SPACE and len(x) > _NEAR_FROM else 0
            rate, momentum = self._rate(len(x)), _MOMENTUM_MANY if len(x) > _MANY else _MOMENTUM_FEW
            descent.run(rest - late, rate, momentum)
            descent.run(late, rate, _MOMENTUM_CALM, near=True)
            self.kl_divergence_ = descent.divergence()
        self.learning_rate_ = self._rate(len(x)) / self._gradient_scale
        self.n_iter_ = descent.iterations
        self.embedding_ = np.ascontiguousarray(descent.y[:, 3 - self.n_components :])
        return self.embedding_

    def _check_parameters(self) -> None:
        """In scikit-learn's words."""
        rules = {
            "n_components": (_within(self.n_components, Integral, 1, 3), "an int in the range [1, 3]"),
            "perplexity": (_within(self.perplexity, Real, sys.float_info.min), "a float in the range (0.0, inf)"),
            "early_exaggeration": (_within(self.early_exaggeration, Real, 1), "a float in the range [1.0, inf)"),
            "learning_rate": (
                self.learning_rate == "auto" or _within(self.learning_rate, Real, sys.float_info.min),
                "a str among {'auto'} or a float in the range (0.0, inf)",
            ),
            "max_iter": (_within(self.max_iter, Integral, 0), "an int in the range [0, inf)"),
            "init": (
                isinstance(self.init, np.ndarray) or self.init in ("pca", "random"),
                "a str among {'pca', 'random'} or an instance of 'numpy.ndarray'",
            ),
            "n_jobs": (
                self.n_jobs is None or (_within(self.n_jobs, Integral, -inf) and self.n_jobs != 0),
                "None, an int in the range [1, inf) or an int in the range (-inf, -1]",
            ),
            "device": (isinstance(self.device, str), "an instance of 'str'"),
            "callback": (self.callback is None or callable(self.callback), "a callable or None"),
            "callback_every": (_within(self.callback_every, Integral, 1), "an int in the range [1, inf)"),
        }
        for name, (right, wanted) in rules.items():
            if not right:
                raise ValueError(
                    f"The {name!r} parameter of TSNE must be {wanted}. Got {getattr(self, name)!r} instead."
                )

    def _told(self, iteration: int, error: float, y: np.ndarray) -> object:
        assert self.callback is not None
        return self.callback(iteration, error, y[:, 3 - self.n_components :])

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

    def _exaggerations(self) -> list[float]:
        """What attraction is multiplied with in the first iterations."""
        most = float(self.early_exaggeration)
        falling = [most ** (1 - (k + 1) / (_FALLING + 1)) for k in range(_FALLING)]
        return [*[most] * _HELD, *falling][: self.max_iter] if most > 1 else []

    def _rate(self, count: int, exaggeration: float = 0.0) -> float:
        """The learning rate of the forces."""
        if self.learning_rate != "auto":
            return self._gradient_scale * float(self.learning_rate)
        return max(count / exaggeration if exaggeration else _RATE * count, _LEAST_RATE)

    def _start(self, x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Where the points start: [n, 3], a first column of zeros for a map in the plane."""
        shape = len(x), self.n_components
        if isinstance(self.init, np.ndarray):
            if self.init.shape != shape or not np.isfinite(self.init).all():
                raise ValueError(f"init must hold finite numbers of shape {shape}, not {self.init.shape}")
            start = np.array(self.init, np.float64)
        else:
            start = random.standard_normal(shape) * _SPREAD
            if self.init == "pca" and min(x.shape) >= self.n_components and np.ptp(x, axis=0).any():
                found = PCA(self.n_components, svd_solver="randomized", random_state=random).fit_transform(x)
                start = found / found[:, 0].std() * _SPREAD
        return np.pad(start + random.standard_normal(shape) * _GRAIN, ((0, 0), (3 - self.n_components, 0))).astype(
            np.float32
        )


def _within(value: Any, kind: type, least: float, most: float = sys.float_info.max) -> bool:
    return isinstance(value, kind) and least <= value <= most


def _comparable(x: np.ndarray) -> np.ndarray:
    """float32 of one size, whatever the units: squared distances neither vanish nor overflow."""
    x = x - x.mean(0, dtype=np.float64)
    largest = np.abs(x).max()
    return (x / largest if largest > 0 else x).astype(np.float32)


def _thread_count(jobs: int | None) -> int | None:
    return jobs if jobs is None or jobs > 0 else max(usable_processors() + 1 + jobs, 1)
