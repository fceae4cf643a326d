"""3D maps of the codes of a whole data set: points that can be compared, PNG, and a page to move about in."""

from unalter.maps.command import map_data
from unalter.maps.draw import draw_map
from unalter.maps.layout import LEAST_POINTS, PointMap, chosen_rows, map_codes
from unalter.maps.page import series_name, write_run_page
from unalter.maps.store import StoredMaps, load_maps, save_maps

__all__ = [
    "LEAST_POINTS",
    "PointMap",
    "StoredMaps",
    "chosen_rows",
    "draw_map",
    "load_maps",
    "map_codes",
    "map_data",
    "save_maps",
    "series_name",
    "write_run_page",
]
