"""Where a training is, and what its epochs were like."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path

from unalter.support.files import write_text

TERMS = ("total", "reconstruction", "kl", "ssim", "pose", "obedience")
"""Of the loss (see `unalter.nn.losses.Loss`)."""


@dataclass
class TrainState:
    """Where a training is; all of it is saved."""

    epoch: int = 0
    """Epochs that are done."""
    step: int = 0
    """Steps of the present epoch that are done."""
    total_steps: int = 0
    """Steps since the start."""
    seconds: float = 0.0
    """Time spent training and validating, maps and pictures not counted."""
    epoch_seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TERMS, 0.0))
    """The loss terms of the present epoch, each summed over its pictures."""
    pictures: int = 0
    """Pictures of the present epoch that are done."""
    best_ssim: float = -math.inf
    best_epoch: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    """One row per epoch, as in metrics.csv."""

    @property
    def means(self) -> dict[str, float]:
        """The loss terms of the present epoch, means over its pictures so far."""
        return {name: total / max(1, self.pictures) for name, total in self.sums.items()}

    def end_epoch(self, scores: dict[str, float], learning_rate: float) -> None:
        """Add the present epoch, with its scores on validation pictures, to the history, and begin the next one."""
        self.epoch += 1
        means = self.means
        self.history.append(
            {
                "epoch": self.epoch,
                "loss": means.pop("total"),
                **means,
                **scores,
                "images_per_second": self.pictures / max(self.epoch_seconds, 1e-9),
                "learning_rate": learning_rate,
                "seconds": self.seconds,
            }
        )
        self.step, self.pictures, self.epoch_seconds = 0, 0, 0.0
        self.sums = dict.fromkeys(TERMS, 0.0)

    def write_metrics(self, path: Path) -> None:
        """Write metrics.csv, or remove it where no epoch is done."""
        if not self.history:
            path.unlink(missing_ok=True)
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.history[0]), lineterminator="\n")
        writer.writeheader()
        for row in self.history:
            writer.writerow({key: value if key == "epoch" else f"{value:.6g}" for key, value in row.items()})
        write_text(path, text.getvalue())
