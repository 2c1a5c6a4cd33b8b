"""One table of genes and metabolites on the same spots (or pixels), and back."""

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
from spatialmeta_core.reassign import donors_of, sides

if TYPE_CHECKING:
    from spatialmeta_core.reassign.donors import Aggregate, Donors
    from spatialmeta_core.types import Alignment, FloatArray

TARGET_COUNTS = 1e4  # scanpy's usual total per spot
SM_SUFFIX = " (SM)"
SPOT_SIZE = "spot_diameter_fullres"  # Space Ranger's scale factor that readers draw spots by
ASSIGNED = (keys.METABOLITE, keys.FORMULA, keys.ADDUCT)


def join(
    st: ad.AnnData,
    sm: ad.AnnData,
    alignment: Alignment | None = None,
    params: ReassignParams | None = None,
) -> ad.AnnData:
    """Carry one modality to the positions of the other and join both in one table.

    By default each ST spot takes the metabolites of its nearest SM pixels, and rows are spots. With
    ``params.direction`` ``"st_to_sm"`` each SM pixel takes the counts of its nearest ST spots, and
    rows are pixels. The values of the target are never touched. Positive and negative mode have
    pixels of their own: join one and then, with the same alignment, the other.

    Counts that are carried by method ``"mean"`` are summed over the spots used, so that they stay
    whole numbers, which the model needs; normalized values are the same for sum and mean. The
    weighted methods give means of counts, with decimals. Pixels that share a spot share its
    counts: they are not independent observations.

    Parameters
    ----------
    st
        Raw counts in ``X``, positions in ``obsm["spatial"]``, full-resolution px.
    sm
        Raw intensities in ``X`` (dense or sparse), ``var["mz"]``, positions in ``obsm["spatial"]``.
    alignment
        Map from SM positions to ST px; without it they are in ST px already.
    params
        Direction, method, neighbors and cut-off; by default ``ReassignParams()``.

    Returns
    -------
    AnnData
        Shape ``(n_spots or n_pixels, n_genes + n_metabolites)``, genes first, positions in ST px.
        ``X`` (CSR, float32) holds raw counts and raw intensities; what was carried is NaN at rows
        without a source within reach. ``layers["normalized"]`` holds ``log1p(counts / total *
        1e4)`` for genes and ``log1p(intensity / tic * median tic)`` for metabolites, ``tic`` being
        a row's total intensity and the median running over the rows with one. ``var`` has
        ``type``, ``mz`` and ``gene_ids``, and names, formulas and adducts of metabolites where
        ``sm`` has them; ``obs["n_sm_donors"]`` counts the pixels averaged (1 where rows are
        pixels), ``obs["n_st_donors"]`` the spots where rows are pixels.

    Raises
    ------
    InvalidDataError
        If positions are missing, no target has a source within reach (E-18), or areas are wanted
        of positions on no regular grid.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Reassignment between ST and SM".
    """
    settings = params or ReassignParams()
    where = sides(positions(st, "ST"), positions(sm, "SM"), alignment, settings)
    found = donors_of(where, settings)
    _require_overlap(found, settings, where.max_distance)
    if settings.direction == "sm_to_st":
        obs, genes, metabolites = _spots(st, found), st.X, found.carry(sm.X)
    else:
        aggregate: Aggregate = "sum" if settings.method == "mean" else "mean"
        genes = found.carry_sparse(st.X, aggregate)
        obs, metabolites = _pixels(st, sm, found), _dense(sm.X)
    counts = csr_matrix(genes, dtype=np.float32)
    joint = ad.AnnData(
        X=_side_by_side(counts, metabolites),
        obs=obs,
        var=feature_table(st, sm),
        layers={
            keys.NORMALIZED: _side_by_side(
                normalized_counts(counts), normalized_intensities(metabolites)
            )
        },
        obsm={keys.SPATIAL: where.target_xy.copy()},
    )
    if keys.IMAGE in st.uns:
        joint.uns[keys.IMAGE] = _image(st, where.target_xy, settings)
    joint.uns[keys.OURS] = _record(st, sm, settings, found)
    return joint


def split(joint: ad.AnnData) -> tuple[ad.AnnData, ad.AnnData]:
    """Take a joint table apart into its ST and SM halves, both on its rows.

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
    st.obs = st.obs.drop(columns=[keys.N_DONORS, keys.N_ST_DONORS], errors="ignore")
    sm.var = sm.var.drop(columns=keys.GENE_ID, errors="ignore")
    return st, sm


def normalized_counts(counts: csr_matrix) -> csr_matrix:
    """Return ``log1p(counts / total * 1e4)`` of ``(n_spots, n_genes)``.

    An empty spot stays 0, rows of NaN stay NaN.
    """
    total = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()
    factor = np.divide(TARGET_COUNTS, total, out=0 * total, where=total > 0)  # 0 * NaN is NaN
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


def positions(adata: ad.AnnData, name: str) -> FloatArray:
    """Return the positions of a table, shape ``(n, 2)``.

    Raises
    ------
    InvalidDataError
        If it has none; ``name`` says which table.
    """
    if keys.SPATIAL not in adata.obsm:
        raise InvalidDataError(
            f"The {name} table has no positions (obsm['{keys.SPATIAL}']). Load it again with them."
        )
    return np.asarray(adata.obsm[keys.SPATIAL], float)[:, :2]


def _side_by_side(genes: csr_matrix, metabolites: FloatArray) -> csr_matrix:
    return hstack([genes, csr_matrix(metabolites.astype(np.float32))], format="csr")


def _dense(values: Any) -> FloatArray:
    return np.asarray(values.toarray() if issparse(values) else values, float)


def _require_overlap(found: Donors, params: ReassignParams, max_distance: float) -> None:
    if (found.n_used > 0).any():
        return
    what = (
        "spots have metabolite pixels"
        if params.direction == "sm_to_st"
        else "pixels have transcriptomics spots"
    )
    near = "under them" if params.method == "area" else f"within {max_distance:.4g} px"
    raise InvalidDataError(
        f"0 of {len(found.n_used):,} {what} {near}. "
        'Try "8 orientations", or drag the outline over the tissue.',
        code="E-18",
        title="The two tissues do not overlap.",
    )


def _image(st: ad.AnnData, xy: FloatArray, params: ReassignParams) -> dict[str, Any]:
    """Return the record of the tissue image, with the size of what is drawn on it."""
    libraries = dict(st.uns[keys.IMAGE])
    if params.direction == "sm_to_st":
        return libraries
    size = spacing(xy)  # rows are pixels, which touch each other
    for name, library in libraries.items():
        factors = dict(library.get("scalefactors", {}))
        if SPOT_SIZE in factors:
            libraries[name] = {**library, "scalefactors": {**factors, SPOT_SIZE: size}}
    return libraries


def _spots(st: ad.AnnData, found: Donors) -> pd.DataFrame:
    obs = st.obs.copy()
    if keys.SAMPLE not in obs:
        obs[keys.SAMPLE] = pd.Categorical(["sample"] * len(obs))
    obs[keys.N_DONORS] = found.n_used.astype(np.int64)
    return obs


def _pixels(st: ad.AnnData, sm: ad.AnnData, found: Donors) -> pd.DataFrame:
    obs = sm.obs.copy()
    # a sample is a section; both tables are of one, and drawings are kept by the name ST gives it
    names = st.obs[keys.SAMPLE].unique() if keys.SAMPLE in st.obs else []
    if len(names) == 1:
        obs[keys.SAMPLE] = pd.Categorical([str(names[0])] * len(obs))
    elif keys.SAMPLE not in obs:
        obs[keys.SAMPLE] = pd.Categorical(["sample"] * len(obs))
    obs[keys.N_DONORS] = np.ones(len(obs), np.int64)
    obs[keys.N_ST_DONORS] = found.n_used.astype(np.int64)
    return obs


def feature_table(st: ad.AnnData, sm: ad.AnnData) -> pd.DataFrame:
    """Return the ``var`` table of the joint table of two sections: names, types, identities."""
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
    st: ad.AnnData, sm: ad.AnnData, params: ReassignParams, found: Donors
) -> dict[str, Any]:
    ours = [dict(adata.uns.get(keys.OURS, {})) for adata in (st, sm)]
    notes = [str(note) for record in ours for note in np.atleast_1d(record.get(keys.NOTES, []))]
    record = {
        keys.SCHEMA: keys.SCHEMA_VERSION,
        keys.SIMULATED: any(bool(part.get(keys.SIMULATED, False)) for part in ours),
        keys.PARAMS: {"reassign": asdict(params)},
        keys.NOTES: notes + carried_notes(found, params),
    }
    if keys.UM_PER_PX in ours[0]:
        record[keys.UM_PER_PX] = float(ours[0][keys.UM_PER_PX])
    return record


def carried_notes(found: Donors, params: ReassignParams) -> list[str]:
    """Say what the user should know about the values carried; empty if nothing."""
    n_bare, n_rows = int((found.n_used == 0).sum()), len(found.n_used)
    to_spots = params.direction == "sm_to_st"
    notes = []
    if n_bare and to_spots:
        notes.append(
            f"{n_bare:,} of {n_rows:,} spots have no metabolite pixel within reach; "
            "their metabolites are missing, not 0."
        )
    elif n_bare:
        notes.append(
            f"{n_bare:,} of {n_rows:,} pixels have no transcriptomics spot within reach; "
            "their counts are missing, not 0."
        )
    if not to_spots and params.method != "mean":
        notes.append(
            "Weighted means of counts have decimals, and the model needs whole numbers: to train "
            "it on pixels, reassign with the mean of the nearest spots, which sums them."
        )
    return notes
