"""What sets a group of spots apart, both modalities in one table."""

from spatialmeta_core.markers.compare import rank_clusters, rank_markers
from spatialmeta_core.markers.index import MarkerIndex, RankedBlock, build_index
from spatialmeta_core.markers.pseudobulk import SampleMarkers, pseudobulk
from spatialmeta_core.markers.reference import elsewhere_mask, region_mask, ring_mask
from spatialmeta_core.markers.spatial import SpatialMarkers, add_spatial_p

__all__ = [
    "MarkerIndex",
    "RankedBlock",
    "SampleMarkers",
    "SpatialMarkers",
    "add_spatial_p",
    "build_index",
    "elsewhere_mask",
    "pseudobulk",
    "rank_clusters",
    "rank_markers",
    "region_mask",
    "ring_mask",
]
