"""How many operations torch is told to do in a training step: on a GPU, where each is a launch, that is what a step of
small pictures costs.

    python benchmarks/dispatched.py
    python benchmarks/dispatched.py --models cvae --most 20

Counted by a `TorchDispatchMode`, on any machine, over the third step of a training on altered shipped digits, by the
part of the program that asked for them: on the CPU, or on the device that stands in for a GPU in the tests, where all
pictures go through all branches of a recipe. What only looks at memory in another way (a view) launches nothing; it is
counted too, and told apart. *Without backward* is what the table of results compares.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from types import FrameType

import torch
from _trainer import new_trainer, take_steps
from torch.utils._python_dispatch import TorchDispatchMode

from unalter.training.options import TrainOptions

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from stand_in import DEVICE, StandIn

_STEPS = 3
_PARTS = {
    "torch/autograd/graph.py": "backward",
    "torch/autograd/__init__.py": "backward",
    "training/pair_sampler.py": "batch",
    "training/obedience.py": "obedience",
    "nn/losses.py": "loss",
    "nn/autoencoder.py": "forward",
    "nn/muon.py": "Muon",
    "torch/optim/adamw.py": "AdamW",
    "training/average.py": "average",
    "torch/nn/utils/clip_grad.py": "clipping",
    "training/trainer.py": "the loop",
}
"""Files, the first of which on the way to an operation says what it is for."""


class Counts(TorchDispatchMode):
    """Counts what is dispatched, by the part that it is for."""

    def __init__(self) -> None:
        super().__init__()
        self.launched: Counter[str] = Counter()
        self.views: Counter[str] = Counter()
        self.names: Counter[tuple[str, str]] = Counter()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        part = _part(sys._getframe(1))
        (self.views if operation.is_view else self.launched)[part] += 1
        self.names[part, str(operation)] += 1
        return operation(*args, **(kwargs or {}))

    def clear(self) -> None:
        for counter in (self.launched, self.views, self.names):
            counter.clear()

    def launches(self, *left_out: str) -> int:
        """The operations that do something, but for those of some parts."""
        return sum(count for part, count in self.launched.items() if part not in left_out)

    def total(self, *left_out: str) -> int:
        """With those that only look at memory."""
        return self.launches(*left_out) + sum(count for part, count in self.views.items() if part not in left_out)


def _part(frame: FrameType | None) -> str:
    while frame is not None:
        name = frame.f_code.co_filename
        for end, part in _PARTS.items():
            if name.endswith(end):
                return part
        frame = frame.f_back
    return "else"


def counted(kind: str, options: TrainOptions, folder: Path, device: str = "cpu") -> Counts:
    """The operations of a step of a model of this kind."""
    trainer, counts = new_trainer(kind, options, _STEPS + 1, folder, torch.device(device)), Counts()
    with counts:
        take_steps(trainer, _STEPS, lambda done: counts.clear() if done < _STEPS else None)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="ae,vae,cvae")
    parser.add_argument("--precision", default="bf16-mixed", choices=("bf16-mixed", "32-true"))
    parser.add_argument("--device", default="stand-in", choices=("stand-in", "cpu"))
    parser.add_argument("--most", type=int, default=0, help="also list so many of the commonest operations")
    arguments = parser.parse_args()
    options = TrainOptions(precision=arguments.precision)
    parts = [*dict.fromkeys(_PARTS.values()), "else"]
    found, device = {}, arguments.device
    with tempfile.TemporaryDirectory() as folder, StandIn() if device == "stand-in" else nullcontext():
        for kind in arguments.models.split(","):
            found[kind] = counted(kind, options, Path(folder), DEVICE if device == "stand-in" else device)
    print(f"operations dispatched a step of {options.batch_size}, {options.precision}, {device} (of them views)")
    print(f"{'':<18}" + "".join(f"{kind:>16}" for kind in found))
    for part in parts:
        row = [(c.launched[part] + c.views[part], c.views[part]) for c in found.values()]
        if any(all_ for all_, _ in row):
            print(f"{part:<18}" + "".join(f"{all_:>8} ({views:>4}) " for all_, views in row))
    for what, left_out in (("without backward", ("backward",)), ("all", ())):
        row = [(c.total(*left_out), c.total(*left_out) - c.launches(*left_out)) for c in found.values()]
        print(f"{what:<18}" + "".join(f"{all_:>8} ({views:>4}) " for all_, views in row))
    for kind, counts in found.items():
        for (part, name), times in counts.names.most_common(arguments.most):
            print(f"{kind:<6}{part:<16}{times:>5}  {name}")


if __name__ == "__main__":
    main()
