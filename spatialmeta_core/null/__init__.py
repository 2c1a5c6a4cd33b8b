"""Chance alone on a tissue: how a drawn region compares with the same shape put elsewhere."""

from spatialmeta_core.null.placements import Placements, place_region
from spatialmeta_core.null.region import RegionNull, region_p

__all__ = ["Placements", "RegionNull", "place_region", "region_p"]
