"""Maps that go on from one another: how good they are beside cold ones, and how far points move between epochs.

    python benchmarks/maps.py runs/demo/run runs/demo/data

For every model of a run and every mapped epoch after the first: the share by which the KL of the map drawn in the run
exceeds that of a map made anew of the codes of the saved model (other codes are gone with their weights), and how far
points moved from the map before, in standard deviations of it, beside how far apart two unrelated maps lie after
alignment.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import unalter
from unalter.data.dataset import read_altered
from unalter.maps.layout import map_codes, onto
from unalter.maps.store import load_maps
from unalter.runs.folder import RunFolder
from unalter.tsne import TSNE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    altered = read_altered(arguments.data / "aug")
    for folder in RunFolder(arguments.run).trained():
        stored = {epoch: load_maps(path) for epoch, path in folder.stored_maps().items()}
        epochs = list(stored)
        kind = next(iter(stored[epochs[-1]].maps))
        of = [stored[epoch].maps[kind] for epoch in epochs]
        for epoch, before, after in zip(epochs[1:], of, of[1:], strict=False):
            print(f"{folder.name} epoch {epoch}: {after.note}; moved {_moved(before.points, after.points):.2f}")
        rows, labels = stored[epochs[-1]].rows, stored[epochs[-1]].labels
        codes = unalter.load(folder.path).encode(np.array(altered.images[rows]), labels)
        began = time.perf_counter()
        cold = map_codes(codes, labels, arguments.seed)
        seconds = time.perf_counter() - began
        print(f"{folder.name} made anew: {cold.note}; {_moved(of[-2].points, cold.points):.2f} from the one before")
        print(f"{folder.name} made anew in {seconds:.1f} s, {len(rows):,} pictures")
        for exaggeration, spread in ((1.0, None), (2.0, None), (2.0, 1.0), (4.0, 1.0)):
            start = of[-2].points if spread is None else of[-2].points * (spread / of[-2].points.std())
            tsne = TSNE(3, init=start, early_exaggeration=exaggeration, max_iter=300, random_state=arguments.seed)
            points = tsne.fit_transform(codes)
            how = "at its own scale" if spread is None else f"drawn together to {spread:g}"
            more, moved = tsne.kl_divergence_ / cold.kl - 1, _moved(of[-2].points, points)
            print(f"  from the map before {how}, exaggeration {exaggeration:g}: KL {more:+.1%}, moved {moved:.2f}")


def _moved(before: np.ndarray, after: np.ndarray) -> float:
    """Root mean square distance of points [N, 3] from where they were, both of unit spread and aligned."""
    before, after = ((points - points.mean(0)) / points.std() for points in (before, after))
    return float(np.sqrt(np.square(after @ onto(after, before) - before).sum(1).mean()))


if __name__ == "__main__":
    main()
