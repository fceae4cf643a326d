"""From codes to points in space that can be compared from map to map."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

LEAST_POINTS = 10
"""Fewer points make no map."""
_PERPLEXITY = 30.0
_ITERATIONS = 300
_WARM_SPREAD, _WARM_EXAGGERATION = 1.0, 2.0
"""A map that goes on from another one begins with its arrangement drawn together, and a little exaggerated. From the
full size, not exaggerated, it stays in arrangements that have become poor ones: KL 1 to 3% above a cold map's, against
1% at the most (docs/results.md)."""
_FEW, _GENTLE = 2_000, 5.0
"""So few points and fewer are thrown about by t-SNE's usual learning rate, the more the later: maps grow threefold from
one to the next, and become worse (300 digits: KL .57, with the number of points over this .53)."""
_LEAST_RATE = 20.0
"""Of fewer than a hundred points."""
_JUDGED, _VOTES = 10, 5
"""Neighbours that are looked for again, and those that vote on a label."""
_STEP = 1.1
"""Axes grow by such steps: a map that is a little wider than those before it seldom moves theirs."""


@dataclass(frozen=True)
class PointMap:
    """A 3D t-SNE embedding, and how good it is."""

    points: np.ndarray
    """float32 [N, 3]"""
    neighbours: np.ndarray
    """int32 [N, at most 10]: of each code, the nearest others, nearest first"""
    kl: float
    """The KL divergence of the map from the codes, in nats, over all pairs."""
    recall: float
    """How many of the 10 nearest codes are among the 10 nearest points, 0..1."""
    accuracy: float
    """How often the 5 nearest points know a point's label, 0..1; NaN where there is one label only."""

    @property
    def extent(self) -> float:
        """The largest coordinate, whatever its sign."""
        return float(np.abs(self.points).max())

    @property
    def note(self) -> str:
        """What is said of the map."""
        label = "" if np.isnan(self.accuracy) else f"label 5-NN accuracy {self.accuracy:.3f}, "
        return f"KL {self.kl:.3f}, {label}neighbour recall {self.recall:.3f}"


def map_codes(
    codes: np.ndarray, labels: np.ndarray, seed: int = 0, before: PointMap | None = None, device: str = "cpu"
) -> PointMap:
    """Embed codes in three dimensions.

    Args:
        codes: float32 [N, latent] with N >= `LEAST_POINTS`.
        labels: int64 [N]; they judge the map and turn it so that classes are seen apart, they do not make it.
        seed: of the start.
        before: an earlier map of the same pictures: the new one goes on from its arrangement and is aligned with it
            (rigidly, orthogonal Procrustes), so that the eye can follow a cluster.
        device: that makes the map, "cpu" or "cuda".
    """
    from unalter.tsne import TSNE
    from unalter.tsne.loops import threads
    from unalter.tsne.neighbours import nearest

    tsne = TSNE(3, perplexity=_perplexity(len(codes)), max_iter=_ITERATIONS, random_state=seed, device=device)
    if before is not None:
        start = before.points * (_WARM_SPREAD / max(float(before.points.std()), 1e-9))
        tsne.set_params(init=start, early_exaggeration=_WARM_EXAGGERATION)
    if len(codes) <= _FEW:
        tsne.set_params(learning_rate=max(len(codes) / _GENTLE, _LEAST_RATE))
    points = tsne.fit_transform(np.ascontiguousarray(codes, np.float32))
    points = points - points.mean(0)
    points = points @ (_widest_view(points, labels) if before is None else onto(points, before.points))
    points = points.astype(np.float32)
    count = min(_JUDGED, tsne.neighbours_.shape[1])
    with threads() as pool:
        near, _ = nearest(points, count, pool, seed, device)
    return PointMap(
        points, tsne.neighbours_, tsne.kl_divergence_, neighbour_recall(tsne.neighbours_[:, :count], near),
        label_accuracy(near[:, :_VOTES], labels),
    )  # fmt: skip


def place_codes(new: np.ndarray, codes: np.ndarray, one: PointMap) -> np.ndarray:
    """Where new codes belong in a map, which stays as it is (see `unalter.tsne.placing`).

    Args:
        new: float32 [M, latent].
        codes: float32 [N, latent], those that the map is of.

    Returns:
        float32 [M, 3].
    """
    from unalter.tsne.affinities import neighbour_count
    from unalter.tsne.divergence import normaliser
    from unalter.tsne.kernels import SPACE
    from unalter.tsne.loops import threads
    from unalter.tsne.neighbours import nearest
    from unalter.tsne.placing import place

    perplexity = _perplexity(len(codes))
    with threads() as pool:
        rows, squares = nearest(codes, neighbour_count(len(codes) + 1, perplexity), pool, queries=new)
        return place(one.points, normaliser(one.points, SPACE, pool), rows, squares, perplexity, SPACE, pool)


def placed_accuracy(placed: np.ndarray, new: np.ndarray, points: np.ndarray, labels: np.ndarray) -> float:
    """How often the 5 nearest points [N, 3] of a map know the label [M] of one that was placed, [M, 3]; 0..1."""
    from unalter.tsne.loops import threads
    from unalter.tsne.neighbours import nearest

    with threads() as pool:
        near, _ = nearest(points, min(_VOTES, len(points)), pool, queries=placed)
    return voted(near, labels, new)


def axes_reach(extents: Iterable[float]) -> float:
    """Axes from minus this to this hold maps of such extents, and leave them a tenth of room at most."""
    return _STEP ** (math.floor(math.log(max(extents), _STEP)) + 1)


def neighbour_recall(expected: np.ndarray, found: np.ndarray) -> float:
    """The share of neighbours [N, K] that were found again among [N, K], mean over points."""
    return float((expected[:, :, None] == found[:, None]).any(2).mean())


def label_accuracy(neighbours: np.ndarray, labels: np.ndarray) -> float:
    """How often most of the neighbours [N, K] have a point's label [N] (a tie goes to the smallest one)."""
    return voted(neighbours, labels, labels)


def voted(neighbours: np.ndarray, labels: np.ndarray, expected: np.ndarray) -> float:
    """How often most of the neighbours [M, K], whose labels are among [N], have the label expected, [M]."""
    classes, of = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return float("nan")
    votes = np.zeros((len(neighbours), len(classes)), np.int32)
    for place in neighbours.T:
        votes[np.arange(len(votes)), of[place]] += 1
    return float((classes[votes.argmax(1)] == expected).mean())


def _perplexity(count: int) -> float:
    return min(_PERPLEXITY, (count - 1) / 3)


def chosen_rows(count: int, most: int, seed: int) -> np.ndarray:
    """All rows, or a fixed random subset of `most` (0: all), ascending: int64."""
    if most == 0 or most >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 2]).choice(count, most, replace=False))


def onto(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, mirrored where that is nearer, that brings centred points [N, 3] nearest to a target [N, 3]."""
    left, _, right = np.linalg.svd(points.T.astype(np.float64) @ target)
    return left @ right


def _widest_view(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A rotation [3, 3] after which the class centres spread most along the first two axes."""
    centres = np.stack([points[labels == label].mean(0) for label in np.unique(labels)])
    spread = centres if len(centres) > 3 else points
    _, _, axes = np.linalg.svd(spread - spread.mean(0), full_matrices=False)
    rotation = axes.T
    return rotation * np.sign(np.linalg.det(rotation))
