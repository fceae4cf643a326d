"""Training speed against a fixed baseline, in turns: the loader's gain and the precision's gain apart.

    python benchmarks/throughput.py --steps 40 --rounds 5

Three programs take turns, each the same net, loss, optimiser and batch:
  files    a torch DataLoader with 2 workers that reads both PNG files of every item; float32, default memory format
  memory   unalter's pictures in memory, pairs made by the recipe; float32, default memory format
  unalter  the same with bf16 autocast, channels_last
On the real folders where they are here, else on altered shipped digits.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from _real import SHARED, training_folders
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from unalter.alter import find_backgrounds, load_recipe
from unalter.commands.alter import alter
from unalter.data.dataset import read_dataset
from unalter.data.digits import write_digit_folder
from unalter.nn import Architecture, Autoencoder, negative_elbo
from unalter.pairing.names import pair_by_name
from unalter.training.options import TrainOptions
from unalter.training.pair_sampler import PairSampler

Pair = tuple[torch.Tensor, torch.Tensor]


class PngPairs(Dataset[Pair]):
    """An altered and a clean picture, both read when they are asked for."""

    def __init__(self, data: Path) -> None:
        self._altered = sorted((data / "aug").iterdir())
        self._clean = sorted((data / "clean").iterdir())

    def __len__(self) -> int:
        return len(self._altered)

    def __getitem__(self, item: int) -> Pair:
        return _read(self._altered[item]), _read(self._clean[item % len(self._clean)])


def _read(path: Path) -> torch.Tensor:
    with Image.open(path) as picture:
        return torch.from_numpy(np.asarray(picture.convert("L"), dtype=np.float32)[None] / 255)


class Program:
    """One way to train: where batches come from, and how they are computed with."""

    def __init__(self, batches: Iterator[Pair], bf16: bool, options: TrainOptions, shape: Architecture) -> None:
        torch.manual_seed(0)
        model = Autoencoder(shape)
        self._channels_last = bf16
        if not self._channels_last:  # the network asks for channels_last inside; the baseline does without
            _default_format(model)
        self._model = model.to(memory_format=torch.channels_last) if bf16 else model  # pyright: ignore[reportCallIssue]
        self._batches, self._bf16, self._options = batches, bf16, options
        self._optimizer = torch.optim.AdamW(self._model.parameters(), options.learning_rate, fused=True)

    def images_per_second(self, steps: int) -> float:
        start, count = time.perf_counter(), 0
        for _ in range(steps):
            x_alt, x = next(self._batches)
            with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
                output = self._model(x_alt)
            loss = negative_elbo(output, x, 1.0, self._options.ssim_weight).total
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            count += len(x)
        return count / (time.perf_counter() - start)


def _default_format(model: Autoencoder) -> None:
    model.encoder.stem.register_forward_pre_hook(lambda _, arguments: (arguments[0].contiguous(), *arguments[1:]))
    model.decoder.stages[0].register_forward_pre_hook(lambda _, arguments: (arguments[0].contiguous(), *arguments[1:]))


def from_files(data: Path, batch: int) -> Iterator[Pair]:
    while True:
        yield from DataLoader(PngPairs(data), batch, shuffle=True, num_workers=2, drop_last=True)


def from_memory(data: Path, options: TrainOptions) -> Iterator[Pair]:
    dataset = read_dataset(data)
    recipe = load_recipe("altered-mnist").fitted_to(find_backgrounds(dataset.altered.images))
    source = PairSampler(
        dataset, pair_by_name(dataset), recipe, true_pairs=options.true_pairs, unblend=options.unblend,
        identity_fraction=options.identity_fraction, validation=options.validation, seed=0, device=torch.device("cpu"),
    )  # fmt: skip
    epoch = 0
    while True:
        for step, plan in enumerate(source.plan(epoch, options.batch_size)):
            batch = source.batch(plan, epoch, step)
            yield batch.x_alt, batch.x
        epoch += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=TrainOptions().batch_size)
    parser.add_argument("--widths", default="32,64", help="channels at half and quarter resolution")
    arguments = parser.parse_args()
    options = TrainOptions(batch_size=arguments.batch)
    fine, coarse = map(int, arguments.widths.split(","))
    shape = Architecture(28, 28, latent=options.latent, widths=(fine, coarse), pose=True)
    with tempfile.TemporaryDirectory() as folder:
        if (SHARED / "altered-mnist.tar.gz").is_file():
            data = training_folders()
        else:
            digits = write_digit_folder(Path(folder) / "digits", "train")
            data = Path(folder) / "data"
            alter(digits, data, "altered-mnist")
        programs = {
            "files": Program(from_files(data, options.batch_size), False, options, shape),
            "memory": Program(from_memory(data, options), False, options, shape),
            "unalter": Program(from_memory(data, options), True, options, shape),
        }
        for program in programs.values():
            program.images_per_second(10)
        speeds: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(arguments.rounds):
            for name, program in programs.items():
                speeds[name].append(program.images_per_second(arguments.steps))
    print(f"batch {options.batch_size}, {torch.get_num_threads()} threads; median images/s, {arguments.rounds} rounds")
    for name, values in speeds.items():
        print(f"{name:<8} {statistics.median(values):>6.0f}  ({min(values):.0f} to {max(values):.0f})")
    for over, under, what in (
        ("memory", "files", "loader gain"), ("unalter", "memory", "precision gain"), ("unalter", "files", "together"),
    ):  # fmt: skip
        ratios = [a / b for a, b in zip(speeds[over], speeds[under], strict=True)]
        print(f"{what:<15} {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
