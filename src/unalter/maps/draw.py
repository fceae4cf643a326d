"""A map as a picture for print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unalter.files import whole_file


def draw_map(path: Path, points: np.ndarray, labels: np.ndarray, title: str) -> None:
    """Draw points [N, 3] coloured by label [N] as PNG, with a legend beside them."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(9, 7.2), dpi=130, facecolor="white")
    axes: Any = figure.add_axes((0.0, 0.02, 0.84, 0.9), projection="3d")  # an Axes3D, which matplotlib does not type
    classes = np.unique(labels)
    scheme = colormaps["tab10" if len(classes) <= 10 else "tab20"]
    size = float(np.clip(24_000 / len(points), 1.2, 14))
    turned = points @ _widest_view(points, labels)
    colour = {label: scheme(i % scheme.N) for i, label in enumerate(classes)}
    axes.scatter(
        turned[:, 0], turned[:, 1], turned[:, 2],
        c=[colour[label] for label in labels], s=size, alpha=0.75, linewidths=0, depthshade=True,
    )  # fmt: skip
    axes.view_init(elev=22, azim=-60)
    axes.set_box_aspect(np.ptp(turned, axis=0), zoom=0.95)
    axes.tick_params(labelsize=7, colors="0.45", pad=0)
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), "123", strict=True):
        axis.set_pane_color((0.97, 0.97, 0.98, 1.0))
        axis.set_label_text(f"t-SNE {name}", fontsize=8, color="0.35")
        axis._axinfo["grid"].update(color="0.88", linewidth=0.6)
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=8, color=colour[label], label=str(label))
        for label in classes
    ]
    figure.legend(
        handles=handles, title="label", loc="center right", bbox_to_anchor=(0.985, 0.5), frameon=False, fontsize=11,
        ncols=1 if len(classes) <= 20 else 2,
    )  # fmt: skip
    figure.text(0.03, 0.955, title, fontsize=13, weight="bold", color="0.15")
    with whole_file(path) as aside:
        figure.savefig(aside, format="png")


def _widest_view(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A rotation [3, 3] after which the class centres spread most along the first two axes."""
    centres = np.stack([points[labels == label].mean(0) for label in np.unique(labels)])
    spread = centres if len(centres) > 3 else points
    _, _, axes = np.linalg.svd(spread - spread.mean(0), full_matrices=False)
    rotation = axes.T
    return rotation * np.sign(np.linalg.det(rotation))
