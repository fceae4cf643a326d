"""The search for the chain of alterations whose pictures are like the real ones.

One kind of alteration after another is taken up as long as that helps, then all numbers are turned together, words
(how a warp samples, how large a kernel is) exchanged, kinds dropped that turn out not to help, and numbers rounded.
Whether something helps is judged on pictures, clean and altered, that the numbers were not fitted to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from unalter.alter.alteration import Alteration
from unalter.alter.geometric import Geometric, Resampled
from unalter.fitting.chain import ORDER, Chain, parameter_refs, variants, with_step, without
from unalter.fitting.features import FeatureCovariance, Metric
from unalter.fitting.gauss_newton import debiased, improved, slopes_of, with_added
from unalter.fitting.objective import Objective, Objectives, Part

_ROUGH, _MEDIUM, _FINE = 0.05, 0.02, 0.005
"""Ridges of the metric: far away, details only confuse."""
_SCATTER = 5.0
"""The ridge of small folders, over their number of pictures: few pictures do not tell small scatters."""
_SHARES = 0.3
"""The one for shares of a mixture: many details, each with its own chance, would draw them to the steadier parts."""
_LEAST = 25.0
"""A kind of alteration lessens the squared distance by this at the least: by chance it would be about 10."""
_LEAST_SHARE = 0.05
"""And by this share of what is more than chance: small misfits of another kind are no reason to take one up."""
_MIXED_SHARE = 0.5
"""A mixture lessens what is more than chance by this share: a chain that is not quite right is no reason for one."""
_HOPELESS = 0.01
"""A kind that lessens the distance by a smaller share is not tried again until no other helps."""
_RARE = 0.02
"""Below this probability an alteration is not looked for."""
_WELL = 1.6
"""A distance, in units of chance, at which nothing is exchanged."""
_SETTLING = 3
"""Last steps, without bias: each is about ten times as close."""
_AS_GOOD = 0.02
"""A distance that is larger by this share is as good, where the chain is simpler."""


@dataclass(frozen=True)
class Found:
    """What a search found."""

    parts: list[tuple[float, Chain]]
    """Shares of the pictures and what happens to them."""
    before: float
    """Squared distance of the unaltered pictures, in units of what chance gives: 1 cannot be told apart."""
    after: float
    """Of the imitated ones."""
    gains: dict[type[Alteration], float]
    """By how much the distance grows without a kind, or shrank with one that was not taken up."""


class Search:
    """A search; `run` it once.

    Args:
        benches: where chains are tried.
        size: (H, W) of the pictures.
        say: is told what was just found.
    """

    def __init__(self, benches: Objectives, size: tuple[int, int], say: Callable[[str], None]) -> None:
        self._on, self._size, self._say = benches, size, say
        self._scatter = FeatureCovariance(benches.fit.real)
        self._gains: dict[type[Alteration], float] = {}
        self._hopeless: set[type[Alteration]] = set()

    def run(self) -> Found:
        """Find the chain."""
        metric, chain = self._metric(_ROUGH), ()
        while (longer := self._longer(chain, metric)) is not None:
            chain, metric = longer, self._metric(_MEDIUM)
        metric = self._metric(_FINE)
        if chain:
            for _ in range(2):
                chain = self._reworded(improved(self._on.fit, chain, metric, 3), metric)
            self._hopeless.clear()
            chain = self._shorter(self._longer(chain, metric) or chain, metric)
            exchanged = self._exchanged(chain, metric)
            if exchanged != chain:
                chain = self._shorter(self._longer(exchanged, metric) or exchanged, metric)
            chain = self._reworded(chain, metric)
            chain = self._simpler(chain, metric)
            chain = self._rounded(self._settled(chain, metric), metric)
            shorter = self._shorter(chain, metric)  # some may have come to do nothing
            if len(shorter) < len(chain):
                chain = self._rounded(self._settled(shorter, metric), metric)
        before, after = (self._on.check.distance(c, metric) for c in ((), chain))
        parts = [(1.0, chain)]
        if after > _WELL * metric.expected_distance:
            mixed = self._one_of()
            each = sum(share * self._on.check.residuals(part, metric) for share, part in mixed)
            there = float(np.square(each).sum())
            if after - there > max(_LEAST, _MIXED_SHARE * (after - metric.expected_distance)):
                self._tell(f"one of {len(mixed)} ways for each picture", after, there, metric)
                parts, after = [(share, _plain(part)) for share, part in mixed], there
        return Found(parts, before / metric.expected_distance, after / metric.expected_distance, self._gains)

    def _metric(self, ridge: float) -> Metric:
        return self._scatter.metric(max(ridge, _SCATTER / len(self._on.fit.real)))

    def _longer(self, chain: Chain, metric: Metric) -> Chain | None:
        """The chain with the one kind of alteration more that helps most, or None where none does."""
        screen, check = self._on.screen, self._on.check
        apart = check.distance(chain, metric)
        turn = parameter_refs(chain)
        here = screen.residuals(chain, metric)
        slopes = slopes_of(screen, chain, metric, turn, here)
        best: list[tuple[float, type[Alteration], Chain]] = []
        for kind in ORDER:
            if kind in self._hopeless or any(type(step) is kind for step in chain):
                continue
            trials = [with_added(screen, chain, metric, step, turn, here, slopes) for step in kind.starts()]
            distance, trial = min(trials, key=lambda pair: pair[0])
            step = next(step for step in trial if type(step) is kind)
            if isinstance(step, Resampled):
                otherwise = replace(step, sampling="nearest")
                pair = with_added(screen, chain, metric, otherwise, turn, here, slopes)
                distance, trial = min((distance, trial), pair, key=lambda pair: pair[0])
            if distance < here @ here and all(step.probability > _RARE for step in trial):
                best.append((distance, kind, trial))
            if distance > (1 - _HOPELESS) * (here @ here):
                self._hopeless.add(kind)
        best.sort(key=lambda entry: entry[0])
        tried = [(kind, improved(screen, trial, metric, 2, {kind})) for _, kind, trial in best[:3]]
        # what hardly ever happens has not helped: then it was the other handles, turned along
        tried = [(kind, trial) for kind, trial in tried if all(step.probability > _RARE for step in trial)]
        tried = sorted(((check.distance(trial, metric), kind, trial) for kind, trial in tried), key=lambda e: e[0])
        for there, kind, _ in tried:
            self._gains[kind] = (apart - there) / metric.expected_distance
        if not tried or apart - tried[0][0] < self._least(apart, metric):
            return None
        there, kind, trial = tried[0]
        self._tell(f"{kind.name}", apart, there, metric)
        return self._reworded(improved(screen, trial, metric, 3), metric, screen)

    def _exchanged(self, chain: Chain, metric: Metric) -> Chain:
        """The chain with one kind in the place of another that looks alike, as long as that helps."""
        screen, check = self._on.screen, self._on.check
        now = check.distance(chain, metric)
        while now > _WELL * metric.expected_distance:
            pairs = []
            for old in chain:
                rest = without(chain, type(old))
                alike = [kind for kind in ORDER if kind.group == old.group]
                absent = [kind for kind in alike if not any(type(step) is kind for step in chain)]
                trials = [with_step(rest, step) for kind in absent for step in kind.starts()]
                pairs += [(screen.distance(trial, metric), trial) for trial in trials]
            pairs.sort(key=lambda pair: pair[0])
            trials = [self._reworded(improved(screen, trial, metric, 3), metric, screen) for _, trial in pairs[:2]]
            trials = [improved(self._on.fit, trial, metric, 3) for trial in trials]
            distances = [check.distance(trial, metric) for trial in trials]
            if not trials or min(distances) > now - self._least(now, metric):
                break
            chain = trials[int(np.argmin(distances))]
            self._tell(f"rather {' + '.join(step.name for step in chain)}", now, min(distances), metric)
            now = min(distances)
        return chain

    def _tell(self, what: str, before: float, after: float, metric: Metric) -> None:
        self._say(f"{what}: distance {before / metric.expected_distance:.2f} -> {after / metric.expected_distance:.2f}")

    def _least(self, distance: float, metric: Metric) -> float:
        """By how much a kind of alteration must lessen a distance."""
        return max(_LEAST, _LEAST_SHARE * (distance - metric.expected_distance))

    def _shorter(self, chain: Chain, metric: Metric) -> Chain:
        """The chain without the kinds that do not help."""
        check = self._on.check
        now = check.distance(chain, metric)
        for step in sorted(chain, key=lambda step: check.distance(without(chain, type(step)), metric)):
            trial = without(chain, type(step))
            if check.distance(trial, metric) - now < 10 * self._least(now, metric):
                trial = improved(self._on.fit, trial, metric, 1)
            there = check.distance(trial, metric)
            self._gains[type(step)] = (there - now) / metric.expected_distance
            if there - now < self._least(now, metric):
                self._tell(f"no {step.name} after all", now, there, metric)
                chain, now = trial, there
        return chain

    def _reworded(self, chain: Chain, metric: Metric, bench: Objective | None = None) -> Chain:
        """The chain with the words exchanged that lessen the distance on a bench, or else on two."""
        distance = self._both if bench is None else bench.distance
        now = distance(chain, metric)
        while trials := list(variants(chain, self._size)):
            distances = [distance(trial, metric) for trial in trials]
            if min(distances) >= now:
                break
            chain, now = trials[int(np.argmin(distances))], min(distances)
        return chain

    def _simpler(self, chain: Chain, metric: Metric) -> Chain:
        """The chain with alterations that happen always instead of mostly, where that is as good."""
        for step in chain:
            trial = with_step(chain, step.plainer())
            if trial != chain and self._both(trial, metric) < self._both(chain, metric) * (1 + _AS_GOOD):
                chain = trial
        for step in chain:
            if not 0.75 < step.probability < 1:
                continue
            trial = with_step(chain, replace(step, probability=1.0))
            trial = improved(self._on.fit, trial, metric, 2, fixed=type(step))
            now, there = self._both(chain, metric), self._both(trial, metric)
            if there < now * (1 + _AS_GOOD):
                chain = trial
        return chain

    def _settled(self, chain: Chain, metric: Metric) -> Chain:
        """The chain with its numbers at the least distance, without the bias of one bench, unless it goes astray."""
        for _ in range(_SETTLING):
            trial = debiased((self._on.fit, self._on.polish), chain, metric)
            if self._both(trial, metric) > self._both(chain, metric) + _LEAST:
                break
            chain = trial
        return chain

    def _rounded(self, chain: Chain, metric: Metric) -> Chain:
        """The chain with numbers that a person would write, each within about one standard error."""
        bench, turn = self._on.fit, parameter_refs(chain)
        values = np.array([handle.get(chain) for handle in turn])
        slopes = slopes_of(bench, chain, metric, turn, bench.residuals(chain, metric))
        moved = np.zeros(len(slopes))  # by all that was rounded so far: two roundings may cancel
        for at, handle in enumerate(turn):
            for grid in reversed(handle.parameter.rounded):
                trial = handle.rounded(chain, grid)
                there = moved + slopes[:, at] * (handle.get(trial) - values[at]) / handle.step
                if there @ there < moved @ moved + 1 or grid == handle.parameter.rounded[0]:
                    chain, moved = trial, there
                    break
        return chain

    def _one_of(self) -> list[tuple[float, Chain]]:
        """The best mixture of single alterations that move nothing, one for each picture: shares and chains."""
        bench, metric = self._on.fit, self._metric(_SHARES)
        kinds = [kind for kind in ORDER if kind.fitted and not issubclass(kind, Geometric)]
        chains: list[Chain] = [(), *((step,) for kind in kinds for step in kind.starts())]
        shares = _shares(np.stack([bench.residuals(chain, metric) for chain in chains], 1))
        merged: dict[type[Alteration] | None, list[Chain]] = {}
        for share, chain in zip(shares, chains, strict=True):
            if share > _RARE:
                merged.setdefault(type(chain[0]) if chain else None, []).append(chain)
        chains = [_union(alike) for alike in merged.values()]
        residuals = np.stack([bench.residuals(chain, metric) for chain in chains], 1)
        for _ in range(3):
            shares = _shares(residuals)
            for at, chain in enumerate(chains):
                if chain and shares[at] > _RARE:
                    part = Part(bench, float(shares[at]), residuals @ shares - residuals[:, at] * shares[at])
                    chains[at] = improved(part, chain, metric, 2, fixed=type(chain[0]))
                    residuals[:, at] = bench.residuals(chains[at], metric)
        shares = _shares(residuals)
        shares = np.where(shares > _RARE, shares, 0) / shares[shares > _RARE].sum()
        return [(float(share), chain) for share, chain in zip(shares, chains, strict=True) if share > 0]

    def _both(self, chain: Chain, metric: Metric) -> float:
        return self._on.fit.distance(chain, metric) + self._on.check.distance(chain, metric)


def _shares(residuals: np.ndarray) -> np.ndarray:
    """The shares, none below 0 and 1 together, of residuals [D, K] that add up to the least."""
    one = 1e3 * np.abs(residuals).max()  # a heavy row for the sum
    rows = np.vstack([residuals, np.full(residuals.shape[1], one)])
    return nnls(rows, np.append(np.zeros(len(residuals)), one))[0]


def _union(chains: list[Chain]) -> Chain:
    """One chain for chains of one step of one kind: its ranges reach from the least to the largest of theirs."""
    chain = chains[0]
    for handle in parameter_refs(chain):
        ends = [handle.get(other) for other in chains]
        chain = handle.set(chain, max(ends) if handle.parameter.place == 1 else min(ends))
    return chain


def _plain(chain: Chain) -> Chain:
    """The chain with its numbers rounded a little."""
    for handle in parameter_refs(chain):
        chain = handle.rounded(chain, handle.parameter.rounded[0])
    return chain
