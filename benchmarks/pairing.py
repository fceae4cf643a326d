"""How many altered pictures get their true clean picture, or rightly none, when the names say nothing.

    python benchmarks/pairing.py --seed 0

File names are replaced by random numbers and the order is shuffled; labels stay. So no name pair trains anything.
Truth is the name that a file had. Figures are over the altered files of the training folder (the held-out ones are
moved out).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch
from _real import training_folders
from sklearn.metrics import roc_auc_score

from unalter.alter import find_backgrounds
from unalter.data.dataset import Dataset, read_dataset
from unalter.pairing.find import find_pairs
from unalter.pairing.pairs import Pairs
from unalter.pipeline.prepare import recipe_for
from unalter.support.console import Console


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="auto", help="auto: fitted to these folders; or a preset or a YAML file")
    parser.add_argument("--only", type=int, default=0, help="judge on so many altered files with, and as many without")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dataset = read_dataset(training_folders())
    rng = np.random.default_rng(arguments.seed)
    altered = dataset.altered
    order = rng.permutation(len(altered))
    if arguments.only:
        known = np.isin(altered.index[order], dataset.clean.index)
        order = np.sort(np.concatenate([order[known][: arguments.only], order[~known][: arguments.only]]))
        order = rng.permutation(order)
    origin = {int(index): row for row, index in enumerate(dataset.clean.index)}
    truth = np.array([origin.get(int(altered.index[row]), -1) for row in order])
    names = 100_000 + rng.permutation(len(order))
    files = [f"aug_{i}_{y}.png" for i, y in zip(names, altered.labels[order], strict=True)]
    shuffled = replace(altered.rows(order), index=names, names=files)
    nameless = Dataset(dataset.clean, shuffled)
    backgrounds = find_backgrounds(altered.images)
    blend = backgrounds.members[order] >= 0
    print(f"{len(order):,} altered files, {(truth >= 0).sum():,} have their clean one here; seed {arguments.seed}")
    start = time.perf_counter()
    recipe = recipe_for(arguments.recipe, nameless, arguments.seed, Console(quiet=True))
    print(f"{recipe.summary()}\n{time.perf_counter() - start:.0f} s", flush=True)
    start = time.perf_counter()
    pairs = find_pairs(nameless, recipe, seed=arguments.seed)
    print(f"find_pairs: {time.perf_counter() - start:.0f} s, {torch.get_num_threads()} threads")
    report("all", pairs, truth)
    report("blend", pairs, truth, blend)
    report("geometric", pairs, truth, ~blend)


def report(name: str, pairs: Pairs, truth: np.ndarray, which: np.ndarray | None = None) -> None:
    """Print how good pairs are, where the true clean row of each altered picture is known (-1: it has none)."""
    which = np.ones(len(truth), bool) if which is None else which
    has = truth[which] >= 0
    likeliest, score, accepted = pairs.likeliest[which], pairs.score[which], pairs.clean[which] >= 0
    right = (likeliest == truth[which]) & has
    branch_index = right & accepted
    print(
        f"{name:10} top-1 {right[has].mean():.4f}   AUC of 'has a partner' {roc_auc_score(has, score):.4f}   recall at "
        f"99% precision {recall_at(score, right, has, 0.99):.4f}   accepted {accepted.sum():,}: precision "
        f"{branch_index.sum() / max(1, accepted.sum()):.4f}, recall {branch_index.sum() / has.sum():.4f}"
    )


def recall_at(score: np.ndarray, right: np.ndarray, has: np.ndarray, precision: float) -> float:
    """The largest recall at which the precision is still reached, over all thresholds."""
    order = np.argsort(-score, kind="stable")
    correct = right[order].cumsum()
    good = correct / np.arange(1, len(order) + 1) >= precision
    return float(correct[good].max() / has.sum()) if good.any() else 0.0


if __name__ == "__main__":
    main()
