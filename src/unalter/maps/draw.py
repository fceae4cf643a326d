"""A map as a picture for print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unalter.images.style import own_style
from unalter.maps.layout import PointMap, axes_reach
from unalter.maps.lettering import lettering
from unalter.support.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = (
    "#3e60af", "#d3840c", "#019b7b", "#db2608", "#ad23ec", "#40d0b4", "#ac0e80", "#afca0a", "#9f81ca", "#f38fff",
)  # fmt: skip
"""Of the classes, as in the viewer (viewer/src/colours.js): told apart by the colour-blind too. The second ten are
the same ones, lighter, the third darker."""
_MOST_IN_LEGEND = 40
_LONG = 10
"""Letters that fit beside the axes in large type."""


@dataclass(frozen=True)
class Placed:
    """New points in a map."""

    points: np.ndarray
    """float32 [M, 3]"""
    labels: np.ndarray | None
    """int64 [M], of the map's classes; None: not known"""
    note: str
    """What is said of them."""


def draw_map(
    path: Path, one: PointMap, labels: np.ndarray, title: str, label_names: tuple[str, ...] = (), reach: float = 0,
    placed: Placed | None = None,
) -> None:  # fmt: skip
    """Draw a map as PNG: points coloured by label [N], a legend beside them, its figures below the title.

    Without `label_names` labels are called by their numbers; where all are one, there is no legend. Axes go from
    -`reach` to `reach` (0: as far as this map needs); maps of one reach have the same axes, angle and colours.
    New points are ringed, and stand before the map's own, which are pale then.
    """
    extents = [one.extent] if placed is None else [one.extent, float(np.abs(placed.points).max())]
    with own_style(), atomic_write(path) as aside:
        figure = map_figure(one, labels, title, label_names, reach or axes_reach(extents), placed)
        figure.savefig(aside, format="png")


def map_figure(
    one: PointMap, labels: np.ndarray, title: str, label_names: tuple[str, ...], reach: float,
    placed: Placed | None = None,
) -> Figure:  # fmt: skip
    """A matplotlib figure of a map; see `draw_map`."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    points = one.points
    figure = Figure(figsize=(9, 7.2), dpi=130, facecolor="white")
    with rc_context({"grid.color": "0.88", "grid.linewidth": 0.6}):  # three-dimensional axes take them from here only
        axes: Any = figure.add_axes((0.01, 0.03, 0.87, 0.9), projection="3d")  # Axes3D, which matplotlib does not type
    classes = np.unique(labels)
    colours = np.array([_colour(i) for i in range(len(classes))])
    size = float(np.clip(50_000 / len(points), 1.2, 14))
    axes.scatter(
        points[:, 0], points[:, 2], points[:, 1],
        c=colours[np.searchsorted(classes, labels)], s=size, alpha=0.75 if placed is None else 0.2, linewidths=0,
        depthshade=True,
    )  # fmt: skip
    if placed is not None:
        axes.computed_zorder = False  # what is drawn last stands before the rest
        among = np.searchsorted(classes, labels if placed.labels is None else placed.labels)
        axes.scatter(
            placed.points[:, 0], placed.points[:, 2], placed.points[:, 1],
            c="white" if placed.labels is None else colours[np.minimum(among, len(classes) - 1)],
            s=max(3 * size, 16), edgecolors="black", linewidths=0.7, depthshade=False,
        )  # fmt: skip
    axes.view_init(elev=18, azim=-70)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
    axes.set_box_aspect((1, 1, 1), zoom=1.1)
    axes.tick_params(labelsize=7, colors="0.45", pad=0)
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), "132", strict=True):
        axis.set_pane_color((0.97, 0.97, 0.98, 1.0))
        axis.set_label_text(f"t-SNE {name}", fontsize=8, color="0.35")
    every, fonts = lettering(label_names)
    names = [every[i] if label_names else str(i) for i in classes]
    small = len(names) > 20 or max(map(len, names)) > _LONG
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=8, color=_colour(i), label=name)
        for i, name in enumerate(names[:_MOST_IN_LEGEND])
    ]
    more = len(classes) - len(handles)
    if len(classes) > 1:
        legend = figure.legend(
            handles=handles, title=f"label\n({more} more)" if more else "label", loc="center right",
            bbox_to_anchor=(0.985, 0.5), frameon=False, fontsize=8 if small else 11,
            ncols=1 if len(handles) <= 20 else 2,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set(parse_math=False, fontfamily=fonts)  # a class is called so, it is no formula
    figure.text(0.03, 0.955, title, fontsize=13, weight="bold", color="0.15")
    note = one.note if placed is None else f"ringed: {placed.note}"
    figure.text(0.03, 0.925, f"{len(points):,} pictures, {note}", fontsize=9.5, color="0.35")
    return figure


def _colour(index: int) -> tuple[float, float, float]:
    """Of a class, 0..1 each."""
    from matplotlib.colors import to_rgb

    rgb = np.array(to_rgb(_COLOURS[index % 10]))
    towards, share = ((0, 0.0), (1, 0.45), (0, 0.4))[index // 10 % 3]
    red, green, blue = rgb + share * (towards - rgb)
    return float(red), float(green), float(blue)
