"""The search for the chain of alterations whose pictures are like the real ones.

One kind of alteration after another is taken up as long as that helps, judged on pictures that nothing was fitted to.
Then all parameters are fitted together, words (how a warp samples) exchanged, idle kinds dropped, numbers rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unalter.alter.alteration import Alteration
from unalter.alter.geometric import Fill, Geometric, Resampled
from unalter.fitting.chain import ORDER, Chain, begun, filled, has, parameter_refs, variants, with_step, without
from unalter.fitting.features import FeatureCovariance, Metric
from unalter.fitting.gauss_newton import Linearised, gauss_newton, rounded, split_sample_step
from unalter.fitting.mixture import RARE, fit_mixture
from unalter.fitting.objective import Objectives
from unalter.fitting.remains import Remains, remaining

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
"""A mixture lessens what is more than chance by this share: a misfit alone is no reason for one."""
_HOPELESS = 0.01
"""A kind that lessens the distance by a smaller share is not tried again until no other helps."""
_PROMISING = 0.5
"""A kind that promises a smaller share of what the best one does is not tried."""
_WELL = 1.6
"""A distance, in units of chance, at which nothing is exchanged."""
_NEARLY_ALL = 0.1
"""Of the distance of unaltered pictures is left where a kind does nearly all of what was done."""
_NOT_QUITE = 1.2
"""The same, at which a mixture is tried where nothing moves: one chain comes near to several kinds of noise."""
_SETTLING = 3
"""Last steps, without bias: each is about ten times as close."""
_SETTLED = 0.1
"""Of a parameter's step: less is rounded away."""
_AS_GOOD = 0.02
"""A distance that is larger by this share is as good, where the chain is simpler."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found."""

    branches: list[tuple[float, Chain]]
    """Shares of the pictures and what happens to them."""
    before: float
    """Squared distance of the unaltered pictures, in units of what chance gives: 1 cannot be told apart."""
    after: float
    """Of the imitated ones."""
    remains: Remains


class ChainSearch:
    """A search; `run` it once.

    Args:
        objectives: where chains are tried, on pictures of a `size` (H, W).
        say: is told what was just found.
        fills: what pictures that were moved may have been filled with beside black, the likeliest first.
    """

    def __init__(
        self, objectives: Objectives, size: tuple[int, int], say: Callable[[str], None], fills: Sequence[Fill] = ()
    ) -> None:
        self._objectives, self._size, self._say = objectives, size, say
        self._covariance = FeatureCovariance(objectives.fit.real)
        self._fills = [*fills, 0.0]
        self._kinds: Sequence[type[Alteration]] = ORDER
        self._hopeless: set[type[Alteration]] = set()

    def run(self) -> SearchResult:
        """Find the chain."""
        fit, check = self._objectives.fit, self._objectives.check
        metric = self._metric(_FINE)
        if metric.expected_distance == 0:  # all pictures measure the same: nothing tells
            return SearchResult([(1.0, ())], 1.0, 1.0, Remains(0.0, ""))
        well = _WELL * metric.expected_distance
        chain = self._uncommon_first()
        if not chain or check.distance(chain, metric) > well:
            common = self._searched([kind for kind in ORDER if not kind.uncommon])
            now = check.distance(common, metric)
            if not chain and (now > well or self._uncommon_helps(common, metric)):
                chain = self._searched(ORDER)
            if not chain or now - check.distance(chain, metric) < self._least(now, metric):
                chain = common
        (before, after), branches = check.distances([(), chain], metric), [(1.0, chain)]
        enough = _WELL if any(isinstance(step, Geometric) for step in chain) else _NOT_QUITE
        if after > enough * metric.expected_distance:
            mixture = fit_mixture(fit, self._metric(_SHARES))
            shares = np.array([share for share, _ in mixture])
            residuals = shares @ check.residuals([part for _, part in mixture], metric)
            there = float(residuals @ residuals)
            if after - there > max(_LEAST, _MIXED_SHARE * (after - metric.expected_distance)):
                self._tell(f"one of {len(mixture)} ways for each picture", after, there, metric)
                branches, after = mixture, there
        chance = metric.expected_distance
        remains = remaining(branches, self._objectives, metric)
        return SearchResult(branches, float(before) / chance, float(after) / chance, remains)

    def _uncommon_first(self) -> Chain:
        """The best chain that begins with an uncommon kind, where one does nearly all of it alone; else nothing."""
        metric, check = self._metric(_ROUGH), self._objectives.check
        chain = self._longer((), metric)
        if chain is None or not chain[0].uncommon:
            return ()
        alone, before = check.distances([chain, ()], metric)
        return self._searched(ORDER, chain) if alone < _NEARLY_ALL * before else ()

    def _searched(self, kinds: Sequence[type[Alteration]], chain: Chain = ()) -> Chain:
        """The best chain of these kinds, found from a first one on."""
        self._kinds, self._hopeless = kinds, set()
        metric = self._metric(_MEDIUM if chain else _ROUGH)
        while (longer := self._longer(chain, metric)) is not None:
            chain, metric = longer, self._metric(_MEDIUM)
        if not chain:
            return chain
        metric = self._metric(_FINE)
        for _ in range(2):
            chain = self._reworded(gauss_newton(self._objectives.fit, chain, metric, 3), metric, self._both)
        self._hopeless.clear()
        chain = self._shorter(self._longer(chain, metric) or chain, metric)
        chain = self._settled(chain, metric, 1)  # or kinds would be exchanged for numbers that are not right yet
        exchanged = self._exchanged(chain, metric)
        if exchanged != chain:
            chain = self._shorter(self._longer(exchanged, metric) or exchanged, metric)
        chain = self._reworded(chain, metric, self._both)
        chain = self._simpler(chain, metric)
        chain = rounded(self._objectives.fit, self._settled(chain, metric), metric)
        shorter = self._shorter(chain, metric)  # some may have come to do nothing
        return (
            chain
            if len(shorter) == len(chain)
            else rounded(self._objectives.fit, self._settled(shorter, metric), metric)
        )

    def _uncommon_helps(self, chain: Chain, metric: Metric) -> bool:
        """Whether one besides the others makes a chain of common kinds better."""
        self._kinds, self._hopeless = [kind for kind in ORDER if kind.uncommon], set()
        return self._longer(chain, metric) is not None

    def _metric(self, ridge: float) -> Metric:
        return self._covariance.metric(max(ridge, _SCATTER / len(self._objectives.fit.real)))

    def _longer(self, chain: Chain, metric: Metric) -> Chain | None:
        """The chain with the one kind of alteration more that helps most, or None where none does."""
        screen, check = self._objectives.screen, self._objectives.check
        apart = check.distance(chain, metric)
        if apart <= metric.expected_distance:  # two samples of one kind are no nearer
            return None
        linearised = Linearised.at(chain, screen, metric)
        now = linearised.here @ linearised.here
        kinds = [kind for kind in self._kinds if kind not in self._hopeless and not has(chain, kind)]
        starts = self._starts(chain, kinds, metric)
        best = dict(zip(kinds, linearised.extended(starts), strict=True))
        resampled = [step for kind, (_, trial) in best.items() for step in trial if type(step) is kind]
        resampled = [replace(step, sampling="nearest") for step in resampled if isinstance(step, Resampled)]
        for step, pair in zip(resampled, linearised.extended(resampled), strict=True):
            best[type(step)] = min(best[type(step)], pair, key=lambda pair: pair[0])
        self._hopeless |= {kind for kind, (distance, _) in best.items() if distance > (1 - _HOPELESS) * now}
        helpful = [(distance, kind, trial) for kind, (distance, trial) in best.items() if distance < now]
        helpful = sorted((entry for entry in helpful if _often(entry[2])), key=lambda entry: entry[0])
        helpful = [entry for entry in helpful[:3] if now - entry[0] > _PROMISING * (now - helpful[0][0])]
        tried = [(kind, gauss_newton(screen, trial, metric, 2, {kind})) for _, kind, trial in helpful]
        # what hardly ever happens has not helped: then it was the other parameters, changed along
        tried = [(kind, trial) for kind, trial in tried if _often(trial)]
        distances = check.distances([trial for _, trial in tried], metric)
        if not tried or apart - distances.min() < self._least(apart, metric):
            return None
        kind, trial = tried[int(distances.argmin())]
        self._tell(kind.name, apart, distances.min(), metric)
        return self._reworded(gauss_newton(screen, trial, metric, 3), metric, screen.distances)

    def _starts(self, chain: Chain, kinds: Sequence[type[Alteration]], metric: Metric) -> list[Alteration]:
        """For each kind what it is best begun with, at a glance."""
        starts = [step for kind in kinds for step in begun(kind, self._fills[0])]
        promised = [distance for distance, _ in Linearised.at(chain, self._objectives.glance, metric).extended(starts)]
        chosen = []
        for kind in kinds:
            own = [at for at, step in enumerate(starts) if type(step) is kind]
            chosen.append(starts[min(own, key=lambda at: promised[at])])
        return chosen

    def _exchanged(self, chain: Chain, metric: Metric) -> Chain:
        """The chain with one kind in the place of another that looks alike, as long as that helps.

        One that is in the chain already begins anew: it may do the work of both.
        """
        screen, fit, check = self._objectives.screen, self._objectives.fit, self._objectives.check
        now = check.distance(chain, metric)
        while now > _WELL * metric.expected_distance:
            trials: list[Chain] = []
            for old in chain:
                rest = without(chain, type(old))
                others = [kind for kind in self._kinds if kind.group == old.group and kind is not type(old)]
                trials += [with_step(rest, step) for kind in others for step in begun(kind, self._fills[0])]
            order = np.argsort(screen.distances(trials, metric), kind="stable")
            trials = [gauss_newton(screen, trials[at], metric, 3) for at in order[:2]]
            trials = [self._reworded(trial, metric, screen.distances) for trial in trials]
            hopeful = check.distances(trials, metric) - now < 10 * self._least(now, metric)
            trials = [gauss_newton(fit, trials[at], metric, 3) for at in np.flatnonzero(hopeful)]
            distances = check.distances(trials, metric)
            if not trials or distances.min() > now - self._least(now, metric):
                break
            chain = trials[int(distances.argmin())]
            self._tell(f"rather {' + '.join(step.name for step in chain)}", now, distances.min(), metric)
            now = distances.min()
        return chain

    def _tell(self, what: str, before: float, after: float, metric: Metric) -> None:
        self._say(f"{what}: distance {before / metric.expected_distance:.2f} -> {after / metric.expected_distance:.2f}")

    def _least(self, distance: float, metric: Metric) -> float:
        """By how much a kind of alteration must lessen a distance."""
        return max(_LEAST, _LEAST_SHARE * (distance - metric.expected_distance))

    def _shorter(self, chain: Chain, metric: Metric) -> Chain:
        """The chain without the kinds that do not help."""
        check = self._objectives.check
        now = check.distance(chain, metric)
        distances = check.distances([without(chain, type(step)) for step in chain], metric)
        for step in [chain[at] for at in np.argsort(distances, kind="stable")]:
            trial = without(chain, type(step))
            if check.distance(trial, metric) - now < 10 * self._least(now, metric):
                trial = gauss_newton(self._objectives.fit, trial, metric, 1)
            there = check.distance(trial, metric)
            if there - now < self._least(now, metric):
                self._tell(f"no {step.name} after all", now, there, metric)
                chain, now = trial, there
        return chain

    def _reworded(
        self, chain: Chain, metric: Metric, distances_of: Callable[[list[Chain], Metric], np.ndarray]
    ) -> Chain:
        """The chain with the words exchanged that lessen a distance."""
        (now,) = distances_of([chain], metric)
        while trials := list(variants(chain, self._size, self._fills)):
            distances = distances_of(trials, metric)
            if distances.min() >= now:
                break
            chain, now = trials[int(distances.argmin())], distances.min()
        return chain

    def _simpler(self, chain: Chain, metric: Metric) -> Chain:
        """The chain with alterations that happen always instead of mostly, where that is as good."""
        for step in chain:
            for plainer in (step.plainer(), filled(step, 0.0)):
                trial = with_step(chain, plainer)
                if plainer not in chain and self._as_good(trial, chain, metric):
                    chain = trial
        for step in chain:
            if not 0.75 < step.probability < 1:
                continue
            trial = with_step(chain, replace(step, probability=1.0))
            trial = gauss_newton(self._objectives.fit, trial, metric, 1, fixed=type(step))
            if self._as_good(trial, chain, metric):
                chain = trial
        return chain

    def _as_good(self, trial: Chain, chain: Chain, metric: Metric) -> bool:
        there, now = self._both([trial, chain], metric)
        return there < now * (1 + _AS_GOOD)

    def _settled(self, chain: Chain, metric: Metric, steps: int = _SETTLING) -> Chain:
        """The chain with its numbers at the least distance, without the bias of one sample, unless it goes astray."""
        for _ in range(steps):
            trial = split_sample_step((self._objectives.fit, self._objectives.polish), chain, metric)
            there, now = self._both([trial, chain], metric)
            if there > now + _LEAST:
                break
            moves = [abs(ref.get(trial) - ref.get(chain)) / ref.step for ref in parameter_refs(chain)]
            chain = trial
            if max(moves, default=0) < _SETTLED:
                break
        return chain

    def _both(self, chains: list[Chain], metric: Metric) -> np.ndarray:
        """Distances on the pictures that are fitted to and on those that are not."""
        return self._objectives.fit.distances(chains, metric) + self._objectives.check.distances(chains, metric)


def _often(chain: Chain) -> bool:
    return all(step.probability > RARE for step in chain)
