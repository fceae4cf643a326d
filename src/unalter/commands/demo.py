"""The main job on the digits that come with the package."""

from __future__ import annotations

import time
from pathlib import Path

from unalter.commands.alter import alter
from unalter.commands.evaluate import evaluate
from unalter.commands.generate import generate
from unalter.commands.train import train
from unalter.data.digits import Part, write_digit_folder
from unalter.support.console import Console
from unalter.support.errors import InputError

_ALTERED = 1_500
_SCORED = 500
_EPOCHS = 30
_BATCH = 64
"""Small, for the sake of more steps in so few epochs."""


def run_demo(out: Path, seed: int, console: Console) -> None:
    """Alter shipped digits, train the three models on them, map, score on other digits, and generate.

    Args:
        out: must not exist; gets the data sets (`data`, `test-data`), the run (`run`) and `generated.png`.
        seed: of everything random.

    Raises:
        InputError: `out` is in the way.
    """
    if out.exists():
        raise InputError(f"{out} exists; remove it, or choose another --out")
    start = time.monotonic()
    parts: tuple[tuple[Part, str, int], ...] = (("train", "data", _ALTERED), ("test", "test-data", _SCORED))
    for part, folder, count in parts:
        digits = write_digit_folder(out / "digits", part)
        alter(digits, out / folder, seed=seed, count=count, move=True)
    console.say(
        f"{_ALTERED:,} altered digits to learn from: {out / 'data'}; {_SCORED} others to score: {out / 'test-data'}"
    )
    run = train(out / "data", out=out / "run", verbose=True, epochs=_EPOCHS, map_every=10, batch_size=_BATCH, seed=seed)
    console.say(evaluate(run.path, out / "test-data", out / "test-data" / "truth.csv").table())
    generate(run, "all", out=out / "generated.png", seed=seed, verbose=True)
    console.say(f"{time.monotonic() - start:.0f} s in all. Look at:")
    for path in (
        "run/report.html",
        "run/ae/samples",
        "run/maps.html",
        "run/cvae/maps",
        "run/evaluation",
        "generated.png",
    ):
        console.say(f"  {out / path}")
