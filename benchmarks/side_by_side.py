"""Models trained side by side, each on its share of the threads, against one after another on all of them.

    python benchmarks/side_by_side.py --batch 64 --rounds 3

Steps of an AE and a VAE for digits; milliseconds a step, both ways in turns, and their ratio.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn

from unalter.nn import Architecture, negative_elbo, new_model, pose_error
from unalter.support.device import choose_device
from unalter.support.parallel import threads_of
from unalter.training.average import averaged_model
from unalter.training.optimizers import make_optimizers
from unalter.training.options import TrainOptions
from unalter.training.precision import autocast, choose_precision

_WARM = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    threads = torch.get_num_threads()
    models = [stepping(kind, arguments.batch) for kind in ("ae", "vae")]
    for run in models:
        run(_WARM)
    print(f"{'in turns':>12}{'side by side':>14}{'ratio':>8}   ms a step, batch {arguments.batch}, {threads} threads")
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        for run in models:
            run(arguments.steps)
        alone = time.perf_counter() - start
        with threads_of(max(1, threads // len(models)), len(models)) as pool:
            list(pool.map(lambda run: run(_WARM), models))  # threads of their own have to be started first
            start = time.perf_counter()
            list(pool.map(lambda run: run(arguments.steps), models))
            beside = time.perf_counter() - start
        torch.set_num_threads(threads)
        each = 1_000 / (arguments.steps * len(models))
        print(f"{alone * each:12.1f}{beside * each:14.1f}{beside / alone:8.2f}")


def stepping(kind: str, batch: int) -> Callable[[int], None]:
    """A function that takes so many training steps of a model."""
    options, device = TrainOptions(), torch.device("cpu")
    precision = choose_precision("auto", choose_device("cpu"))
    config = Architecture(28, 28, variational=kind == "vae", pose=True)
    model = new_model(config, 0).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average, optimizers = averaged_model(model, 0.998), make_optimizers(model, options)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, 1, 28, 28, generator=generator)
    homography = torch.eye(3).repeat(batch, 1, 1) + 0.1 * torch.randn(batch, 3, 3, generator=generator)

    def run(steps: int) -> None:
        for _ in range(steps):
            with autocast(device, precision):
                output = model(x, None, generator)
            assert output.pose is not None
            error = pose_error(output.pose, homography)
            loss = negative_elbo(output, x, options.beta, options.ssim_weight).with_pose(error, options.pose_weight)
            model.zero_grad(set_to_none=True)
            loss.total.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 400)
            for optimizer in optimizers:
                optimizer.step()
            average.update_parameters(model)

    return run


if __name__ == "__main__":
    main()
