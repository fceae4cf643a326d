"""The options of a training: frozen dataclasses that command line, YAML and help are made of."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import yaml

from unalter.runs.folder import MODELS
from unalter.support.arguments import LARGEST_SEED
from unalter.support.device import DEVICES, is_device
from unalter.support.options import Options

_CUDA_BATCH = 256
"""Pictures a step on CUDA, where a step of 128 takes about as long. (256: more steps count for more.)"""
_LEAST_STEPS = 50
"""An epoch keeps so many steps at the least: fewer learn too little."""

OLD_NAMES = {"kernel_rate": "muon_lr", "untouched": "identity_fraction", "won_back": "unblend"}
_OLD_WORDS = {("pairing", "looks"): "appearance"}
"""Spellings of before: they go on working."""


@dataclass(frozen=True)
class TrainOptions(Options):
    """How to train; every field is an option of `unalter train` and a key of its YAML file."""

    models: tuple[str, ...] = MODELS
    """Models to train, in this order: any of ae, vae, cvae."""
    epochs: int = 50
    """Epochs; one is as many altered pictures as the folder has. (50: what the task asks for.)"""
    map_every: int = 10
    """Draw a 3D t-SNE map every so many epochs and at the end; 0: never."""
    map_points: int = 0
    """Map a fixed random subset of so many altered pictures; 0: all of them, as the task asks."""
    max_minutes: float = 0.0
    """End the training of each model within so many minutes, schedule included; 0: no limit."""
    seed: int = 0
    """Seed of everything random."""
    device: str = "auto"
    """auto, cpu or cuda. (auto: CUDA where there is one.)"""
    precision: str = "auto"
    """auto, 32-true or bf16-mixed. (auto: bf16 where the device computes in it natively.)"""
    batch_size: int = 128
    """Pictures a step. (128: .006 more SSIM in the same time than 256. On CUDA, where neither this nor a learning rate
    is given, 256 for 12,800 pictures or more, with learning rates 1.4 times as high.)"""
    latent: int = 64
    """Numbers in a code."""
    beta: float = 0.3
    """Weight of the KL term; 1 is the evidence lower bound. (0.3: more SSIM; generation draws from fitted codes.)"""
    ssim_weight: float = 1500.0
    """Weight of 1 - SSIM beside the pixel-summed cross-entropy, in nats for 784 pixels. (1500: .005 over 400.)"""
    pose_weight: float = 75.0
    """Weight of the pose's error, where alterations move things; as ssim_weight. (75: a twentieth of it.)"""
    obedience_weight: float = 50.0
    """Weight of the cross-entropy of the label told, in a CVAE's pictures of other codes; as ssim_weight."""
    muon_lr: float = 0.02
    """Peak of Muon's learning rate, for kernels and matrices; a short linear rise, then a cosine down to 0."""
    learning_rate: float = 0.004
    """Peak of AdamW's learning rate, for all other weights."""
    weight_decay: float = 0.01
    """Decoupled weight decay of kernels and matrices."""
    pairing: str = "auto"
    """trust (names as they are), names (verified), appearance (search too), auto. (auto: appearance
    where names do not help, at 20,000 pictures at most.)"""
    recipe: str = "auto"
    """auto (fitted to the folders), a preset or YAML file to make pairs with; none: true pairs only, or, with clean
    pictures alone, each its own target."""
    true_pairs: float = 0.05
    """Share of a batch taken from the true pairs, the others are made. (0.05: higher SSIM than 0.2.)"""
    unblend: bool = True
    """Also alter what blended pictures show when their background is taken off."""
    identity_fraction: float = 0.03
    """Share of the made pairs that are left unaltered, so that clean pictures have codes too."""
    validation: float = 0.05
    """Share of the clean pictures kept for validation."""
    checkpoint_seconds: float = 60.0
    """Save the training state at least so often, in seconds; also before maps, and after ten at the end of an epoch."""
    tensorboard: bool = False
    """Also write curves for TensorBoard, below RUN/tensorboard."""

    def for_device(self, device: str, pictures: int, given: Container[str]) -> TrainOptions:
        """The options for a device and so many pictures an epoch: on CUDA larger batches, where an epoch has enough.

        Learning rates then grow by the root of the factor, as the noise of gradients falls by it (Malladi et al. 2022).

        Args:
            given: names of what stays as it is.
        """
        if device != "cuda" or "batch_size" in given or pictures < _LEAST_STEPS * _CUDA_BATCH:
            return self
        factor = math.sqrt(_CUDA_BATCH / self.batch_size)
        rates = {name: factor * getattr(self, name) for name in ("learning_rate", "muon_lr") if name not in given}
        return replace(self, batch_size=_CUDA_BATCH, **rates)

    def to_yaml(self) -> str:
        """The options as YAML; `read_options` and `from_values` read it back."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return yaml.safe_dump(values, sort_keys=False, default_flow_style=None)

    @classmethod
    def _checked(cls, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        return super()._checked(renewed(values)[0], where)

    @classmethod
    def _out_of_range(cls, values: dict[str, Any]) -> list[str]:
        problems, models = [], values["models"]
        if not models or set(models) - set(MODELS) or len(set(models)) < len(models):
            problems.append(f"models is {','.join(models)!r}; it must be some of {', '.join(MODELS)}, each once")
        at_least = {
            "epochs": 1, "map_every": 0, "map_points": 0, "max_minutes": 0, "seed": 0, "batch_size": 2, "latent": 1,
            "beta": 0, "ssim_weight": 0, "pose_weight": 0, "obedience_weight": 0, "weight_decay": 0,
            "checkpoint_seconds": 0,
        }  # fmt: skip
        for name, low in at_least.items():
            if not values[name] >= low:
                problems.append(f"{name} is {values[name]}; it must be at least {low}")
        if values["seed"] > LARGEST_SEED:
            problems.append(f"seed is {values['seed']}; it must be at most {LARGEST_SEED}")
        for name in ("learning_rate", "muon_lr"):
            if not 0 < values[name] < 1:
                problems.append(f"{name} is {values[name]}; it must be between 0 and 1")
        for name in ("true_pairs", "identity_fraction"):
            if not 0 <= values[name] <= 1:
                problems.append(f"{name} is {values[name]}; it must be between 0 and 1")
        if not 0 < values["validation"] <= 0.5:
            problems.append(f"validation is {values['validation']}; it must be above 0 and at most 0.5")
        if not is_device(values["device"]):
            allowed = f"{', '.join(DEVICES)}, or cuda:0 and so on"
            problems.append(f"device is {values['device']!r}; it must be one of {allowed}")
        for name, allowed in (
            ("precision", ("auto", "32-true", "bf16-mixed")),
            ("pairing", ("auto", "trust", "names", "appearance")),
        ):
            if values[name] not in allowed:
                problems.append(f"{name} is {values[name]!r}; it must be one of {', '.join(allowed)}")
        return problems


def renewed(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Options by name with the spellings of before replaced by those of now, and what a person is told of it."""
    current, notices = {}, []
    for key, value in values.items():
        name = OLD_NAMES.get(str(key).replace("-", "_"), key)
        word = _OLD_WORDS.get((name, value), value) if isinstance(value, str) else value
        for old, new, of in ((str(key), str(name), ""), (str(value), str(word), f"{name} ")):
            if old != new:
                notices.append(f"notice: {of}{old.replace('_', '-')} is now called {new.replace('_', '-')}")
        current[name] = word
    return current, notices
