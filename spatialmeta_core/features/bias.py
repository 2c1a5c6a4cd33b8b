"""Features that tell one sample from the others, whatever the tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatialmeta_core.params import FeatureParams
    from spatialmeta_core.stats import FeatureBlock
    from spatialmeta_core.types import BoolArray, FloatArray

__all__ = ["Bias", "sample_bias"]


@dataclass(frozen=True, slots=True, eq=False)
class Bias:
    """How each sample stands out against the others, each ``(n_samples, n_features)``.

    Attributes
    ----------
    log2fc
        Log2 fold change of the mean in the sample against that in all others; 0 for one sample.
    fraction
        Share of the sample's spots in which the feature is not zero, 0 to 1.
    is_biased
        Whether both are above the thresholds.
    """

    log2fc: FloatArray
    fraction: FloatArray
    is_biased: BoolArray


def sample_bias(
    block: FeatureBlock,
    sample: NDArray[np.object_],
    names: NDArray[np.object_],
    params: FeatureParams,
) -> Bias:
    """Compare each sample with all others, feature by feature.

    Parameters
    ----------
    block
        Features of one modality, ``n`` rows.
    sample, names
        Name of each row's sample, shape ``(n,)``, and the samples, shape ``(n_samples,)``.
    params
        Gives ``bias_min_log2fc`` and ``bias_min_fraction``.

    Returns
    -------
    Bias
        With one sample there are no others, and nothing is biased.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Batch-biased features".
    """
    shape = (len(names), len(block.columns))
    log2fc, fraction = np.zeros(shape), np.zeros(shape)
    if len(names) < 2:  # noqa: PLR2004, one sample has no others to differ from
        return Bias(log2fc, fraction, np.zeros(shape, bool))
    linear = block.linear()
    pseudo = stats.pseudo_count(linear)
    total = np.asarray(linear.sum(axis=0)).ravel()
    by_spot = linear.tocsr()
    for row, name in enumerate(names):
        members = sample == name
        inside = by_spot[members]
        n_inside = members.sum()
        own = np.asarray(inside.sum(axis=0)).ravel()
        log2fc[row] = stats.log2_fold_change(
            own / n_inside, (total - own) / (len(members) - n_inside), pseudo
        )
        fraction[row] = np.asarray((inside > 0).sum(axis=0)).ravel() / n_inside
    is_biased = (log2fc > params.bias_min_log2fc) & (fraction > params.bias_min_fraction)
    return Bias(log2fc, fraction, is_biased)
