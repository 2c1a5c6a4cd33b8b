"""Drawn regions (ROI) and trajectories (TOI): spot masks, GeoJSON, the project's log, AnnData."""

from spatialmeta_core.regions.combine import Operation, combine
from spatialmeta_core.regions.distance import distance_from_region
from spatialmeta_core.regions.geojson import to_geojson
from spatialmeta_core.regions.log import from_dict, is_number, to_dict
from spatialmeta_core.regions.qupath import from_geojson
from spatialmeta_core.regions.shapes import (
    along_line,
    brush_stroke,
    ring_around,
    shortest_path,
    smooth_line,
    split_line,
)
from spatialmeta_core.regions.spots import (
    coordinate_space,
    membership,
    position_along,
    record,
    region_area,
)

__all__ = [
    "Operation",
    "along_line",
    "brush_stroke",
    "combine",
    "coordinate_space",
    "distance_from_region",
    "from_dict",
    "from_geojson",
    "is_number",
    "membership",
    "position_along",
    "record",
    "region_area",
    "ring_around",
    "shortest_path",
    "smooth_line",
    "split_line",
    "to_dict",
    "to_geojson",
]
