"""How likely a candidate is the right one, when most altered pictures have no right one.

Learned from imitated pictures, whose origin is known: once with it in the gallery, once without.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from unalter.pairing.search import Candidates

_FLOOR = 1e-3
"""Errors below it are rounding, or backgrounds and recipes known not quite exactly."""
_SURE = 1e-3
"""No probability is nearer to 0 or 1 than what so few imitated pictures can show."""


class Confidence:
    """The probability that the best candidate is the right one.

    Args:
        imitated: candidates of imitated pictures.
        origin: int64 [N], the row of the gallery that each was made from.
        seed: of the classifier.
    """

    def __init__(self, imitated: Candidates, origin: np.ndarray, seed: int) -> None:
        absent = _without(imitated, origin)
        features = np.concatenate([_features(imitated), _features(absent)])
        right = np.concatenate([imitated.clean[:, 0] == origin, np.zeros(len(origin), bool)])
        self._share = right.mean()
        self._classifier = HistGradientBoostingClassifier(
            monotonic_cst=[-1, 1], max_iter=120, learning_rate=0.15, max_leaf_nodes=8, random_state=seed
        )
        if 0 < self._share < 1:
            self._classifier.fit(features, right)

    def __call__(self, found: Candidates) -> np.ndarray:
        """Probabilities float64 [M] for real pictures.

        What share of them has its partner here is not known: it is estimated from the probabilities themselves
        (Saerens, Latinne and Decaestecker 2002).
        """
        if not 0 < self._share < 1:
            return np.full(len(found.clean), self._share)
        base = self._classifier.predict_proba(_features(found))[:, 1].clip(_SURE, 1 - _SURE)
        odds = base / (1 - base) * (1 - self._share) / self._share
        share = 0.5
        for _ in range(200):
            probability = odds * share / (odds * share + 1 - share)
            share = probability.mean().clip(_SURE, 1 - _SURE)
        return np.where(found.clean[:, 0] >= 0, probability, 0.0)


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


def _features(found: Candidates) -> np.ndarray:
    best, following = (np.log10(np.minimum(found.error[:, i], 10) + _FLOOR) for i in (0, 1))
    return np.stack([best, following - best], 1)


def _without(found: Candidates, origin: np.ndarray) -> Candidates:
    """The candidates with the right one taken out."""
    error = np.where(found.clean == origin[:, None], np.inf, found.error)
    order = error.argsort(1, kind="stable")
    return Candidates(np.take_along_axis(found.clean, order, 1), np.take_along_axis(error, order, 1))
