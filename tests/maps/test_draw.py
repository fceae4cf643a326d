"""A drawn map holds every point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mpl_toolkits.mplot3d import proj3d
from PIL import Image
from scipy.ndimage import label

from unalter.maps.draw import draw_map, map_figure
from unalter.maps.layout import PointMap, axes_reach
from unalter.maps.lettering import unlettered

CORNERS = np.stack(np.meshgrid(*[[-1, 1]] * 3, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)


def a_map(points: np.ndarray) -> PointMap:
    return PointMap(points.astype(np.float32), np.empty((len(points), 0), np.int32), 1.0, 0.5, 0.9)


@pytest.mark.parametrize("extent", [1e-3, 1.0, 1.1, 34.0, 1.1**40, 1e4])
def test_axes_hold_what_is_widest_with_little_room(extent):
    assert extent < axes_reach([extent / 2, extent, 0.1 * extent]) <= 1.11 * extent


@pytest.mark.parametrize("strays", [0, 5])
def test_no_point_lies_outside_the_axes_or_what_the_picture_shows(strays):
    """Also where a few points lie far from all the others, which once were cut off."""
    points = np.random.default_rng(0).normal(size=(2_000, 3))
    points[:strays] *= 10
    one = a_map(points)
    figure = map_figure(one, np.zeros(2_000, int), "", (), axes_reach([one.extent]))
    axes = figure.axes[0]
    (low_x, high_x), (low_y, high_y), (low_z, high_z) = axes.get_xlim(), axes.get_ylim(), axes.get_zlim()  # pyright: ignore
    low, high = np.array([low_x, low_z, low_y]), np.array([high_x, high_z, high_y])
    assert np.count_nonzero((points < low) | (points > high)) == 0
    figure.canvas.draw()
    x, y, _ = proj3d.proj_transform(points[:, 0], points[:, 2], points[:, 1], axes.get_proj())  # pyright: ignore
    shown = axes.transData.transform(np.column_stack([x, y]))
    box = axes.get_window_extent()
    assert np.count_nonzero(~np.array([box.contains(*place) for place in shown])) == 0


def test_points_in_all_corners_are_seen_in_the_file(tmp_path: Path):
    draw_map(tmp_path / "map.png", a_map(7 * CORNERS), np.zeros(8, int), "")
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB")).astype(int)
    coloured = pixels.max(2) - pixels.min(2) > 25
    assert label(coloured)[1] == 8  # pyright: ignore


def test_class_names_are_text_in_the_legend(tmp_path: Path):
    """Not formulas, not boxes, and no longer than there is room; a warning of matplotlib would fail the test."""
    names = ("$x^$", "Ba$$in", "猫", "n02085620-Chihuahua", "one\ntwo", "background_left", "\ue000")
    figure = map_figure(a_map(CORNERS[: len(names)]), np.arange(len(names)), "", names, 2)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown.pop(2) == ("#2" if "猫" in unlettered(names) else "猫")
    assert shown == ["$x^$", "Ba$$in", "n0208562…ihuahua", "one two", "background_left", "#6"]
    draw_map(tmp_path / "map.png", a_map(CORNERS[: len(names)]), np.arange(len(names)), "", names)
