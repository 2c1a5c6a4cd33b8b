"""Measure an integration beside principal components, as JSON for the screens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialmeta_core import keys, metrics
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    import anndata as ad

    from spatialmeta_core.integrate.result import Integration
    from spatialmeta_core.types import IntArray


def quality_of(data: ad.AnnData, result: Integration, labels: IntArray) -> dict[str, Any]:
    """Return all metrics of a run and of its baseline.

    Parameters
    ----------
    data
        The joint section that was integrated.
    result
        The integration.
    labels
        Its clusters, shape ``(n_spots,)``, -1 for spots left out.

    Returns
    -------
    ``rows`` (of ``spatialmeta_core.metrics.report``; missing numbers are None), ``baseline``,
    ``notes``, ``rebuilt`` (mean correlation per modality) and ``n_clusters``; or ``problem``, why
    it cannot be measured.
    """
    spots = metrics.Spots(
        xy=np.asarray(data.obsm[keys.SPATIAL], float),
        modalities=metrics.modalities(data, result.features, result.denoised),
        batch=data.obs[keys.SAMPLE].to_numpy() if keys.SAMPLE in data.obs else None,
    )
    try:
        found = metrics.report(result.embedding.joint, labels, spots)
    except InvalidDataError as error:
        return {"problem": str(error)}
    used = np.flatnonzero(result.used)
    rebuilt = {
        one.name: float(np.nanmean(metrics.pearson(one.measured[used], one.denoised[used])))
        for one in spots.modalities
        if one.denoised is not None
    }
    rows = found.table.to_dict(orient="records")
    return {
        "rows": [{str(key): _plain(value) for key, value in row.items()} for row in rows],
        "baseline": found.baseline,
        "notes": list(found.notes),
        "rebuilt": rebuilt,
        "n_clusters": int(labels.max()) + 1,
    }


def _plain(value: Any) -> Any:
    """Turn numpy's numbers into JSON's, and what is no number into None."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
