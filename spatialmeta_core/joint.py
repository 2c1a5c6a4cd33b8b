"""One table of genes and metabolites on the ST spots, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from scipy.sparse import csr_matrix, diags_array, hstack, issparse

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import spacing
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign import reassign

if TYPE_CHECKING:
    from spatialmeta_core.types import Alignment, FloatArray, Reassigned

TARGET_COUNTS = 1e4  # scanpy's usual total per spot
SM_SUFFIX = " (SM)"
ASSIGNED = (keys.METABOLITE, keys.FORMULA, keys.ADDUCT)


def join(
    st: ad.AnnData,
    sm: ad.AnnData,
    alignment: Alignment | None = None,
    params: ReassignParams | None = None,
) -> ad.AnnData:
    """Put metabolites on the ST spots and join both in one table.

    Each ST spot takes the mean of its nearest SM pixels; the ST counts are not touched. Positive
    and negative mode have pixels of their own: join one and then, with the same alignment, the
    other.

    Parameters
    ----------
    st
        Raw counts in ``X``, positions in ``obsm["spatial"]``, full-resolution px.
    sm
        Raw intensities in ``X`` (dense or sparse), ``var["mz"]``, positions in ``obsm["spatial"]``.
    alignment
        Map from SM positions to ST px; without it they are in ST px already.
    params
        Neighbors and cut-off; by default ``ReassignParams()``.

    Returns
    -------
    AnnData
        Shape ``(n_spots, n_genes + n_metabolites)``, genes first. ``X`` (CSR, float32) holds raw
        counts and raw mean intensities; metabolites are NaN at spots without a pixel within reach.
        ``layers["normalized"]`` holds ``log1p(counts / total * 1e4)`` for genes and
        ``log1p(intensity / tic * median tic)`` for metabolites, ``tic`` being a spot's total
        intensity and the median running over the covered spots. ``var`` has ``type``, ``mz`` and
        ``gene_ids``, and names, formulas and adducts of metabolites where ``sm`` has them;
        ``obs["n_sm_donors"]`` counts the pixels averaged.

    Raises
    ------
    InvalidDataError
        If positions are missing, or no spot has a pixel within reach (E-18).

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Reassignment between ST and SM".
    """
    settings = params or ReassignParams()
    st_xy, sm_xy = _positions(st, "ST"), _positions(sm, "SM")
    placed = sm_xy if alignment is None else alignment.apply(sm_xy)
    reach = settings.distance_factor * spacing(st_xy, settings.spacing)
    carried = reassign(sm.X, placed, st_xy, max_distance=reach, n_neighbors=settings.n_neighbors)
    n_covered = int((carried.n_used > 0).sum())
    if n_covered == 0:
        raise InvalidDataError(
            f"0 of {st.n_obs:,} spots have metabolite pixels within {reach:.4g} px. "
            'Try "8 orientations", or drag the outline over the tissue.',
            code="E-18",
            title="The two tissues do not overlap.",
        )
    counts = csr_matrix(st.X, dtype=np.float32)
    joint = ad.AnnData(
        X=_side_by_side(counts, carried.values),
        obs=_spots(st, carried),
        var=_features(st, sm),
        layers={
            keys.NORMALIZED: _side_by_side(
                normalized_counts(counts), normalized_intensities(carried.values)
            )
        },
        obsm={keys.SPATIAL: st_xy.copy()},
    )
    if keys.IMAGE in st.uns:
        joint.uns[keys.IMAGE] = st.uns[keys.IMAGE]
    joint.uns[keys.OURS] = _record(st, sm, settings, n_covered)
    return joint


def split(joint: ad.AnnData) -> tuple[ad.AnnData, ad.AnnData]:
    """Take a joint table apart into its ST and SM halves, both on the ST spots.

    Raises
    ------
    InvalidDataError
        If ``var["type"]`` is missing or knows other types than ST and SM.
    """
    types = (
        joint.var[keys.FEATURE_TYPE].astype(str).to_numpy()
        if keys.FEATURE_TYPE in joint.var
        else np.array([], str)
    )
    found = sorted(set(types))
    if found != [keys.SM, keys.ST]:
        raise InvalidDataError(
            f"var['{keys.FEATURE_TYPE}'] holds {found or 'nothing'}; "
            f"a joint table has features of both types, {keys.ST} and {keys.SM}."
        )
    st, sm = joint[:, types == keys.ST].copy(), joint[:, types == keys.SM].copy()
    sm.X = sm.X.toarray() if issparse(sm.X) else sm.X
    st.var = st.var.drop(columns=[keys.MZ, *ASSIGNED], errors="ignore")
    st.obs = st.obs.drop(columns=keys.N_DONORS, errors="ignore")
    sm.var = sm.var.drop(columns=keys.GENE_ID, errors="ignore")
    return st, sm


def normalized_counts(counts: csr_matrix) -> csr_matrix:
    """Return ``log1p(counts / total * 1e4)`` of ``(n_spots, n_genes)``; an empty spot stays 0."""
    total = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()
    factor = np.divide(TARGET_COUNTS, total, out=np.zeros_like(total), where=total > 0)
    return csr_matrix(diags_array(factor) @ counts).log1p().astype(np.float32)


def normalized_intensities(intensities: FloatArray) -> FloatArray:
    """Return ``log1p(intensity / tic * median tic)`` of intensities ``(n_spots, n_metabolites)``.

    A spot's ``tic`` is its total intensity; the median runs over spots with one. Rows of NaN stay
    NaN, and a spot without any signal stays 0.
    """
    tic = intensities.sum(axis=1)
    lit = tic > 0  # False for NaN
    median = float(np.median(tic[lit])) if lit.any() else 0.0
    factor = np.divide(median, tic, out=np.zeros_like(tic), where=lit)
    return np.asarray(np.log1p(intensities * factor[:, None]))


def _positions(adata: ad.AnnData, name: str) -> FloatArray:
    if keys.SPATIAL not in adata.obsm:
        raise InvalidDataError(
            f"The {name} table has no positions (obsm['{keys.SPATIAL}']). Load it again with them."
        )
    return np.asarray(adata.obsm[keys.SPATIAL], float)[:, :2]


def _side_by_side(genes: csr_matrix, metabolites: FloatArray) -> csr_matrix:
    return hstack([genes, csr_matrix(metabolites.astype(np.float32))], format="csr")


def _spots(st: ad.AnnData, carried: Reassigned) -> pd.DataFrame:
    obs = st.obs.copy()
    if keys.SAMPLE not in obs:
        obs[keys.SAMPLE] = pd.Categorical(["sample"] * len(obs))
    obs[keys.N_DONORS] = carried.n_used.astype(np.int64)
    return obs


def _features(st: ad.AnnData, sm: ad.AnnData) -> pd.DataFrame:
    genes = make_index_unique(st.var_names.astype(str))
    taken = set(genes)
    names = [f"{name}{SM_SUFFIX}" if name in taken else name for name in sm.var_names.astype(str)]
    index = make_index_unique(genes.append(pd.Index(names, dtype=genes.dtype)))
    gene_ids = st.var.get(keys.GENE_ID, st.var_names)
    mz = sm.var[keys.MZ] if keys.MZ in sm.var else np.full(sm.n_vars, np.nan)
    assigned = {
        name: [""] * st.n_vars + [str(text) for text in sm.var[name].astype(object).fillna("")]
        for name in ASSIGNED
        if name in sm.var
    }
    return pd.DataFrame(
        {
            keys.FEATURE_TYPE: pd.Categorical([keys.ST] * st.n_vars + [keys.SM] * sm.n_vars),
            keys.MZ: np.concatenate([np.full(st.n_vars, np.nan), np.asarray(mz, float)]),
            keys.GENE_ID: [*map(str, gene_ids), *[""] * sm.n_vars],
            **assigned,
        },
        index=index,
    )


def _record(
    st: ad.AnnData, sm: ad.AnnData, params: ReassignParams, n_covered: int
) -> dict[str, Any]:
    ours = [dict(adata.uns.get(keys.OURS, {})) for adata in (st, sm)]
    notes = [str(note) for record in ours for note in np.atleast_1d(record.get(keys.NOTES, []))]
    n_bare = st.n_obs - n_covered
    if n_bare:
        notes.append(
            f"{n_bare:,} of {st.n_obs:,} spots have no metabolite pixel within reach; "
            "their metabolites are missing, not 0."
        )
    record = {
        keys.SCHEMA: keys.SCHEMA_VERSION,
        keys.SIMULATED: any(bool(part.get(keys.SIMULATED, False)) for part in ours),
        keys.PARAMS: {"reassign": asdict(params)},
        keys.NOTES: notes,
    }
    if keys.UM_PER_PX in ours[0]:
        record[keys.UM_PER_PX] = float(ours[0][keys.UM_PER_PX])
    return record
