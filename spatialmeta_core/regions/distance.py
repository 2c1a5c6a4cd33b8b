"""How far spots lie from the edge of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray, Region


def distance_from_region(
    region: Region, xy: FloatArray, um_per_px: float | None = None
) -> FloatArray:
    """Measure from the nearest point of a region's edge, holes' edges included.

    Parameters
    ----------
    region
        Its polygons; a restriction to clusters has no part in it.
    xy
        Positions of the region's sample, px, shape ``(n, 2)``.

    Returns
    -------
    Shape ``(n,)``, um (px if ``um_per_px`` is None); negative inside.

    Raises
    ------
    InvalidDataError
        If the region has no edge.
    """
    rings = [np.asarray(ring, float) for rings in region.parts for ring in rings]
    if not rings:
        raise InvalidDataError(f'The region "{region.name}" has no polygon; draw it again.')
    away = [geometry.project_onto(np.vstack([ring, ring[:1]]), xy)[2] for ring in rings]
    distance = np.min(away, axis=0) * (1.0 if um_per_px is None else um_per_px)
    return np.asarray(np.where(geometry.contains(region.parts, xy), -distance, distance))
