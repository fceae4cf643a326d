"""unalter's t-SNE against scikit-learn's (3D) and openTSNE's (2D): time, exact KL, neighbour recall.

    python benchmarks/tsne.py --points 8000
    python benchmarks/tsne.py --points 26000
    python benchmarks/tsne.py --points 26000 --dimensions 2

Every program runs in a fresh process with 2 threads, its imports not counted, what it compiles counted (unalter's
cache of compiled loops is empty), in turns. Codes are 32 principal components of MNIST's training
digits, or, with --codes FILE.npz (`codes` [N, d], `label` [N]), any others. All use a perplexity of 30, so the same
affinities. The KL is worked out by this script in float64 over all pairs, from the affinities of exact neighbours found
by scikit-learn, with the degrees of freedom that both programs have: one, in space two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_PERPLEXITY = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=3_000)
    parser.add_argument("--dimensions", type=int, default=3, choices=(2, 3))
    parser.add_argument("--iterations", type=int, default=340, help="of unalter")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="unalter only, for large data")
    parser.add_argument("--codes", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        _work(arguments.worker, arguments.codes, arguments.dimensions, arguments.iterations)
        return
    codes, labels = codes_of(arguments.codes, arguments.points)
    others = [] if arguments.alone else ["sklearn" if arguments.dimensions == 3 else "opentsne"]
    print(f"{len(codes):,} x {codes.shape[1]} codes, {arguments.dimensions}D, perplexity {_PERPLEXITY}, 2 threads")
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.npz"
        np.savez(path, codes=codes, label=labels)
        for _ in range(arguments.rounds):
            for name in [*others, "unalter"]:
                result = _run(name, path, arguments, folder)
                seconds.setdefault(name, []).append(result["seconds"])
                print(f"{name:8} {result['seconds']:8.1f} s, peak memory {result['peak']:.2f} GiB", flush=True)
        points = {name: np.load(Path(folder) / f"{name}.npy") for name in seconds}
    if len(codes) <= 30_000 or not arguments.alone:  # all pairs in float64 take minutes
        _judge(codes, labels, points)
    for name in others:
        ratio = np.median(seconds[name]) / np.median(seconds["unalter"])
        print(f"{name} takes {ratio:.1f} times as long")


def codes_of(path: Path | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    if path is not None:
        with np.load(path) as stored:
            codes, labels = stored["codes"], stored["label"]
    else:
        from _real import mnist

        images, labels = mnist("train")
        rows = images.reshape(len(images), -1).astype(np.float32) / 255
        _, vectors = np.linalg.eigh(np.cov(rows.T))
        codes = (rows - rows.mean(0)) @ vectors[:, -32:].astype(np.float32)
    if count > len(codes):  # larger: around the same codes
        random = np.random.default_rng(0)
        chosen = random.integers(0, len(codes), count)
        grain = 0.3 * codes.std(0) * random.normal(size=(count, codes.shape[1]))
        return (codes[chosen] + grain).astype(np.float32), labels[chosen]
    return np.ascontiguousarray(codes[:count], np.float32), labels[:count]


def _run(name: str, path: Path, arguments: argparse.Namespace, folder: str) -> dict[str, float]:
    environment = {
        **os.environ, "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2",
        "NUMBA_CACHE_DIR": tempfile.mkdtemp(dir=folder),
    }  # fmt: skip
    command = [
        sys.executable, __file__, "--worker", name, "--codes", str(path), "--dimensions", str(arguments.dimensions),
        "--iterations", str(arguments.iterations),
    ]  # fmt: skip
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def _work(name: str, path: Path, dimensions: int, iterations: int) -> None:
    """One program in a process of its own."""
    import resource

    with np.load(path) as stored:
        codes = stored["codes"]
    if name == "sklearn":
        from sklearn.manifold import TSNE

        fit = TSNE(dimensions, perplexity=_PERPLEXITY, random_state=0, n_jobs=2).fit_transform
    elif name == "opentsne":
        from openTSNE import TSNE

        fit = TSNE(dimensions, perplexity=_PERPLEXITY, random_state=0, n_jobs=2, negative_gradient_method="fft").fit
    else:
        from unalter.tsne import TSNE

        fit = TSNE(dimensions, perplexity=_PERPLEXITY, random_state=0, n_jobs=2, max_iter=iterations).fit_transform
    began = time.perf_counter()
    points = np.asarray(fit(codes))
    seconds = time.perf_counter() - began
    np.save(path.with_name(f"{name}.npy"), points)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": seconds, "peak": peak}))


def _judge(codes: np.ndarray, labels: np.ndarray, points: dict[str, np.ndarray]) -> None:
    """Exact KL, neighbour recall and label accuracy, none of them by unalter's own code."""
    from sklearn.neighbors import NearestNeighbors

    def nearest(x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        how = "brute" if x.shape[1] > 3 else "kd_tree"
        return NearestNeighbors(n_neighbors=count, algorithm=how, n_jobs=2).fit(x).kneighbors()

    distances, rows = nearest(codes, 3 * _PERPLEXITY + 1)
    p = _joint(rows, np.square(distances.astype(np.float64)))
    for name, y in points.items():
        near = nearest(y, 10)[1]
        recall = (rows[:, :10, None] == near[:, None]).any(2).mean()
        votes = np.stack([(labels[near[:, :5]] == k).sum(1) for k in range(labels.max() + 1)], 1)
        accuracy = (votes.argmax(1) == labels).mean()
        exact = _kl(p, y.astype(np.float64), max(y.shape[1] - 1, 1))
        print(f"{name:8} exact KL {exact:.4f}, neighbour recall {recall:.4f}, label 5-NN {accuracy:.4f}")


def _joint(rows: np.ndarray, squares: np.ndarray):
    """Joint probabilities in float64, sparse."""
    import scipy.sparse as sp

    squares = squares - squares[:, :1]
    precision = 1 / squares.mean(1)
    low, high = np.zeros(len(rows)), np.full(len(rows), np.inf)
    for _ in range(100):
        weights = np.exp(-squares * precision[:, None])
        total = weights.sum(1)
        entropy = np.log(total) + precision * (weights * squares).sum(1) / total
        more = entropy > np.log(_PERPLEXITY)
        low, high = np.where(more, precision, low), np.where(more, high, precision)
        precision = np.where(np.isinf(high), 2 * precision, (low + np.where(np.isinf(high), 0, high)) / 2)
    weights /= weights.sum(1, keepdims=True)
    count = rows.shape[1]
    p = sp.csr_matrix((weights.ravel(), rows.ravel(), np.arange(len(rows) + 1) * count), (len(rows), len(rows)))
    p = (p + p.T) / (2 * len(rows))
    return p.tocoo()


def _kl(p, y: np.ndarray, dof: int) -> float:
    """KL(P || Q) in float64, over all pairs, block by block; Student's t as both programs have it."""
    power = (dof + 1) / 2
    z = 0.0
    norms = np.square(y).sum(1)
    for start in range(0, len(y), 500):
        part = y[start : start + 500]
        apart = np.maximum(norms[start : start + 500, None] + norms - 2 * part @ y.T, 0)
        z += ((1 + apart / dof) ** -power).sum()
    z -= len(y)
    apart = np.square(y[p.row] - y[p.col]).sum(1)
    return float((p.data * (np.log(np.maximum(p.data, 1e-300)) + power * np.log1p(apart / dof))).sum() + np.log(z))


if __name__ == "__main__":
    main()
