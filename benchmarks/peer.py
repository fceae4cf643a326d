"""pythae (Chadebec et al. 2022) and unalter in turns: training speed and quality on the same pairs.

    python benchmarks/peer.py --minutes 3 --rounds 2

Both are given the same batches: the pairs and alterations that unalter found in the real folders, held-out files moved
out. pythae's AE and VAE have its own residual nets for MNIST, its losses, Adam at its default rate, and as many latent
numbers as ours. Each trains in a process of its own for so many minutes; then SSIM by scikit-image on the 2,000
held-out files. pythae and what it imports are installed by pip into a folder of their own, runs/benchmark/peer.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time

import numpy as np
import torch
from _real import WORK, held_out, training_folders
from skimage.metrics import structural_similarity

import unalter
from unalter.data.dataset import read_dataset
from unalter.evaluation.truth import read_truth
from unalter.images.convert import to_float
from unalter.models.files import find_model
from unalter.pipeline.resume import saved_experiment, saved_settings
from unalter.runs.folder import RunFolder
from unalter.support.console import Console

_PEER = WORK / "peer"
_PACKAGES = (("--no-deps", "pythae==0.1.2", "cloudpickle", "imageio"), ("pydantic>=2", "tqdm"))
_RATE = 1e-3
_KINDS = ("ae", "vae")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("PROGRAM", "KIND"), help="train and score one in this process")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    training_folders()
    if arguments.one:
        program, kind = arguments.one
        result = (ours if program == "unalter" else theirs)(kind, arguments.minutes * 60, arguments.seed)
        print(json.dumps(result))
        return
    _install()
    print(f"{'':<16}{'seed':>6}{'weights':>12}{'images/s':>12}{'SSIM':>8}{'blend':>8}{'geometric':>11}", flush=True)
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        for kind in _KINDS:
            for program in ("unalter", "pythae"):
                more = ["--minutes", str(arguments.minutes), "--seed", str(seed)]
                command = [sys.executable, __file__, "--one", program, kind, *more]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                r = json.loads(done.stdout.splitlines()[-1])
                row = f"{r['weights']:12,}{r['speed']:12,.0f}{r['all']:8.3f}{r['blend']:8.3f}{r['geometric']:11.3f}"
                print(f"{program + ' ' + kind:<16}{seed:6}{row}", flush=True)


def ours(kind: str, seconds: float, seed: int) -> dict[str, float]:
    """Train a model of unalter; its run stays for `theirs`, which takes its pairs."""
    out = WORK / f"peer-{kind}"
    shutil.rmtree(out, ignore_errors=True)
    limits = {"epochs": 100_000, "map_every": 0, "max_minutes": seconds / 60}
    run = unalter.train(training_folders(), out=out, models=kind, seed=seed, **limits)
    rows = np.genfromtxt(RunFolder(out).model(kind).metrics, delimiter=",", names=True)
    model = unalter.load(find_model(run.path, kind).path)
    weights = sum(weight.numel() for weight in model.network.parameters())
    altered, *_ = _truth()
    return _scores(model.denoise(altered), weights, float(np.median(np.atleast_1d(rows["images_per_second"]))))


def theirs(kind: str, seconds: float, seed: int) -> dict[str, float]:
    """Train pythae's model on the batches of the run of `ours`."""
    sys.path.append(str(_PEER))  # behind what is installed here: torch and numpy are the same
    from pythae.models import AE, VAE, AEConfig, VAEConfig  # pyright: ignore[reportMissingImports]
    from pythae.models.nn.benchmarks.mnist import (  # pyright: ignore[reportMissingImports]
        Decoder_ResNet_AE_MNIST,
        Encoder_ResNet_AE_MNIST,
        Encoder_ResNet_VAE_MNIST,
    )

    run = RunFolder(WORK / f"peer-{kind}")
    data, reading, options = saved_settings(run, None, {})
    sampler = saved_experiment(run, data, reading, options, Console()).sampler(torch.device("cpu"))
    torch.manual_seed(seed)
    shape = {"input_dim": (1, 28, 28), "latent_dim": options.latent}
    config = AEConfig(**shape) if kind == "ae" else VAEConfig(**shape, reconstruction_loss="bce")
    encoder = (Encoder_ResNet_AE_MNIST if kind == "ae" else Encoder_ResNet_VAE_MNIST)(config)
    model = (AE if kind == "ae" else VAE)(config, encoder, Decoder_ResNet_AE_MNIST(config)).train()
    adam = torch.optim.Adam(model.parameters(), lr=_RATE)
    start, epoch, pictures = time.monotonic(), 0, 0
    while time.monotonic() - start < seconds:
        for step, rows in enumerate(sampler.plan(epoch, options.batch_size)):
            batch = sampler.batch(rows, epoch, step)
            coded = model.encoder(batch.x_alt)
            z = coded.embedding
            if kind == "vae":
                z = z + torch.randn_like(z) * (0.5 * coded.log_covariance).exp()
            x_hat = model.decoder(z)["reconstruction"]
            if kind == "ae":
                loss = model.loss_function(x_hat, batch.x)
            else:
                loss, *_ = model.loss_function(x_hat, batch.x, coded.embedding, coded.log_covariance, z)
            adam.zero_grad()
            loss.backward()
            adam.step()
            pictures += len(batch.x)
            if time.monotonic() - start >= seconds:
                break
        epoch += 1
    speed = pictures / (time.monotonic() - start)
    model.eval()
    altered, *_ = _truth()
    with torch.no_grad():
        parts = [model.decoder(model.encoder(part).embedding)["reconstruction"] for part in altered.split(250)]
    return _scores(torch.cat(parts), sum(weight.numel() for weight in model.parameters()), speed)


def _install() -> None:
    if (_PEER / "pythae").is_dir():
        return
    for packages in _PACKAGES:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(_PEER), *packages]
        subprocess.run(pip, check=True)


def _truth() -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """The held-out pictures and their true ones, float [N, 1, H, W] each, and groups [N]."""
    dataset = read_dataset(held_out())
    rows, partner, groups = read_truth(held_out() / "truth.csv", dataset)
    return to_float(dataset.altered.images[rows]), to_float(dataset.clean.images[partner]), np.array(groups)


def _scores(x_hat: torch.Tensor, weights: int, speed: float) -> dict[str, float]:
    _, truth, groups = _truth()
    pairs = zip(x_hat[:, 0].numpy(), truth[:, 0].numpy(), strict=True)
    ssim = np.array([structural_similarity(one, other, data_range=1.0) for one, other in pairs])
    parts = {group: float(ssim[groups == group].mean()) for group in ("blend", "geometric")}
    return {"weights": weights, "speed": speed, "all": float(ssim.mean()), **parts}


if __name__ == "__main__":
    main()
