"""Can a small net tell real altered pictures from imitated ones? ROC-AUC of a fitted recipe, a crude one, the preset.

    python benchmarks/recipe.py --epochs 6 --seed 0

The recipe is fitted to the real folders (held-out files moved out) without their pairs. Each recipe then alters the
clean digits, and one fixed net learns to tell the results from real altered pictures, all as grey arrays. Digits are
split by index: whatever shows one of the digits it learned from is not among the pictures it is tested on. 0.5 means
that it cannot tell, 1 that it always can. A net that passes the crude recipe would be no judge.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from _real import training_folders
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.alter import Branch, GaussianNoise, KeyedDraws, Recipe, Rotate, find_backgrounds, fold_in, load_recipe
from unalter.data.dataset import read_dataset
from unalter.fitting.fit import fit_recipe

_BATCH = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6, help="of the judge")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset = read_dataset(training_folders())
    clean, altered = dataset.clean, dataset.altered
    began = time.process_time()
    fit = fit_recipe(
        np.array(clean.images), np.array(altered.images),
        clean_labels=clean.labels, altered_labels=altered.labels, seed=arguments.seed,
    )  # fmt: skip
    seconds = time.process_time() - began
    print(fit.recipe.to_yaml())
    print(f"fitted in {seconds:.0f} s of process time; distance {fit.before:.2f} -> {fit.after:.2f}", flush=True)
    preset = load_recipe("altered-mnist").fitted_to(find_backgrounds(altered.images))
    crude = Recipe("crude", [Branch(1, [Rotate(degrees=(-180, 180)), GaussianNoise(sigma=(0.1, 0.1))])])
    for name, recipe in (("fitted", fit.recipe), ("crude", crude), ("preset altered-mnist", preset)):
        began = time.process_time()
        x = torch.from_numpy(np.array(clean.images)).float() / 255
        imitated = recipe(x, KeyedDraws(fold_in(arguments.seed, 1_000, torch.from_numpy(clean.index))))
        real = torch.from_numpy(np.array(altered.images)).float() / 255
        auc = _judge((real, altered.index), (imitated, clean.index), arguments.epochs, arguments.seed)
        seconds = time.process_time() - began
        print(f"{name}: AUC {auc:.3f} (seed {arguments.seed}, {seconds:.0f} s of process time)", flush=True)


def _judge(real: tuple[Tensor, np.ndarray], imitated: tuple[Tensor, np.ndarray], epochs: int, seed: int) -> float:
    """The ROC-AUC of telling real from imitated pictures that show digits with other indices than the learned ones."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    # one in three indices for testing; of the real pictures as many as there are imitated ones
    sides: list[list[Tensor]] = [[], []]
    for pictures, index in (real, imitated):
        for side, rows in enumerate((np.flatnonzero(index % 3 != 0), np.flatnonzero(index % 3 == 0))):
            count = int((imitated[1] % 3 == 0).sum() if side else (imitated[1] % 3 != 0).sum())
            sides[side].append(pictures[torch.from_numpy(draw.permutation(rows)[:count])])
    (x, y), (x_test, y_test) = (
        (torch.cat(side), torch.cat([torch.ones(len(side[0])), torch.zeros(len(side[1]))])) for side in sides
    )
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.3), nn.LazyLinear(1),
    )  # fmt: skip
    net(x[:2])
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.01)
    steps = epochs * (len(x) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    net.train()
    for _ in range(epochs):
        order = torch.from_numpy(draw.permutation(len(x)))
        for rows in order[: len(order) // _BATCH * _BATCH].split(_BATCH):
            loss = F.binary_cross_entropy_with_logits(net(x[rows])[:, 0], y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        scores = torch.cat([net(part)[:, 0] for part in x_test.split(512)])
    return float(roc_auc_score(y_test.numpy(), scores.numpy()))


if __name__ == "__main__":
    main()
