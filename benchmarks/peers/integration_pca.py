"""Principal components of one or both modalities, and what they rebuild."""

from __future__ import annotations

import numpy as np

from spatialmeta_core.metrics import principal_components

N_COMPONENTS = 20


def pca(section, seed: int, kinds: tuple[str, ...] = ("ST", "SM")) -> dict[str, np.ndarray]:
    """Embedding and, of the modalities used, values at the spot's depth and log intensities."""
    counts, total = section.counts, section.counts.sum(axis=1, keepdims=True)
    values = {"ST": np.log1p(counts / total * 1e4), "SM": section.log_sm}
    found = principal_components(
        [values[kind] for kind in kinds], n_components=N_COMPONENTS, seed=seed
    )
    result = {"embedding": found.embedding}
    for kind, rebuilt in zip(kinds, found.denoised, strict=True):
        kept = np.maximum(rebuilt, 0)
        result[kind] = np.expm1(kept) * total / 1e4 if kind == "ST" else kept
    return result
