"""How features change along a drawn path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import stdtr, stdtrit

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import NotFoundError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory.axis import bin_of, find_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from spatialmeta_core.stats import FeatureBlock
    from spatialmeta_core.trajectory.axis import EdgeDistance
    from spatialmeta_core.types import FloatArray, IntArray, Trajectory

BAND = 0.95
"""Coverage of the band around a bin's mean."""


def gradient(
    joint: AnnData,
    trajectory: Trajectory | EdgeDistance,
    features: Sequence[str] | None = None,
    *,
    params: GradientParams | None = None,
) -> pd.DataFrame:
    """Average features in bins along a path.

    Parameters
    ----------
    joint
        Spots by features with ``var["type"]``, ``layers["normalized"]`` and ``obsm["spatial"]`` in
        px. With several samples only the trajectory's is used. Distances are um when
        ``uns["spatialmeta"]`` knows the pixel size.
    trajectory
        The path and its width; or the distance from a region's edge, which is negative inside.
    features
        Names to follow; all if not given.
    params
        Number of bins at most, and how many spots each should hold; the default if not given.

    Returns
    -------
    ``keys.GRADIENT_COLUMNS``, one row per feature and bin, bins in order.
    ``distance`` is the bin's middle; ``mean`` is of normalized values, with a 95 % band from
    Student's t (NaN with fewer than 2 spots); ``z``, ``z_low`` and ``z_high`` are the same less
    the feature's mean over the swath's spots, divided by their standard deviation (NaN if that is
    0). ``n_spots`` counts the spots with a value in the bin; draw bins below
    ``params.min_spots_per_bin`` hollow. The band takes spots as independent.

    Raises
    ------
    InvalidDataError
        If the path has fewer than two points, passes no spot, or its swath holds too few spots.
    NotFoundError
        If a feature or the trajectory's sample is unknown.
    NotReadyError
        If the data are not normalized.
    """
    params = params or GradientParams()
    wanted = wanted_columns(joint, features)
    axis = find_axis(joint, trajectory)
    edges = axis.edges(params)
    n_bins = len(edges) - 1
    middle = (edges[:-1] + edges[1:]) / 2.0
    shape = (len(wanted), n_bins)
    numbers = {name: np.full(shape, np.nan) for name in keys.GRADIENT_COLUMNS[3:]}
    for block in stats.feature_blocks(joint[axis.spots]):
        place = np.searchsorted(block.columns, wanted).clip(max=len(block.columns) - 1)
        row = np.flatnonzero(block.columns[place] == wanted)
        bins = bin_of(axis.along[block.rows], edges)
        for name, values in _summarize(block.matrix[:, place[row]], bins, n_bins).items():
            numbers[name][row] = values.T
    numbers["n_spots"] = np.nan_to_num(numbers["n_spots"]).astype(int)
    columns = (
        np.repeat(joint.var_names[wanted], n_bins),
        np.repeat(joint.var[keys.FEATURE_TYPE].to_numpy()[wanted], n_bins),
        np.tile(middle, len(wanted)),
        *(values.ravel() for values in numbers.values()),
    )
    return pd.DataFrame(dict(zip(keys.GRADIENT_COLUMNS, columns, strict=True)))


def rank_gradients(
    joint: AnnData,
    trajectory: Trajectory | EdgeDistance,
    *,
    params: GradientParams | None = None,
) -> pd.DataFrame:
    """Screen all features for a trend along a path.

    Parameters
    ----------
    joint, trajectory, params
        As for ``gradient``.

    Returns
    -------
    ``keys.SCREEN_COLUMNS``, one row per feature, strongest trend first: ``rho`` is
    Spearman's correlation of the normalized value with the distance from the start (NaN for a
    constant feature); ``peak`` is the middle of the bin with the highest mean, among bins with at
    least ``params.min_spots_per_bin`` spots (NaN if none), in the unit of the distance; ``p`` is
    Spearman's two-sided p **for independent spots**, which neighboring spots are not, so read it
    as a ranking; ``p_adj`` is Benjamini-Hochberg within each modality.

    Raises
    ------
    InvalidDataError
        If the path has fewer than two points, passes no spot, or its swath holds too few spots.
    NotFoundError
        If the trajectory's sample is unknown.
    NotReadyError
        If the data are not normalized.
    """
    params = params or GradientParams()
    axis = find_axis(joint, trajectory)
    edges = axis.edges(params)
    n_bins = len(edges) - 1
    tables = []
    for block in stats.feature_blocks(joint[axis.spots]):
        along = axis.along[block.rows]
        rho, p = _spearman(block, along)
        n_spots = np.bincount(bin_of(along, edges), minlength=n_bins)
        means = _summarize(block.matrix, bin_of(along, edges), n_bins)["mean"]
        means[n_spots < params.min_spots_per_bin] = -np.inf
        peak = ((edges[:-1] + edges[1:]) / 2.0)[means.argmax(axis=0)]
        usable = np.isfinite(means.max(axis=0))
        columns = (
            joint.var_names[block.columns],
            block.kind,
            rho,
            np.where(usable, peak, np.nan),
            p,
            np.nan,
            len(along),
        )
        tables.append(pd.DataFrame(dict(zip(keys.SCREEN_COLUMNS, columns, strict=True))))
    table = pd.concat(tables, ignore_index=True)
    for _, rows in table.groupby("type").groups.items():
        table.loc[rows, "p_adj"] = stats.benjamini_hochberg(table.loc[rows, "p"])
    order = np.argsort(-table["rho"].abs().to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def wanted_columns(joint: AnnData, features: Sequence[str] | None) -> IntArray:
    """Return the positions of features by name; all if None.

    Raises
    ------
    NotFoundError
        If a name is unknown.
    """
    if features is None:
        return np.arange(joint.n_vars)
    columns = joint.var_names.get_indexer(pd.Index(features))
    if (columns < 0).any():
        missing = features[int(np.argmin(columns))]
        raise NotFoundError(
            f'No feature "{missing}" among the {joint.n_vars} features of the data.'
        )
    return np.asarray(columns)


def _summarize(
    values: sparse.csc_matrix, bins: IntArray, n_bins: int
) -> dict[str, FloatArray | IntArray]:
    """Average columns per bin; each result ``(n_bins, n_features)``."""
    n_rows, n_features = values.shape
    member = sparse.csr_matrix((np.ones(n_rows), (bins, np.arange(n_rows))), (n_bins, n_rows))
    values = values.astype(float)
    count = np.bincount(bins, minlength=n_bins).astype(float)[:, None]
    total, squares = (member @ part for part in (values, values.multiply(values).tocsc()))
    total, squares = total.toarray(), squares.toarray()
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # empty bins and constants are documented NaN
        mean = total / count
        variance = np.maximum(squares - total * mean, 0.0) / (count - 1.0)
        variance[count.ravel() < 2] = np.nan  # noqa: PLR2004, one spot has no spread
        half = stdtrit(count - 1.0, (1.0 + BAND) / 2.0) * np.sqrt(variance / count)
        center = total.sum(axis=0) / n_rows
        spread = squares.sum(axis=0) - n_rows * center**2
        scale = np.sqrt(np.where(spread > 1e-9 * squares.sum(axis=0), spread, 0.0) / (n_rows - 1))
        z, z_half = (mean - center) / scale, half / scale
    return {
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "z": np.where(scale > 0, z, np.nan),
        "z_low": np.where(scale > 0, z - z_half, np.nan),
        "z_high": np.where(scale > 0, z + z_half, np.nan),
        "n_spots": np.repeat(count.astype(int), n_features, axis=1),
    }


def _spearman(block: FeatureBlock, along: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Correlate ranks with the rank of ``along``; p from Student's t, two-sided."""
    n = len(along)
    if not n:
        return np.full(len(block.columns), np.nan), np.full(len(block.columns), np.nan)
    ranks = stats.rank_columns(block.matrix)
    place = stats.rank_columns(
        along[:, None] - along.min() + 1.0
    )  # above 0, so that all are stored
    centered = place.shift.toarray().ravel()
    centered = centered - centered.mean()
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant feature has no correlation
        own_square = (n**3 - n - ranks.tie_sum) / 12.0
        rho = np.clip(
            (ranks.shift.T @ centered) / np.sqrt(own_square * (centered @ centered)), -1, 1
        )
        t = np.abs(rho) * np.sqrt((n - 2.0) / ((1.0 - rho) * (1.0 + rho)))
    return rho, np.asarray(2.0 * stdtr(n - 2.0, -t))
