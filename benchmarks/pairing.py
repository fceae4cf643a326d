"""How many altered pictures get their true clean picture, or rightly none, when the names say nothing.

    python benchmarks/pairing.py [--recipe fitted.yaml] [--only 1000]

File names are replaced by random numbers and the order is shuffled; labels stay. So no name pair trains anything.
Truth is the name that a file had. Figures are over the altered files of the training folder (the held-out ones are
moved out).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from _real import training_folders
from sklearn.metrics import roc_auc_score

from unalter.alter import find_backgrounds, load_recipe
from unalter.data import Folders, Pictures, read_folders
from unalter.pairing import find_pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="altered-mnist", help="a preset or a YAML file, as 'unalter recipe' wrote it")
    parser.add_argument("--only", type=int, default=0, help="judge on so many altered files with, and as many without")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folders = read_folders(training_folders())
    rng = np.random.default_rng(arguments.seed)
    altered = folders.altered
    order = rng.permutation(len(altered))
    if arguments.only:
        known = np.isin(altered.index[order], folders.clean.index)
        order = np.sort(np.concatenate([order[known][: arguments.only], order[~known][: arguments.only]]))
        order = rng.permutation(order)
    origin = {int(index): row for row, index in enumerate(folders.clean.index)}
    truth = np.array([origin.get(int(altered.index[row]), -1) for row in order])
    names = 100_000 + rng.permutation(len(order))
    shuffled = replace(
        altered.rows(order), index=names, names=[f"aug_{i}_{y}.png" for i, y in zip(names, altered.labels[order])]
    )
    nameless = Folders(folders.clean, shuffled)
    backgrounds = find_backgrounds(altered.images)
    blend = backgrounds.members[order] >= 0
    print(f"{len(order):,} altered files, {(truth >= 0).sum():,} have their clean one here; seed {arguments.seed}")
    start = time.perf_counter()
    pairs = find_pairs(nameless, load_recipe(arguments.recipe), seed=arguments.seed)
    print(f"find_pairs: {time.perf_counter() - start:.0f} s, {torch.get_num_threads()} threads")
    report("all", pairs, truth, truth >= -1)
    report("blend", pairs, truth, blend)
    report("geometric", pairs, truth, ~blend)


def report(name: str, pairs, truth: np.ndarray, which: np.ndarray) -> None:
    has = truth[which] >= 0
    likeliest, score, accepted = pairs.likeliest[which], pairs.score[which], pairs.clean[which] >= 0
    right = (likeliest == truth[which]) & has
    print(
        f"{name:10} top-1 {right[has].mean():.4f}   AUC of 'has a partner' {roc_auc_score(has, score):.4f}   "
        f"accepted {accepted.sum():,}: precision {right[accepted].mean():.4f}, recall {(right & accepted)[has].mean():.4f}   "
        f"recall at 99% precision {recall_at(score, right, has, 0.99):.4f}"
    )


def recall_at(score: np.ndarray, right: np.ndarray, has: np.ndarray, precision: float) -> float:
    """The largest recall at which the precision is still reached, over all thresholds."""
    order = np.argsort(-score, kind="stable")
    correct = right[order].cumsum()
    good = correct / np.arange(1, len(order) + 1) >= precision
    return float(correct[good].max() / has.sum()) if good.any() else 0.0


if __name__ == "__main__":
    main()
