"""Whether the large shape of a map is the data's or the seed's.

    python benchmarks/starts.py --data swiss --dimensions 3
    python benchmarks/starts.py --data mnist --points 10000 --dimensions 2

Maps of several seeds: their KL divergence, how many of the ten nearest neighbours they keep, how many random triplets
are in the same order in the map as in the data, and how far two seeds' maps are from one another (Procrustes distance
after any rotation and scale, 0..1). Data: a swiss roll, twenty blobs in 50 dimensions, or MNIST's training digits (32
principal components).
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations

import numpy as np
from scipy.spatial import procrustes
from sklearn.datasets import make_blobs, make_swiss_roll
from sklearn.neighbors import NearestNeighbors

from unalter import TSNE

_TRIPLETS = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=("swiss", "blobs", "mnist"), default="swiss")
    parser.add_argument("--points", type=int, default=8_000)
    parser.add_argument("--dimensions", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int)
    arguments = parser.parse_args()
    x = _data(arguments.data, arguments.points)
    near = NearestNeighbors(n_neighbors=10).fit(x).kneighbors(return_distance=False)
    TSNE(arguments.dimensions, n_jobs=arguments.jobs, max_iter=2).fit(x[:6_100])  # compiles
    maps = []
    for seed in range(arguments.seeds):
        began = time.perf_counter()
        tsne = TSNE(arguments.dimensions, random_state=seed, n_jobs=arguments.jobs).fit(x)
        seconds = time.perf_counter() - began
        y = tsne.embedding_
        again = NearestNeighbors(n_neighbors=10).fit(y).kneighbors(return_distance=False)
        recall = (near[:, :, None] == again[:, None]).any(2).mean()
        print(
            f"seed {seed}: KL {tsne.kl_divergence_:.4f}, recall {recall:.4f}, triplets {_triplets(x, y):.3f}, "
            f"{seconds:.1f} s",
            flush=True,
        )
        maps.append(y)
    print("between seeds:", *(f"{procrustes(a, b)[2]:.4f}" for a, b in combinations(maps, 2)))


def _data(name: str, count: int) -> np.ndarray:
    if name == "swiss":
        return make_swiss_roll(count, random_state=0)[0]
    if name == "blobs":
        return make_blobs(count, 50, centers=20, random_state=0)[0]
    from tsne import codes_of

    return codes_of(None, count)[0]


def _triplets(x: np.ndarray, y: np.ndarray) -> float:
    """How often the nearer of two points in the data is the nearer one in the map."""
    a, b, c = np.random.default_rng(0).integers(0, len(x), (3, _TRIPLETS))

    def nearer(points: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[a] - points[b], axis=1) < np.linalg.norm(points[a] - points[c], axis=1)

    return float((nearer(x) == nearer(y)).mean())


if __name__ == "__main__":
    main()
