"""Spatial neighbors, and how strongly values agree between them (Moran's I and Geary's C)."""

from spatialmeta_core.graph.neighbors import spatial_neighbors
from spatialmeta_core.graph.statistics import geary, moran, moran_moments

__all__ = ["geary", "moran", "moran_moments", "spatial_neighbors"]
