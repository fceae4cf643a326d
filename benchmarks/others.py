"""Data that this was not made for: Fashion-MNIST turned and shrunk, colour pictures of another size, noise only.

    python benchmarks/others.py --minutes 1.5 --seed 0

Fashion-MNIST's IDX files come with Debian's package dataset-fashion-mnist. From each kind of picture a data set is
made: 3,000 clean pictures, 3,000 altered ones of which half have their clean one in the folder, all names random;
and 1,000 other pictures to score on. Then: the recipe fitted to the folders, pairs found by appearance, an AE trained.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from _real import WORK
from pairing import report

import unalter
from unalter.alter import (
    Blur,
    Branch,
    Contrast,
    GaussianNoise,
    KeyedDraws,
    Occlusion,
    Recipe,
    Rotate,
    Scale,
    Translate,
    fold_in,
    load_recipe,
)
from unalter.commands.evaluate import evaluate
from unalter.data.dataset import read_dataset
from unalter.data.idx import read_idx
from unalter.images.convert import to_uint8
from unalter.images.sheet import write_picture
from unalter.pairing.find import PRECISION
from unalter.pipeline.prepare import found_pairs, learned_recipe
from unalter.support.console import Console
from unalter.support.progress import no_progress

FASHION = Path("/usr/share/datasets/fashion-mnist")
_CLEAN, _ALTERED, _TEST = 3_000, 3_000, 1_000

RECIPES = {
    "fashion": Recipe("", [Branch(1, [
        Rotate(degrees=(-60, 60)), Scale(factor=(0.7, 1.0)), Contrast(gain=(0.5, 1.0), offset=(0, 0)),
        Blur(sigma=(0.3, 1.0)),
    ])]),
    "colour": Recipe("", [Branch(1, [
        Rotate(degrees=(-25, 25)), Translate(), Occlusion(area=(0.05, 0.15), level=(0.5, 0.5)),
        GaussianNoise(sigma=(0.05, 0.05)),
    ])]),
    "noise": load_recipe("noise"),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(RECIPES))
    arguments = parser.parse_args()
    if not FASHION.is_dir():
        print("skipped: Fashion-MNIST is not here (apt-get install dataset-fashion-mnist)")
        return
    for name in [arguments.only] if arguments.only else RECIPES:
        print(f"\n{name}", flush=True)
        folder, truth = _write(name, arguments.seed)
        dataset = read_dataset(folder / "data")
        start = time.perf_counter()
        recipe = learned_recipe(dataset, arguments.seed, Console(quiet=True))
        print(f"{recipe.summary()}\nfitted in {time.perf_counter() - start:.0f} s", flush=True)
        start = time.perf_counter()
        # kept in the cache, so that the training below does not search again
        pairs = found_pairs(dataset, recipe, True, PRECISION, arguments.seed, no_progress)
        print(f"paired in {time.perf_counter() - start:.0f} s")
        rows = {int(index): row for row, index in enumerate(dataset.clean.index)}
        report("pairs", pairs, np.array([rows.get(truth[int(index)], -1) for index in dataset.altered.index]))
        run = folder / "run"
        unalter.train(
            folder / "data", out=run, models=("ae",), epochs=100_000, map_every=0, max_minutes=arguments.minutes,
            seed=arguments.seed,
        )  # fmt: skip
        print(evaluate(run, folder / "test", folder / "test" / "truth.csv").table(), flush=True)


def _write(name: str, seed: int) -> tuple[Path, dict[int, int]]:
    """Write the data set; also which clean index each altered index was made from."""
    folder = WORK / "others" / name
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(seed)
    images = read_idx(FASHION / "train-images-idx3-ubyte.gz")
    labels = read_idx(FASHION / "train-labels-idx1-ubyte.gz")
    chosen = rng.permutation(len(images))[: _CLEAN + _ALTERED // 2 + _TEST]
    pictures, labels = images[chosen][:, None], labels[chosen]
    if name == "colour":
        pictures = _coloured(pictures, rng)
    x = torch.from_numpy(pictures).float() / 255
    made = RECIPES[name](x, KeyedDraws(fold_in(seed, torch.arange(len(x)))))
    altered = to_uint8(made.numpy())
    train, test = np.arange(_CLEAN), np.arange(len(x) - _TEST, len(x))
    for i in train:
        write_picture(folder / "data" / "clean" / f"clean_{i}_{labels[i]}.png", pictures[i])
    sources = rng.permutation(np.r_[rng.permutation(_CLEAN)[: _ALTERED // 2], _CLEAN + np.arange(_ALTERED // 2)])
    names = 100_000 + rng.permutation(_ALTERED)
    for index, i in zip(names, sources, strict=True):
        write_picture(folder / "data" / "aug" / f"aug_{index}_{labels[i]}.png", altered[i])
    for i in test:
        write_picture(folder / "test" / "clean" / f"clean_{i}_{labels[i]}.png", pictures[i])
        write_picture(folder / "test" / "aug" / f"aug_{i}_{labels[i]}.png", altered[i])
    with open(folder / "test" / "truth.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("altered", "clean"))
        writer.writerows((f"aug_{i}_{labels[i]}.png", f"clean_{i}_{labels[i]}.png") for i in test)
    return folder, dict(zip(names.tolist(), sources.tolist(), strict=True))


def _coloured(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey pictures uint8 [N, 1, 28, 28] in a colour of their own on a dark one, 40 x 36: uint8 [N, 3, 40, 36]."""
    x = torch.nn.functional.interpolate(torch.from_numpy(grey).float() / 255, (40, 36), mode="bilinear").numpy()
    subject, ground = rng.uniform(0.4, 1, (len(grey), 3, 1, 1)), rng.uniform(0, 0.25, (len(grey), 3, 1, 1))
    return to_uint8(ground + (subject - ground) * x)


if __name__ == "__main__":
    main()
