"""The scores of models, of the altered pictures themselves, and of two classical filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from unalter.images.metrics import psnr, ssim

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scores:
    """The scores of one method, one value a picture."""

    method: str
    ssim: np.ndarray
    """float32 [N]"""
    psnr: np.ndarray
    """float32 [N], decibel"""

    def extremes(self, count: int) -> dict[str, np.ndarray]:
        """The rows of the best, typical and worst pictures by SSIM, at most `count` each."""
        order = np.argsort(-self.ssim, kind="stable")
        count = min(count, len(order))
        middle = (len(order) - count) // 2
        return {"best": order[:count], "typical": order[middle : middle + count], "worst": order[::-1][:count]}


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found."""

    scores: list[Scores]
    """Models first, then `input`, `median` (3 x 3) and `nl-means` (non-local means)."""
    names: list[str]
    labels: np.ndarray
    groups: list[str]
    """The group of every picture, from the truth's column `group`; empty text where there is none."""
    label_names: tuple[str, ...] = ()
    """Of the classes, by label; empty where pictures have no labels."""
    note: str = ""
    """What the altered pictures are, where none were given."""

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame of what scores.csv has: a row for each picture and method."""
        import pandas

        classes = [self.label_names[label] if self.label_names else None for label in self.labels]
        of_pictures = {"altered": self.names, "label": classes, "group": self.groups}
        return pandas.concat(
            [
                pandas.DataFrame({**of_pictures, "method": one.method, "ssim": one.ssim, "psnr": one.psnr})
                for one in self.scores
            ],
            ignore_index=True,
        )

    def __repr__(self) -> str:
        means = ", ".join(f"{one.method} SSIM {one.ssim.mean():.3f}" for one in self.scores)
        return f"<{len(self.names):,} pictures scored: {means}>"

    def parts(self) -> list[tuple[str, np.ndarray]]:
        """What is scored by itself, and bool [N]: all, each group where there are groups, each label."""
        parts = [("all", np.ones(len(self.names), bool))]
        groups = np.array(self.groups)
        if len(set(self.groups)) > 1:
            parts += [(group or "(none)", groups == group) for group in sorted(set(self.groups))]
        if self.label_names:
            names = [(self.label_names[label], label) for label in np.unique(self.labels)]
            parts += [(f"label {name}" if name.isdigit() else name, self.labels == label) for name, label in names]
        return parts

    def table(self) -> str:
        """Mean SSIM and PSNR of each method, of each of the parts."""
        parts = self.parts()
        lines = [self.note, ""] if self.note else []
        for metric, digits in (("SSIM", 3), ("PSNR", 1)):
            columns = [one.method for one in self.scores]
            widths = [max(8, len(name)) for name in columns]
            head = "  ".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
            lines.append(f"{metric:<12}{'n':>6}  {head}")
            for name, rows in parts:
                values = [getattr(one, metric.lower())[rows].mean() for one in self.scores]
                row = "  ".join(f"{v:>{width}.{digits}f}" for v, width in zip(values, widths, strict=True))
                lines.append(f"{name[:12]:<12}{rows.sum():>6}  {row}")
            lines.append("")
        return "\n".join(lines)


def scored(
    results: dict[str, np.ndarray], inputs: np.ndarray, targets: np.ndarray, filters: bool = True, regular: bool = False
) -> list[Scores]:
    """The scores of models' results, of the altered pictures themselves and of classical filters.

    Args:
        results: by method, float32 [N, C, H, W] in 0..1.
        inputs, targets: altered pictures and clean ones, of the same shape.
        filters: whether to score the filters.
        regular: the pictures are their own targets: models only, for there is nothing to compare with.
    """
    x = torch.from_numpy(targets)
    scores = [_score(name, result, x) for name, result in results.items()]
    if regular:
        return scores
    scores.append(_score("input", inputs, x))
    if filters:
        scores += [_score(name, _filtered(inputs, apply), x) for name, apply in _filters().items()]
    return scores


def _score(method: str, results: np.ndarray, x: torch.Tensor) -> Scores:
    x_hat = torch.from_numpy(results)
    parts = zip(x_hat.split(512), x.split(512), strict=True)
    similar = torch.cat([ssim(a.double(), b.double()) for a, b in parts])  # as scikit-image computes
    return Scores(method, similar.float().numpy(), psnr(x_hat, x).numpy())


def _filters() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    from scipy.ndimage import median_filter
    from skimage.restoration import denoise_nl_means

    return {
        "median": lambda picture: median_filter(picture, 3),
        "nl-means": lambda picture: denoise_nl_means(picture, patch_size=5, patch_distance=6, h=0.1),
    }


def _filtered(images: np.ndarray, apply: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    filtered = np.stack([np.stack([apply(channel) for channel in picture]) for picture in images])
    return filtered.clip(0, 1).astype(np.float32)
