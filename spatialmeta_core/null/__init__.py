"""Chance alone on a tissue: how a drawn shape compares with the same shape put elsewhere."""

from spatialmeta_core.null.contrast import ContrastNull, Patterns, contrast_p
from spatialmeta_core.null.placements import (
    Placements,
    nearest_part,
    place_labels,
    place_region,
)
from spatialmeta_core.null.region import RegionNull, region_p

__all__ = [
    "ContrastNull",
    "Patterns",
    "Placements",
    "RegionNull",
    "contrast_p",
    "nearest_part",
    "place_labels",
    "place_region",
    "region_p",
]
