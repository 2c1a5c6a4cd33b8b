"""Regions and trajectories from files and from other regions, and the files they go out as."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from app.pages.explore import drawings
from app.pages.explore.summary import spots_of
from spatialmeta_core import keys, regions
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.pages.explore.drawings import Board, Item
    from app.sections import Section

MOST_BYTES: Final = 20 * 1024**2
OUTSIDE: Final = "-"  # of the spots in no region, in files with one word per spot


def way(board: Board, section: Section, start: str | None, stop: str | None) -> dict[str, Any]:
    """Return the event of a path from one region to another inside the tissue.

    Raises
    ------
    InvalidParamsError
        If two different regions are not chosen.
    InvalidDataError
        If they share spots, hold none, or no tissue joins them.
    """
    ends = [board.items().get(str(each)) for each in (start, stop)]
    if start == stop or not all(isinstance(each, Region) for each in ends):
        raise InvalidParamsError("Choose the region to start from and another one to go to.")
    first, second = (each for each in ends if isinstance(each, Region))
    points = regions.shortest_path(section.xy, spots_of(section, first), spots_of(section, second))
    taken = [*board.trajectories]
    path = Trajectory(
        drawings.new_id(),
        f"{first.name} to {second.name}"[:60],
        board.sample,
        points,
        board.usual_width,
        color=drawings.free_color(taken),
        width_unit=board.unit,
    )
    return drawings.put(path)


def decoded(contents: str) -> bytes:
    """Read what the browser sends of a small file.

    Raises
    ------
    InvalidDataError
        If it is too large or did not arrive whole.
    """
    _, _, text = contents.partition(",")
    if len(text) > MOST_BYTES * 4 / 3:
        raise InvalidDataError(
            f"The drawing is larger than {MOST_BYTES // 1024**2} MB. Export the annotations only, "
            "without cells or detections."
        )
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidDataError("The file did not arrive whole. Choose it again.") from error


def imported(board: Board, section: Section, content: bytes) -> list[dict[str, Any]]:
    """Return the events of a GeoJSON file; objects that are there already are replaced.

    Raises
    ------
    InvalidDataError
        If it is no GeoJSON of annotations, or lies outside the tissue (E-27).
    """
    scale = hires_scale(section)
    areas, paths = regions.from_geojson(content, board.sample)
    space = regions.coordinate_space(areas, paths, section.xy, scale)
    if space == "hires":
        areas, paths = regions.from_geojson(content, board.sample, scale=scale or 1.0)
    elif space == "outside":
        raise InvalidDataError(
            "They fit neither as full-resolution nor as hires pixels. Export them from the same "
            "image as this section.",
            code="E-27",
            title="These regions lie outside the tissue.",
        )
    if not areas and not paths:
        raise InvalidDataError("The file holds no annotations. Export them again.")
    known = board.items()
    items: list[Item] = [*areas, *paths]
    return [drawings.put(_fitting(board, item, known)) for item in items]


def _fitting(board: Board, item: Item, known: dict[str, Item]) -> Item:
    """Keep an id of ours free of the other kind, and a width in the unit that is known."""
    other = known.get(item.id)
    if other is not None and type(other) is not type(item):
        item = replace(item, id=drawings.new_id())
    if isinstance(item, Trajectory) and board.um_per_px is None:
        item = replace(item, width_unit="px")
    return item


def hires_scale(section: Section) -> float | None:
    """Return the hires pixels per full-resolution pixel; None where there is no such image."""
    for library in section.joint.uns.get(keys.IMAGE, {}).values():
        value = library.get("scalefactors", {}).get("tissue_hires_scalef")
        if value is not None:
            return float(value)
    return None


def geojson(board: Board) -> str:
    """Write all regions and trajectories for QuPath."""
    found = regions.to_geojson(board.regions, board.trajectories)
    return json.dumps(found, indent=1)


def loupe(board: Board, section: Section) -> pd.DataFrame:
    """Return one category per spot; the names of several regions are joined by " + "."""
    words = np.full(len(section.xy), "", dtype=object)
    for region in board.regions:
        inside = spots_of(section, region)
        words[inside] = [f"{w} + {region.name}" if w else region.name for w in words[inside]]
    words[words == ""] = OUTSIDE
    return pd.DataFrame({"Barcode": section.spot_names, "Regions": words})


def barcodes(areas: Sequence[Region], section: Section) -> pd.DataFrame:
    """Return one row per region and spot in it."""
    tables = [
        pd.DataFrame(
            {
                "barcode": section.spot_names[spots_of(section, region)],
                "region": region.name,
                "class": region.kind,
            }
        )
        for region in areas
    ]
    empty = pd.DataFrame({"barcode": [], "region": [], "class": []})
    return pd.concat(tables, ignore_index=True) if tables else empty
