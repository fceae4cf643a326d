"""Make docs/images/demo.png from what `make demo` left in runs/demo: test digits denoised, and generated digits."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import unalter
from unalter.data.dataset import read_dataset
from unalter.images.sheet import contact_sheet, write_picture

_COLUMNS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("runs/demo"))
    parser.add_argument("--out", type=Path, default=Path("docs/images/demo.png"))
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.demo / "test-data")
    chosen = np.arange(_COLUMNS) * (len(dataset.altered) // _COLUMNS)  # evenly spread, not picked
    altered = np.array(dataset.altered.images[chosen])
    partner = [dataset.clean.index.tolist().index(i) for i in dataset.altered.index[chosen]]
    denoised = unalter.load(arguments.demo / "run", "ae").denoise(altered)
    model = unalter.load(arguments.demo / "run", "cvae")
    generated = np.stack([model.generate(label, 4, seed=0)[:, None] for label in range(10)], axis=1)
    generated = generated.reshape(-1, *model.image_shape)
    blank = np.full_like(altered[:1], 96)  # the grey between pictures
    clean = dataset.clean.images[partner]
    rows = [altered, denoised, clean, blank, generated[:_COLUMNS], generated[_COLUMNS:]]
    write_picture(arguments.out, contact_sheet(rows))


if __name__ == "__main__":
    main()
