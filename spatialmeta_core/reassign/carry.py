"""Carry values in one call, from positions that share a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import as_xy, spacing
from spatialmeta_core.geometry.lattice import lattice_cells
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign.donors import Aggregate, area_donors, near_donors
from spatialmeta_core.types import Reassigned

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

    from spatialmeta_core.types import FloatArray


def reassign(
    values: FloatArray | sparray | spmatrix,
    source_xy: FloatArray,
    target_xy: FloatArray,
    *,
    max_distance: float,
    n_neighbors: int = 5,
    method: Literal["mean", "distance", "area"] = "mean",
    aggregate: Aggregate = "mean",
    source_cells: FloatArray | None = None,
    target_radius: float | None = None,
) -> Reassigned:
    """Average the source spots near each target, or those whose ground it shares.

    Only the source is averaged; nothing of the target changes.

    Parameters
    ----------
    values
        One row per source spot, shape ``(n_sources, n_features)``, dense or sparse; the unit is
        kept.
    source_xy, target_xy
        Positions in pixels of the full-resolution ST image, shape ``(n, 2)``, x then y.
    max_distance
        Neighbors farther than this, in the same pixels, are ignored. Without effect on ``"area"``.
    n_neighbors
        Largest number of neighbors to average (K in the paper, default 5). Fewer sources than this
        are no error. Without effect on ``"area"``.
    method
        ``"mean"`` of the neighbors, as in the paper; ``"distance"``: weighted by the inverse of
        their distance, neighbors exactly at the target outweighing all others; ``"area"``:
        weighted by the area that the source's cell and the target's disc share.
    aggregate
        ``"mean"``, or ``"sum"`` of the neighbors' values, so that counts stay whole numbers; only
        with method ``"mean"``, as a weighted sum of counts is none.
    source_cells
        For ``"area"``: corners of each source's cell, shape ``(n_sources, n_corners, 2)``, such as
        ``lattice_cells`` before a map, carried along by it. By default those of the grid that the
        sources form, whatever its angle.
    target_radius
        For ``"area"``: radius of the disc around each target; by default that of Visium spots.

    Returns
    -------
    Reassigned
        ``values`` are float64, NaN (never zero) for a target without a source; ``n_used`` counts
        the sources used.

    Raises
    ------
    InvalidDataError
        If ``values`` and ``source_xy`` do not describe the same spots, a coordinate is missing, or
        areas are wanted of sources that form no grid.
    InvalidParamsError
        If ``max_distance`` is negative, ``n_neighbors`` is below 1, ``target_radius`` is not above
        0, or a weighted sum is wanted.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Reassignment between ST and SM".
    Shepard (1968), Proc. 23rd ACM National Conference, 517-524 (inverse distances).
    """
    source_xy, target_xy = as_xy(source_xy, "source_xy"), as_xy(target_xy, "target_xy")
    n_sources = values.shape[0]
    if len(values.shape) == 1 or n_sources != len(source_xy):
        raise InvalidDataError(
            f"{n_sources} rows of values for {len(source_xy)} source spots; "
            "give one row per spot, shape (n_sources, n_features)."
        )
    if aggregate == "sum" and method != "mean":
        raise InvalidParamsError(
            f"aggregate is 'sum' with method {method!r}; allowed is method 'mean', as a weighted "
            "sum of counts is no count."
        )
    if method == "area":
        cells = lattice_cells(source_xy) if source_cells is None else source_cells
        radius = _default_radius(target_xy) if target_radius is None else target_radius
        found = area_donors(source_xy, target_xy, cells, radius)
    else:
        found = near_donors(source_xy, target_xy, max_distance, n_neighbors, method)
    return Reassigned(values=found.carry(values, aggregate), n_used=found.n_used)


def _default_radius(target_xy: FloatArray) -> float:
    return ReassignParams().spot_diameter * spacing(target_xy) / 2
