"""One table from two sections: ST as it is, SM averaged onto the ST spots."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import spacing
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign import reassign

if TYPE_CHECKING:
    from spatialmeta_core.types import Alignment, FloatArray

__all__ = ["join", "split"]

TARGET_SUM = 1e4  # counts or intensity per spot after normalization
DEFAULT = ReassignParams()


def join(
    st: ad.AnnData,
    sm: ad.AnnData,
    alignment: Alignment | None = None,
    params: ReassignParams = DEFAULT,
) -> ad.AnnData:
    """Put both modalities on the ST spots.

    Only SM is averaged; the counts of ST are handed on untouched. A spot without an SM pixel within
    reach keeps its genes, has NaN for every metabolite, and 0 in ``obs["n_sm_donors"]``.

    Parameters
    ----------
    st
        ``X`` raw counts, ``obsm["spatial"]`` px, and what ``io.read_st`` else gives.
    sm
        ``X`` raw intensities, ``obsm["spatial"]`` in its own units.
    alignment
        Map from SM to ST positions; without it SM's positions are taken as already in the ST frame.
    params
        Neighbors and reach; the reach is ``distance_factor`` times the spacing of the ST spots.

    Returns
    -------
    AnnData
        ``X`` CSR ``float32``, genes and then metabolites: raw counts, mean raw intensities.
        ``layers["normalized"]``: log(1 + 10,000 x share of the spot's total), each modality by its
        own total. ``var``: type, gene_ids, mz and what else the sections had.

    Raises
    ------
    InvalidDataError
        E-18 if no ST spot has an SM pixel within reach.

    References
    ----------
    Tian et al. (2025), Methods, "Reassignment between ST and SM".
    """
    st_xy = np.asarray(st.obsm[keys.SPATIAL], float)
    sm_xy = np.asarray(sm.obsm[keys.SPATIAL], float)
    placed = sm_xy if alignment is None else alignment.apply(sm_xy)
    reach = params.distance_factor * spacing(st_xy, params.spacing)
    moved = reassign(sm.X, placed, st_xy, max_distance=reach, n_neighbors=params.n_neighbors)
    n_covered = int((moved.n_used > 0).sum())
    if n_covered == 0:
        raise InvalidDataError(
            f"0 of {st.n_obs:,} spots have metabolite pixels nearby. Try the automatic alignment "
            "from scratch, or drag the outline over the tissue.",
            code="E-18",
            title="The two tissues do not overlap.",
        )
    counts = sp.csr_matrix(st.X, dtype=np.float32)
    intensity = np.asarray(moved.values, np.float32)  # our own type
    obs = st.obs.copy()
    obs[keys.N_DONORS] = moved.n_used
    joint = ad.AnnData(
        X=sp.hstack([counts, sp.csr_matrix(intensity)], format="csr"),
        obs=obs,
        var=_features(st.var, sm.var),
        obsm={keys.SPATIAL: st_xy},
        uns=_record(st, sm, params, n_covered),
    )
    joint.layers[keys.NORMALIZED] = sp.hstack(
        [_log_share(counts), sp.csr_matrix(_log_share_dense(intensity))],
        format="csr",
        dtype=np.float32,
    )
    return joint


def split(joint: ad.AnnData) -> tuple[ad.AnnData, ad.AnnData]:
    """Return the genes and the metabolites of a joint table as two tables, as copies.

    Raises
    ------
    InvalidDataError
        If ``var["type"]`` does not name both modalities.
    """
    if keys.FEATURE_TYPE not in joint.var:
        raise InvalidDataError("The table has no var['type'] that tells genes from metabolites.")
    halves = [
        joint[:, (joint.var[keys.FEATURE_TYPE] == kind).to_numpy()] for kind in (keys.ST, keys.SM)
    ]
    if any(half.n_vars == 0 for half in halves):
        raise InvalidDataError(
            f"The table has {halves[0].n_vars} genes and {halves[1].n_vars} metabolites; "
            "expected some of both in var['type']."
        )
    return halves[0].copy(), halves[1].copy()


def _features(st_var: pd.DataFrame, sm_var: pd.DataFrame) -> pd.DataFrame:
    """Stack the feature tables; a metabolite named like a gene gets ``" (SM)"`` after its name."""
    taken = set(st_var.index)
    sm_named = sm_var.rename(index=lambda name: f"{name} (SM)" if name in taken else name)
    var = pd.concat([st_var, sm_named])
    var[keys.FEATURE_TYPE] = [keys.ST] * len(st_var) + [keys.SM] * len(sm_var)
    for column in var.columns:
        if var[column].dtype == object:  # the other half has no such column
            var[column] = var[column].fillna("").astype(str)
    return var


def _record(
    st: ad.AnnData, sm: ad.AnnData, params: ReassignParams, n_covered: int
) -> dict[str, Any]:
    own, other = st.uns.get(keys.OURS, {}), sm.uns.get(keys.OURS, {})
    notes = [f"{n_covered:,} of {st.n_obs:,} spots have metabolite pixels within reach."]
    ours: dict[str, Any] = {
        keys.SCHEMA: keys.SCHEMA_VERSION,
        keys.SIMULATED: bool(own.get(keys.SIMULATED) or other.get(keys.SIMULATED)),
        keys.PARAMS: {"reassign": asdict(params)},
        keys.NOTES: notes,
    }
    if keys.UM_PER_PX in own:
        ours[keys.UM_PER_PX] = float(own[keys.UM_PER_PX])
    uns: dict[str, Any] = {keys.OURS: ours}
    if keys.IMAGE in st.uns:
        uns[keys.IMAGE] = st.uns[keys.IMAGE]
    return uns


def _log_share(counts: sp.csr_matrix) -> sp.csr_matrix:
    total = np.asarray(counts.sum(axis=1)).ravel()
    scaled = sp.diags_array(TARGET_SUM / np.where(total > 0, total, 1.0)) @ counts
    return sp.csr_matrix(scaled).log1p()


def _log_share_dense(intensity: FloatArray) -> FloatArray:
    total = intensity.sum(axis=1, keepdims=True)  # NaN stays NaN
    return np.asarray(np.log1p(TARGET_SUM * intensity / np.where(total > 0, total, 1.0)))
