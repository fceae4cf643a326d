"""When the answer is "none": how likely the best candidate is the right one, and how likely is likely enough.

Most altered pictures may have no right one. `Confidence` is the probability, learned from imitated pictures, whose
origin is known: searched for once with it in the gallery, once without. `threshold` is where "none" begins.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from unalter.pairing.search import Candidates

_FLOOR = 1e-5
"""Errors below it are rounding, or backgrounds and recipes known not quite exactly."""
_AHEAD = 0.5
"""Decimal logarithm of how many times as well as the next the best explains, beyond which it tells no more."""
_PENALTY = 0.1
_RARE = 1e-3
"""The share of pictures with a partner is taken to lie no nearer to 0 or 1."""


class Confidence:
    """The probability that the best candidate is the right one: logistic regression on how well it explains.

    The less it leaves unexplained and the farther it is ahead of the next, the likelier; so no weight is negative.
    What wrong candidates leave is about log-normal, so the square of its logarithm counts as well.

    Args:
        present: candidates of imitated pictures.
        absent: candidates of the same pictures, their origins not among them.
        origin: int64 [N], the row of the gallery that each was made from.
    """

    def __init__(self, present: Candidates, absent: Candidates, origin: np.ndarray) -> None:
        right = np.concatenate([present.clean[:, 0] == origin, np.zeros(len(origin), bool)])
        self._share = right.mean()
        self._usual = float(np.median(_logarithms(absent)[0])) if len(origin) else 0.0
        if 0 < self._share < 1:
            features = np.concatenate([self._features(present), self._features(absent)])
            self._weights = _nonnegative_logistic(features, right)

    def __call__(self, found: Candidates) -> np.ndarray:
        """Probabilities float64 [M] for real pictures.

        What share of them has its partner here is not known: it is estimated from the probabilities themselves
        (Saerens, Latinne and Decaestecker 2002).
        """
        if not 0 < self._share < 1:
            return np.full(len(found.clean), self._share)
        evidence = self._features(found) @ self._weights - np.log(self._share / (1 - self._share))
        share = 0.5
        for _ in range(200):
            probability = expit(evidence + np.log(share / (1 - share)))
            share = probability.mean().clip(_RARE, 1 - _RARE)
        return np.where(found.clean[:, 0] >= 0, probability, 0.0)

    def _features(self, found: Candidates) -> np.ndarray:
        """A constant and what speaks for the best candidate: float64 [N, 4], none of it negative."""
        unexplained, ahead = _logarithms(found)
        better = np.maximum(self._usual - unexplained, 0)
        return np.stack([np.ones(len(unexplained)), better, better**2, np.minimum(ahead, _AHEAD)], 1)


def threshold(probability: np.ndarray, precision: float) -> float:
    """The lowest probability to accept so that, of those accepted, at least `precision` are right by expectation.

    Never below a half: what is more likely wrong than right is no pair, however sure the others are.
    """
    values, counts = np.unique(probability, return_counts=True)
    right = (values * counts)[::-1].cumsum()[::-1]
    accepted = counts[::-1].cumsum()[::-1]
    reached = np.flatnonzero((right / accepted >= precision) & (values >= 0.5))
    return float(values[reached[0]]) if len(reached) else np.inf


def margins(found: Candidates) -> np.ndarray:
    """How much better the best candidate explains a picture than the next, float64 [M] in 0..1; 1 without a next."""
    best, following = (np.minimum(found.error[:, i], 1e9) + _FLOOR for i in (0, 1))
    return 1 - best / following


def _logarithms(found: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Decimal logarithms of what the best candidate leaves unexplained, and of how many times more the next does."""
    best, following = (np.log10(np.minimum(found.error[:, i], 10) + _FLOOR) for i in (0, 1))
    return best, following - best


def _nonnegative_logistic(features: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression whose first feature is constant; all but that weight are 0 or more."""

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        score = features @ weights
        penalty = _PENALTY * np.concatenate([[0.0], weights[1:]])
        value = (np.logaddexp(0, score) - right * score).sum() + penalty @ weights / 2
        return float(value), features.T @ (expit(score) - right) + penalty

    bounds = [(None, None)] + [(0, None)] * (features.shape[1] - 1)
    return minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
