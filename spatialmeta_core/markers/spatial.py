"""p-values of markers that know that neighboring spots resemble each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatialmeta_core import keys, null, stats
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import spacing
from spatialmeta_core.markers.compare import as_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from anndata import AnnData

    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

IN_OR_OUT = null.Patterns(np.array([[1.0, 0.0]]), np.zeros(1, int), np.ones(1, bool))


@dataclass(frozen=True, slots=True, eq=False)
class SpatialMarkers:
    """Markers with the p-values of the spatial null.

    Attributes
    ----------
    table
        The given table with ``p_spatial`` and ``p_spatial_adj`` (Benjamini-Hochberg within each
        modality, over the features tested).
    n_placements, n_distinct
        Fewest placements compared with in any test, and how many of them lie at clearly different
        places.
    note
        Why some or all features have no p, or empty.
    """

    table: pd.DataFrame
    n_placements: int
    n_distinct: int
    note: str


def add_spatial_p(
    table: pd.DataFrame,
    joint: AnnData,
    mask: BoolArray,
    reference_mask: BoolArray | None = None,
    *,
    features: Collection[str] | None = None,
    n_placements: int = 1000,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> SpatialMarkers:
    """Test markers against the same shape put at other places of the tissue.

    Against the rest of the section it is ``null.region_p`` on ranks. Against a second group, such
    as a ring, both groups move as one shape and the difference of their mean ranks is compared
    (``null.contrast_p``).

    Parameters
    ----------
    table
        From ``rank_markers`` with the same groups.
    joint
        Spots by features with ``var["type"]``, ``layers["normalized"]`` and ``obsm["spatial"]``.
    mask, reference_mask
        As for ``rank_markers``. With several samples (``obs["sample"]``) only the group's own
        section is looked at.
    features
        Names to test; all if not given. Choose them without looking at this comparison, or the
        adjusted p mean nothing.
    n_placements
        Wanted number; p is a multiple of ``1 / (n_placements + 1)``.
    seed
        The same seed gives the same p.
    on_progress
        Called with a fraction from 0 to 1; it may raise to cancel.

    Returns
    -------
    SpatialMarkers
        A copy of the table in the same order; p is NaN where a feature was not tested.

    Raises
    ------
    InvalidDataError
        If a mask does not fit the spots or is empty, or the groups lie in several samples.
    NotReadyError
        If the data are not normalized or do not tell the modalities apart.
    """
    mask = as_mask(mask, joint.n_obs, "The group")
    shape = mask
    if reference_mask is not None:
        shape = mask | as_mask(reference_mask, joint.n_obs, "The reference")
    section = _section(joint, shape)
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)[section]
    home = np.where(mask, 0, np.where(shape, 1, -1))[section]
    names = pd.Index(table["feature"])
    wanted = np.ones(joint.n_vars, bool)
    if features is not None:
        wanted = np.asarray(joint.var_names.isin(list(features)))
    p = pd.Series(np.nan, joint.var_names)
    found = []
    blocks = stats.feature_blocks(joint[section], by_row=True)
    for number, block in enumerate(blocks):
        kept = wanted[block.columns]
        if not kept.any():
            continue
        ranks = stats.rank_columns(block.matrix[:, kept]).shift.tocsc()
        parts = _Parts(xy[block.rows], home[block.rows], reference_mask is not None)
        report = _within(on_progress, number, len(blocks))
        found.append(parts.test(ranks, n_placements, seed, report))
        p.iloc[block.columns[kept]] = found[-1].p
    result = table.assign(**{keys.P_SPATIAL: p.reindex(names).to_numpy()})
    result[keys.P_SPATIAL_ADJ] = np.nan
    for rows in result.groupby("type").groups.values():
        adjusted = stats.benjamini_hochberg(result.loc[rows, keys.P_SPATIAL])
        result.loc[rows, keys.P_SPATIAL_ADJ] = adjusted
    return SpatialMarkers(
        result,
        min((each.n_placements for each in found), default=0),
        min((each.n_distinct for each in found), default=0),
        next((each.note for each in found if each.note), ""),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A group (0), what it is compared with (1) and other spots (-1), where values are."""

    xy: FloatArray
    home: IntArray
    two_groups: bool

    def test(
        self,
        ranks: FloatArray,
        n_placements: int,
        seed: int,
        on_progress: Callable[[float], None] | None,
    ) -> null.RegionNull | null.ContrastNull:
        inside = self.home == 0
        outside = self.home == 1 if self.two_groups else ~inside
        if not inside.any() or not outside.any():
            p = np.full(ranks.shape[1], np.nan)
            return null.RegionNull(p, 0, 0, "One of the groups holds no spots with metabolites.")
        if not self.two_groups:
            return null.region_p(
                ranks,
                self.xy,
                inside,
                n_placements=n_placements,
                seed=seed,
                on_progress=on_progress,
            )
        own = self.home >= 0
        locate = null.nearest_part(self.xy[own], self.home[own], spacing(self.xy))
        placed = null.place_labels(
            self.xy, self.home, locate, n_placements=n_placements, seed=seed, keep_each=True
        )
        return null.contrast_p(ranks, self.home, placed, IN_OR_OUT, on_progress=on_progress)


def _section(joint: AnnData, shape: BoolArray) -> IntArray:
    """Return the spots of the one sample that the groups lie in."""
    if keys.SAMPLE not in joint.obs:
        return np.arange(joint.n_obs)
    samples = joint.obs[keys.SAMPLE].astype(str).to_numpy()
    own = np.unique(samples[shape])
    if len(own) > 1:
        raise InvalidDataError(
            f"The groups lie in {len(own)} samples ({', '.join(own[:3])}); the spatial p-value "
            "moves a shape within one section. Compare sample averages instead."
        )
    return np.flatnonzero(samples == own[0])


def _within(
    on_progress: Callable[[float], None] | None, number: int, total: int
) -> Callable[[float], None] | None:
    if on_progress is None:
        return None
    return lambda share: on_progress((number + share) / total)
