"""What the parameters of a t-SNE may be, in scikit-learn's words."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics.pairwise import PAIRWISE_DISTANCE_FUNCTIONS
from sklearn.neighbors import VALID_METRICS

from unalter.support.processors import usable_processors

_METRICS = sorted({*(name for names in VALID_METRICS.values() for name in names), *PAIRWISE_DISTANCE_FUNCTIONS})


def _within(value: Any, kind: type, least: float, most: float = sys.float_info.max) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and least <= value <= most


def _number(kind: type, least: float, said: str, most: float = sys.float_info.max) -> tuple[Callable[[Any], bool], str]:
    return lambda value: _within(value, kind, least, most), said


def _named(*names: str) -> tuple[Callable[[Any], bool], str]:
    quoted = ", ".join(repr(name) for name in names)
    return lambda value: isinstance(value, str) and value in names, f"a str among {{{quoted}}}"


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "n_components": _number(Integral, 1, "an int in the range [1, inf)"),
    "perplexity": _number(Real, sys.float_info.min, "a float in the range (0.0, inf)"),
    "early_exaggeration": _number(Real, 1, "a float in the range [1.0, inf)"),
    "learning_rate": (
        lambda value: (isinstance(value, str) and value == "auto") or _within(value, Real, sys.float_info.min),
        "a str among {'auto'} or a float in the range (0.0, inf)",
    ),
    "max_iter": _number(Integral, 0, "an int in the range [0, inf)"),
    "n_iter_without_progress": _number(Integral, -1, "an int in the range [-1, inf)"),
    "min_grad_norm": _number(Real, 0, "a float in the range [0.0, inf)"),
    "metric": (
        lambda value: callable(value) or (isinstance(value, str) and value in _METRICS),
        f"a str among {{{', '.join(repr(name) for name in _METRICS)}}} or a callable",
    ),
    "metric_params": (lambda value: value is None or isinstance(value, dict), "an instance of 'dict' or None"),
    "init": (
        lambda value: isinstance(value, np.ndarray) or (isinstance(value, str) and value in ("pca", "random")),
        "a str among {'pca', 'random'} or an instance of 'numpy.ndarray'",
    ),
    "verbose": (
        lambda value: isinstance(value, bool) or _within(value, Integral, 0),
        "an int in the range [0, inf) or an instance of 'bool'",
    ),
    "method": _named("barnes_hut", "exact"),
    "angle": _number(Real, 0, "a float in the range [0.0, 1.0]", 1),
    "n_jobs": (
        lambda value: value is None or (_within(value, Integral, -inf) and value != 0),
        "None, an int in the range [1, inf) or an int in the range (-inf, -1]",
    ),
    "device": (lambda value: isinstance(value, str), "an instance of 'str'"),
    "callback": (lambda value: value is None or callable(value), "a callable or None"),
    "callback_every": _number(Integral, 1, "an int in the range [1, inf)"),
}


def check(name: str, parameters: dict[str, Any]) -> None:
    """Refuse parameters of an estimator of this name.

    Raises:
        ValueError: says which, what it may be, and what it is.
    """
    for parameter, (right, wanted) in _RULES.items():
        if not right(value := parameters[parameter]):
            raise ValueError(f"The {parameter!r} parameter of {name} must be {wanted}. Got {value!r} instead.")
    if parameters["n_components"] > 3:
        raise ValueError(f"'n_components' should be inferior to 4: a map has 1 to 3, not {parameters['n_components']}")


def iterations(max_iter: int, n_iter: Any) -> int:
    """How many; `n_iter` is what scikit-learn called it before."""
    if isinstance(n_iter, str) and n_iter == "deprecated":
        return max_iter
    if not _within(n_iter, Integral, 0):
        raise ValueError(f"The 'n_iter' parameter must be an int in the range [0, inf). Got {n_iter!r} instead.")
    warnings.warn("'n_iter' was renamed to 'max_iter' in scikit-learn 1.5; use that", FutureWarning, stacklevel=4)
    return int(n_iter)


def thread_count(jobs: int | None) -> int | None:
    """scikit-learn's `n_jobs` as a number of threads; processors are those that this process may use."""
    return jobs if jobs is None or jobs > 0 else max(usable_processors() + 1 + jobs, 1)
