"""Mixtures of single alterations: each picture goes through one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from unalter.alter.alteration import Alteration
from unalter.alter.geometric import Geometric
from unalter.fitting.chain import ORDER, Chain, parameter_refs
from unalter.fitting.features import Metric
from unalter.fitting.gauss_newton import gauss_newton
from unalter.fitting.objective import Objective

RARE = 0.02
"""Below this share of the pictures an alteration is not looked for."""


class MixtureObjective:
    """The objective of a chain that a share of the pictures takes, where what the others take stays.

    Args:
        whole: the objective if all pictures took the chain.
        share: of the pictures that take it.
        others: the residuals of all others [D], times their shares.
    """

    def __init__(self, whole: Objective, share: float, others: np.ndarray) -> None:
        self._whole, self._share, self._others = whole, share, others

    def residuals(self, chains: Sequence[Chain], metric: Metric) -> np.ndarray:
        """Those of the mixture: float64 [K, D]."""
        return self._share * self._whole.residuals(chains, metric) + self._others


def fit_mixture(objective: Objective, metric: Metric) -> list[tuple[float, Chain]]:
    """The best mixture of single alterations that move nothing, one for each picture: shares and chains."""
    kinds = [kind for kind in ORDER if kind.fitted and not issubclass(kind, Geometric)]
    chains: list[Chain] = [(), *((step,) for kind in kinds for step in kind.starts())]
    shares = _shares(objective.residuals(chains, metric))
    merged: dict[type[Alteration] | None, list[Chain]] = {}
    for share, chain in zip(shares, chains, strict=True):
        if share > RARE:
            merged.setdefault(type(chain[0]) if chain else None, []).append(chain)
    chains = [_union(alike) for alike in merged.values()]
    residuals = objective.residuals(chains, metric)
    for _ in range(3):
        shares = _shares(residuals)
        for at, chain in enumerate(chains):
            if chain and shares[at] > RARE:
                others = shares @ residuals - shares[at] * residuals[at]
                part = MixtureObjective(objective, float(shares[at]), others)
                chains[at] = gauss_newton(part, chain, metric, 2, fixed=type(chain[0]))
                residuals[at] = objective.residuals([chains[at]], metric)[0]
    shares = _shares(residuals)
    shares = np.where(shares > RARE, shares, 0) / shares[shares > RARE].sum()
    return [(float(share), _rounded(chain)) for share, chain in zip(shares, chains, strict=True) if share > 0]


def _shares(residuals: np.ndarray) -> np.ndarray:
    """The shares [K], none below 0 and 1 together, of residuals [K, D] that add up to the least."""
    one = 1e3 * np.abs(residuals).max()  # a heavy row for the sum
    rows = np.vstack([residuals.T, np.full(len(residuals), one)])
    return nnls(rows, np.append(np.zeros(residuals.shape[1]), one))[0]


def _union(chains: list[Chain]) -> Chain:
    """One chain for chains of one step of one kind: its ranges reach from the least to the largest of theirs."""
    chain = chains[0]
    for ref in parameter_refs(chain):
        ends = [ref.get(other) for other in chains]
        chain = ref.set(chain, max(ends) if ref.parameter.place == 1 else min(ends))
    return chain


def _rounded(chain: Chain) -> Chain:
    """The chain with its numbers rounded a little."""
    for ref in parameter_refs(chain):
        chain = ref.rounded(chain, ref.parameter.rounded[0])
    return chain
