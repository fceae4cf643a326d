"""A matching network: altered pictures and their clean ones come to lie at the same place of a sphere."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unalter.alter import KeyedDraws, Recipe, fold_in
from unalter.images.convert import to_float
from unalter.nn import Architecture, Pose, pose_error, seeded
from unalter.nn.encoder import Encoder
from unalter.nn.muon import Muon
from unalter.pairing.options import DEFAULTS, PairingOptions
from unalter.support.device import native_bf16

_DIMENSIONS = 64
_EMBEDDED = 512
"""Pictures at a time; bounds the memory."""
_GROUPS = 4
"""Labels in a batch: negatives are of the same label, since only those have to be told apart."""
_WIDTHS = (16, 32)
"""Half as wide as a model, and trained for longer: in the same time it finds more."""
_KERNEL_RATE, _OTHER_RATE = 0.03, 0.003
_FIRST_SCALE = 1 / 0.07
_POSE_WEIGHT = 0.5
_CPU = torch.device("cpu")


class Matcher(nn.Module):
    """Two encoders, one for altered pictures and one for clean ones; what belongs together points the same way.

    Trained on pairs made by a recipe, by InfoNCE (van den Oord et al. 2018) both ways (Radford et al. 2021). The
    encoder of altered pictures finds their pose first.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = shape
        plain = Architecture(height, width, channels, widths=_WIDTHS)
        self.altered = Encoder(replace(plain, pose=True), _DIMENSIONS)
        self.clean = Encoder(plain, _DIMENSIONS)
        self.scale = nn.Parameter(torch.tensor(math.log(_FIRST_SCALE)))

    @torch.no_grad()
    def embed_altered(self, images: np.ndarray) -> Tensor:
        """Unit vectors float32 [N, 64] of altered pictures, uint8 [N, C, H, W]."""
        return _embed(self.altered, images)

    @torch.no_grad()
    def embed_clean(self, images: np.ndarray) -> Tensor:
        """Unit vectors float32 [N, 64] of clean pictures, uint8 [N, C, H, W]."""
        return _embed(self.clean, images)


def train_matcher(
    clean: np.ndarray, labels: np.ndarray, recipe: Recipe, seed: int, on_progress: Callable[[float], object],
    options: PairingOptions = DEFAULTS,
) -> Matcher:  # fmt: skip
    """Train a matcher on pairs made from clean pictures, and on nothing else.

    Args:
        clean: uint8 [N, C, H, W].
        labels: int64 [N].
        recipe: how altered pictures come about.
        on_progress: called with the share that is done, 0..1.
    """
    channels, height, width = clean.shape[1:]
    with seeded(seed):
        matcher = Matcher((channels, height, width)).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    kernels = [weight for weight in matcher.parameters() if weight.ndim > 1]
    others = [weight for weight in matcher.parameters() if weight.ndim <= 1]
    muon = Muon(kernels, lr=_KERNEL_RATE, weight_decay=0.01)
    adam = torch.optim.AdamW(others, _OTHER_RATE, betas=(0.9, 0.99), weight_decay=0)
    pictures = torch.from_numpy(np.array(clean))
    rng = np.random.default_rng([seed, 2])
    by_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    weight = np.array([len(rows) for rows in by_label]) / len(clean)
    batch = options.matcher_batch
    steps = options.matcher_rounds * len(clean) / batch
    steps = int(np.clip(steps, options.least_matcher_steps, options.most_matcher_steps))
    for step in range(steps):
        rate = min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))
        muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = rate * _KERNEL_RATE, rate * _OTHER_RATE
        chosen = rng.choice(len(by_label), min(_GROUPS, len(by_label)), replace=False, p=weight)
        parts = [rng.permutation(by_label[i])[: batch // len(chosen)] for i in chosen]
        rows = np.concatenate(parts)
        x = to_float(pictures[torch.from_numpy(rows)])
        x_alt, homography = recipe.apply_with_homography(x, KeyedDraws(fold_in(seed, step, torch.arange(len(x)))))
        with torch.autocast("cpu", torch.bfloat16, enabled=native_bf16(_CPU)):
            toward, pose = _directions(matcher.altered, x_alt)
            place, _ = _directions(matcher.clean, x)
        scale = matcher.scale.exp().clamp(max=100)
        sizes = [len(part) for part in parts]
        loss = torch.stack(
            [_info_nce(scale * a @ b.T) for a, b in zip(toward.split(sizes), place.split(sizes), strict=True)]
        ).mean()
        assert pose is not None
        loss = loss + _POSE_WEIGHT * pose_error(pose, homography)
        muon.zero_grad()
        adam.zero_grad()
        loss.backward()
        muon.step()
        adam.step()
        on_progress((step + 1) / steps)
    return matcher.eval()


def _info_nce(logits: Tensor) -> Tensor:
    """Cross-entropy of finding row i's partner i among the columns, and the other way round; [n, n] to a scalar."""
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def _directions(encoder: Encoder, x: Tensor) -> tuple[Tensor, Pose | None]:
    coded, pose = encoder(x)
    return F.normalize(coded.float(), dim=1), pose


def _embed(encoder: Encoder, images: np.ndarray) -> Tensor:
    parts = []
    with torch.autocast("cpu", torch.bfloat16, enabled=native_bf16(_CPU)):
        for first in range(0, len(images), _EMBEDDED):
            x = to_float(images[first : first + _EMBEDDED])
            parts.append(_directions(encoder, x)[0])
    return torch.cat(parts) if parts else torch.empty(0, _DIMENSIONS)
