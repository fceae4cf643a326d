"""What a training step costs on a processor with AVX2 only, against one with AVX512 in float32 and in bf16.

    python benchmarks/step.py --rounds 5

Older processors are imitated by holding torch and oneDNN back to their instructions, in a process of its own. The ways
take turns; process time of one thread, so other work on the machine counts little. Milliseconds a step of 128 digits,
the making of the batch not counted: least, median and most over all rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

import torch
from torch import nn

from unalter.nn import Architecture, Autoencoder, negative_elbo, pose_error
from unalter.nn.muon import Muon
from unalter.training.average import averaged_model
from unalter.training.obedience import Obedience
from unalter.training.precision import autocast

_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
_WAYS = {"AVX512 float32": ("32-true", {}), "AVX512 bf16": ("bf16-mixed", {}), "AVX2 float32": ("32-true", _AVX2)}
_KINDS = {"ae": {}, "vae": {"variational": True}, "cvae": {"variational": True, "classes": 10, "obedient": True}}
_BATCH, _WARM, _STEPS = 128, 2, 4
_MOST = 3.0
"""A CVAE's step with AVX2 may take so many times as long as with AVX512 in float32."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "PRECISION"), help="measure one way in this process")
    arguments = parser.parse_args()
    if arguments.one:
        print(*measured(*arguments.one))
        return
    taken = {(kind, way): [] for kind in _KINDS for way in _WAYS}
    for _ in range(arguments.rounds):
        for (kind, way), times in taken.items():
            precision, limits = _WAYS[way]
            command = [sys.executable, __file__, "--one", kind, precision]
            environment = {**os.environ, **limits, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            times += map(float, done.stdout.split())
    print(f"{'':<6}{'':<16}{'least':>8}{'median':>8}{'most':>8}{'of AVX512 float32':>20}")
    for (kind, way), times in taken.items():
        middle = statistics.median(times)
        ratio = middle / statistics.median(taken[kind, "AVX512 float32"])
        print(f"{kind:<6}{way:<16}{min(times):8.0f}{middle:8.0f}{max(times):8.0f}{ratio:20.2f}")
    ratio = statistics.median(taken["cvae", "AVX2 float32"]) / statistics.median(taken["cvae", "AVX512 float32"])
    print(f"{'good' if ratio <= _MOST else 'BAD'}: a CVAE's step with AVX2 takes {ratio:.2f} times, {_MOST:g} at most")


def measured(kind: str, precision: str) -> list[float]:
    """Milliseconds of process time of each of a few steps, the first ones left out."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device("cpu")
    config = Architecture(28, 28, pose=True, **_KINDS[kind])
    model = Autoencoder(config).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    obedience = Obedience(config, 0, device) if config.classes else None
    average = averaged_model(model, 0.998)
    optimizers = (
        Muon([weight for weight in model.parameters() if weight.ndim > 1], lr=0.02, weight_decay=0.01),
        torch.optim.AdamW([weight for weight in model.parameters() if weight.ndim <= 1], lr=0.004, fused=True),
    )
    x, y = torch.rand(_BATCH, 1, 28, 28), torch.arange(_BATCH) % 10
    homography = torch.eye(3).repeat(_BATCH, 1, 1) + 0.1 * torch.randn(_BATCH, 3, 3)
    noise, taken = torch.Generator().manual_seed(0), []
    for _ in range(_WARM + _STEPS):
        start = time.process_time()
        told = obedience.told(y) if obedience is not None else None
        with autocast(device, precision):
            output = model(x, y, noise, told)
        assert output.pose is not None
        loss = negative_elbo(output, x, 0.3, 1500).with_pose(pose_error(output.pose, homography), 75)
        if obedience is not None and told is not None:
            loss = loss.with_obedience(obedience.error(output, told, autocast(device, precision)), 50)
        model.zero_grad()
        loss.total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 400)
        for optimizer in optimizers:
            optimizer.step()
        if obedience is not None:
            obedience.learn(output, x, y, 1.0, noise, autocast(device, precision))
        average.update_parameters(model)
        taken.append(1_000 * (time.process_time() - start))
    return taken[_WARM:]


if __name__ == "__main__":
    main()
