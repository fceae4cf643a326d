"""The run folder: the one place that knows its paths."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from unalter.support.errors import InputError

MODELS = ("ae", "vae", "cvae")
"""What a run can train, in this order."""


@dataclass(frozen=True)
class ModelFolder:
    """The files of one model of a run."""

    path: Path

    @property
    def name(self) -> str:
        """ae, vae or cvae."""
        return self.path.name

    @property
    def weights(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def is_trained(self) -> bool:
        """Whether weights are there; they say what they are."""
        return self.weights.is_file()

    def samples(self, epoch: int) -> Path:
        return self.path / "samples" / f"epoch_{epoch:03d}.png"

    def sample_arrays(self, epoch: int) -> Path:
        """The pictures of a sheet of samples: altered, output and clean."""
        return self.samples(epoch).with_suffix(".npz")

    def sampled_epochs(self) -> list[int]:
        """The epochs that have a sheet of samples, ascending."""
        return sorted(int(path.stem.removeprefix("epoch_")) for path in (self.path / "samples").glob("epoch_*.png"))

    def map_picture(self, epoch: int, sampled: bool = False) -> Path:
        kind = f"{self.name.upper()}_sampled" if sampled else self.name.upper()
        return self.path / "maps" / f"{kind}_epoch_{epoch}.png"

    def map_points(self, epoch: int) -> Path:
        return self.path / "maps" / f"epoch_{epoch:03d}.npz"

    def stored_maps(self) -> dict[int, Path]:
        """The epochs that have maps, ascending, and their files."""
        found = {int(path.stem.removeprefix("epoch_")): path for path in (self.path / "maps").glob("epoch_*.npz")}
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def pairs(self) -> Path:
        return self.path / "pairs.csv"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def backgrounds(self) -> Path:
        """The folder of the recipe's backgrounds."""
        return self.recipe.parent / "backgrounds"

    @property
    def map_page(self) -> Path:
        """All maps of all models, interactive."""
        return self.path / "maps.html"

    @property
    def report(self) -> Path:
        """All of the run on one page."""
        return self.path / "report.html"

    @property
    def board(self) -> Path:
        """What TensorBoard reads."""
        return self.path / "tensorboard"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        """Held by the training that is at work here; stays behind, empty, and means nothing then."""
        return self.path / ".lock"

    @property
    def unfinished_start(self) -> Path:
        """Lies here from when a training claims the folder until it has written its options, and can be resumed."""
        return self.path / ".starting"

    def is_free(self) -> bool:
        """Whether a training can begin here: nothing is here, or what one left that was killed before it began."""
        return self._was_killed_at_start or all(path == self.lock for path in self.path.iterdir())

    @property
    def _was_killed_at_start(self) -> bool:
        return self.unfinished_start.exists() and not self.config.exists()

    def clear_unfinished_start(self) -> None:
        """Remove what a training left that was killed before it began."""
        if self._was_killed_at_start:
            shutil.rmtree(self.backgrounds, ignore_errors=True)
            for path in (self.pairs, self.recipe):
                path.unlink(missing_ok=True)

    def leave(self) -> None:
        """Remove the folder of a training that has claimed it and does not begin."""
        for path in (self.unfinished_start, self.lock):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainings out of the folder.

        Raises:
            InputError: there is one at work in it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.lock, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise InputError(f"{self.path}: another training is at work in this folder; choose another --out") from None
        try:
            yield
        finally:
            lock.release()

    def model(self, name: str) -> ModelFolder:
        return ModelFolder(self.path / name)

    def trained(self) -> list[ModelFolder]:
        """The models that have weights on disk, in the order ae, vae, cvae."""
        return [folder for folder in map(self.model, MODELS) if folder.is_trained]


def new_run(runs: Path) -> RunFolder:
    """The next numbered run below `runs`: run-001, run-002, ..."""
    numbers = [int(path.name[4:]) for path in runs.glob("run-*") if path.name[4:].isdigit()]
    return RunFolder(runs / f"run-{max(numbers, default=0) + 1:03d}")


def latest_run(runs: Path) -> RunFolder:
    """The run below `runs` that was started last.

    Raises:
        InputError: there is none.
    """
    found = [path.parent for path in runs.glob("*/config.yaml")]
    if not found:
        raise InputError(f"{runs}: no run to resume here; name one with --out")
    return RunFolder(max(found, key=lambda path: (path / "config.yaml").stat().st_mtime))
