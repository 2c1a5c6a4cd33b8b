"""Drawn regions (ROI) and trajectories (TOI): spot masks, GeoJSON, the project's log, AnnData."""

from spatialmeta_core.regions.geojson import to_geojson
from spatialmeta_core.regions.log import from_dict, to_dict
from spatialmeta_core.regions.qupath import from_geojson
from spatialmeta_core.regions.spots import (
    coordinate_space,
    membership,
    position_along,
    record,
    region_area,
)

__all__ = [
    "coordinate_space",
    "from_dict",
    "from_geojson",
    "membership",
    "position_along",
    "record",
    "region_area",
    "to_dict",
    "to_geojson",
]
