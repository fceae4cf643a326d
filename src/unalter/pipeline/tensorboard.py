"""Curves for TensorBoard, beside metrics.csv: the extra `unalter[tensorboard]`."""

from __future__ import annotations

from unalter.runs.folder import RunFolder
from unalter.support.extras import need
from unalter.training.state import TrainState


def check_tensorboard() -> None:
    """Refuse to begin where TensorBoard is not installed.

    Raises:
        InputError: says how to install it.
    """
    need("tensorboard", extra="tensorboard")


class BoardWriter:
    """Writes a point of every curve after each epoch, a folder for each model."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run

    def __call__(self, model: str, now: TrainState) -> None:
        """Write the last epoch of a model."""
        from torch.utils.tensorboard.writer import SummaryWriter

        row = now.history[-1]
        epoch = int(row["epoch"])
        # points that a killed run wrote after its last checkpoint come again: what was there from here on is void
        with SummaryWriter(str(self._run.board / model), purge_step=epoch) as writer:
            for name, value in row.items():
                if name != "epoch":
                    group, _, rest = name.partition("validation_")
                    writer.add_scalar(f"validation/{rest}" if rest else f"training/{group}", value, epoch)
