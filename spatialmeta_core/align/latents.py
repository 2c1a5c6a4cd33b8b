"""Few latent values per spot from many genes or metabolites, for the terms of eqs 5 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray

TOTAL = 1e4  # per spot after normalization, the usual "counts per ten thousand"
N_FEATURES = 2000  # most variable ones
N_EXTRA = 10  # random directions beyond those wanted
N_POWERS = 4
MIN_SPOTS = 10
CONSTANT_SD = 1e-6


def latents(
    values: FloatArray | sparse.spmatrix | Any,
    *,
    method: Literal["pca", "vae"] = "pca",
    n_latent: int = 10,
    seed: int = 0,
) -> FloatArray:
    """Summarize genes or metabolites in a few latent values per spot.

    Values are divided by the spot's total, multiplied by 10,000 and taken as log(1 + x); the 2,000
    most variable features are kept and standardized.

    Parameters
    ----------
    values
        Raw counts or raw intensities, shape ``(n, n_features)``, dense or sparse, 0 or more.
    method
        ``"pca"``: principal components. ``"vae"``: means of a small variational autoencoder, as in
        the paper; it places sections no better and takes seconds instead of a fraction of one
        (``benchmarks/alignment_terms.py --latents vae``).
    n_latent
        Number of columns returned, fewer if there are fewer features.
    seed
        Of the random directions or of the network.

    Returns
    -------
    Shape ``(n, n_latent)``; a spot without any signal gets the mean of all others.

    Raises
    ------
    InvalidDataError
        With fewer than 10 spots, missing or negative values, or nothing that varies.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 5 and 6.
    """
    standard, found = _standardized(values)
    n_latent = min(n_latent, *standard.shape)
    if method == "vae":
        from spatialmeta_core.align.vae import vae_latents  # noqa: PLC0415  # torch: slow to load

        some = vae_latents(standard, n_latent, seed)
    else:
        some = leading_components(standard, n_latent, seed)
    scores = np.full((len(found), n_latent), some.mean(axis=0))
    scores[found] = some
    return scores


def _standardized(values: Any) -> tuple[FloatArray, BoolArray]:
    """Return standardized log values ``(n_found, n_kept)`` and which spots have any signal."""
    matrix = values.tocsr() if sparse.issparse(values) else np.asarray(values)
    n = matrix.shape[0]
    if n < MIN_SPOTS:
        raise InvalidDataError(f"{n} spots were given; latent values need at least {MIN_SPOTS}.")
    stored = np.asarray(matrix.data if sparse.issparse(matrix) else matrix)
    if not np.isfinite(stored).all() or stored.min(initial=0) < 0:
        raise InvalidDataError(
            "Some values are missing, infinite or negative; expected raw counts or raw "
            "intensities, 0 or more. Load the original values."
        )
    total = np.asarray(matrix.sum(axis=1, dtype=float)).ravel()
    found = total > 0
    per_spot = np.divide(TOTAL, total, out=np.zeros(n), where=found)
    if sparse.issparse(matrix):
        logged = (sparse.diags_array(per_spot) @ matrix).tocsr().astype(np.float32)
        logged.data = np.log1p(logged.data)
        mean = np.asarray(logged.mean(axis=0)).ravel()
        square = np.asarray(logged.multiply(logged).mean(axis=0)).ravel()
        variance = np.maximum(square - mean**2, 0)
    else:
        logged = np.log1p(matrix * per_spot[:, None], dtype=np.float32)
        variance = logged.var(axis=0)
    kept = np.sort(np.argsort(-variance, kind="stable")[:N_FEATURES])
    kept = kept[variance[kept] > CONSTANT_SD**2]
    if not len(kept) or not found.any():
        raise InvalidDataError(
            "No feature differs between spots, so there is nothing to compare. Check the values."
        )
    part = logged[:, kept]
    dense = np.asarray(part.toarray() if sparse.issparse(part) else part)[found]
    sd = np.maximum(dense.std(axis=0), CONSTANT_SD)
    return np.asarray((dense - dense.mean(axis=0)) / sd), found


def leading_components(values: FloatArray, n_components: int, seed: int = 0) -> FloatArray:
    """Scores ``(n, n_components)`` of the leading principal components, signs fixed.

    Columns are centered, not scaled. The algorithm is that of Halko, Martinsson and Tropp (2011).
    """
    centered = values - values.mean(axis=0)
    rng = np.random.default_rng(seed)
    width = min(n_components + N_EXTRA, *centered.shape)
    basis = rng.standard_normal((centered.shape[1], width)).astype(centered.dtype)
    for _ in range(N_POWERS):
        basis = np.linalg.qr(centered.T @ np.linalg.qr(centered @ basis)[0])[0]
    left, size, right = np.linalg.svd(centered @ basis, full_matrices=False)
    axes = right @ basis.T
    sign = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return np.asarray((left * size * sign)[:, :n_components], float)
