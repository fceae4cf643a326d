"""3D maps of the codes of a whole data set."""

from unalter.maps.draw import draw_map
from unalter.maps.layout import LEAST_POINTS, PointMap, chosen_rows, map_codes, map_data, save_points

__all__ = ["LEAST_POINTS", "PointMap", "chosen_rows", "draw_map", "map_codes", "map_data", "save_points"]
