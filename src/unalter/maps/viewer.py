"""All maps of a run as one page, `maps.html`, that any browser opens without a network."""

from __future__ import annotations

from pathlib import Path

from unalter.maps.contents import MapPage, check_page
from unalter.maps.packing import packed_page
from unalter.support.files import atomic_write

_TEMPLATE = Path(__file__).with_name("viewer.html")
"""Built from viewer/ by `make viewer`."""
_PLACE = "<!--DATA-->"


def write_viewer(path: Path, page: MapPage, thumbnails: bool = True) -> None:
    """Write the page as one offline HTML file; it appears whole or not at all.

    Points are rounded to 1/65535 of the largest extent of their series. Thumbnails are lossy, at most 32 pixels a
    side and smaller where there are many; they are left out where they would be smaller than 16 (see
    `thumbnails.thumbnail_size`): beyond 350,000 square grey pictures, reconstructions and clean ones included.

    Args:
        path: the HTML file.
        page: what it shows.
        thumbnails: False leaves the pictures out.

    Raises:
        InputError: arrays of the page do not belong together; says which and how.
    """
    check_page(page)
    before, after = _TEMPLATE.read_text("utf-8").split(_PLACE)
    with atomic_write(path) as aside, open(aside, "w", encoding="utf-8", newline="\n") as file:
        file.write(before)
        file.writelines(packed_page(page, thumbnails))
        file.write(after)
