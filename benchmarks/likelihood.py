"""Test likelihood of a plain VAE on binarised MNIST, in nats, beside what pythae publishes.

    python benchmarks/likelihood.py --minutes 25

Pixels are drawn as 0 or 1 with their grey value as the probability (Salakhutdinov and Murray 2008), anew for every
picture of an epoch as in Burda et al. (2016): here `--draws` times before the training, which is the same once there
are more draws than epochs. The VAE is `unalter train --clean FILE --recipe none --models vae --beta 1 --ssim-weight 0`.
-log p(x) by importance sampling, on MNIST's test digits, binarised once. Nothing of it goes into a shipped model.
"""

from __future__ import annotations

import argparse
import shutil
import time

import numpy as np
import torch
from _real import WORK, mnist

import unalter
from unalter.evaluation.likelihood import log_likelihood
from unalter.images.convert import to_float

_PUBLISHED = {"VAE": 89.78, "IWAE": 86.82, "PIWAE": 84.58}
"""pythae's table (Chadebec et al. 2022)."""
_AT_ONCE = 100
"""Test digits that are scored at a time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5, help="of training")
    parser.add_argument("--draws", type=int, default=1, help="of every training digit, an epoch's worth")
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--digits", type=int, default=500, help="of the 10,000 to test on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="score the model trained last")
    arguments = parser.parse_args()
    out = WORK / "likelihood"
    rng = np.random.default_rng(arguments.seed)
    if not arguments.keep:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        digits, _ = mnist("train")
        np.savez(out / "train.npz", images=np.concatenate([binarised(rng, digits) for _ in range(arguments.draws)]))
        limits = {"epochs": 10_000, "map_every": 0, "max_minutes": arguments.minutes, "validation": 0.01}
        likelihood = {"recipe": "none", "models": "vae", "beta": 1.0, "ssim_weight": 0.0}
        unalter.train(clean=str(out / "train.npz"), out=out / "run", seed=arguments.seed, **limits, **likelihood)
    network = unalter.load(out / "run", "vae").network
    digits, _ = mnist("t10k")
    x = to_float(torch.from_numpy(binarised(np.random.default_rng(1), digits)))[: arguments.digits, None]
    start = time.monotonic()
    parts = [log_likelihood(network, part, samples=arguments.samples) for part in x.split(_AT_ONCE)]
    nats = -torch.cat(parts).numpy()
    error = nats.std() / len(nats) ** 0.5
    print(f"-log p(x), {arguments.samples} samples, {len(nats)} test digits: {nats.mean():.2f} nats (± {error:.2f})")
    print(f"{time.monotonic() - start:.0f} s; published: {_PUBLISHED}")


def binarised(rng: np.random.Generator, digits: np.ndarray) -> np.ndarray:
    """uint8 [N, 28, 28] -> 0 or 255 each."""
    return np.where(rng.random(digits.shape, np.float32) * 255 < digits, 255, 0).astype(np.uint8)


if __name__ == "__main__":
    main()
