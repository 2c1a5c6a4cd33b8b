"""What is measured of one fit in the integration benchmark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.integration_pca import pca
from spatialmeta_core import cluster, keys, metrics

if TYPE_CHECKING:
    from benchmarks.sections import Section


def evaluate(section: Section, found: dict[str, np.ndarray]) -> dict[str, float]:
    """Measure one fit."""
    used = np.isfinite(found["embedding"]).all(axis=1)
    place, domain = found["embedding"][used].astype(float), section.domain[used]
    suggestion = cluster.suggest_resolution(place)
    at_one = cluster.leiden(place, resolution=1.0)
    own = suggestion.labels[suggestion.table["resolution"].tolist().index(suggestion.resolution)]
    tried = [*suggestion.labels, at_one]
    agreement = [metrics.ari(domain, labels) for labels in tried]
    best = int(np.argmax(agreement))
    row = {
        "one": agreement[-1],
        "one_k": at_one.max() + 1,
        "own": metrics.ari(domain, own),
        "own_k": own.max() + 1,
        "best": agreement[best],
        "best_k": tried[best].max() + 1,
        "cpu": float(found["cpu"]),
    }
    truths = {"ST": section.true_counts, "SM": section.true_log_sm}
    for kind, true in truths.items():
        if kind in found and true is not None:
            row[f"true_{kind}"] = np.nanmean(metrics.pearson(true[used], found[kind][used]))
    single = metrics.measure(place, own, on_tissue(section, found, used))
    row["partial"] = not truths.keys() <= found.keys()
    if row["partial"]:  # the mean over one modality does not compare with that over both
        single |= {"pcc": math.nan, "cosine": math.nan}
        clean = single
    elif section.true_counts is None:
        clean = None
    else:
        clean = single | against_truth(section, found, used)
    row |= single | metrics.scores(single).by_name
    row["vertical_true"] = metrics.scores(clean).by_name["vertical"] if clean else math.nan
    return row | contribution(section, found)


def on_tissue(section: Section, found: dict[str, np.ndarray], used: np.ndarray) -> metrics.Spots:
    """What the metrics take, on the scale of log-normalized values."""
    counts = section.counts
    total = counts.sum(axis=1, keepdims=True)
    rebuilt = {"SM": found.get("SM")}
    rebuilt["ST"] = np.log1p(found["ST"] / total * 1e4) if "ST" in found else None
    measured = {"ST": np.log1p(counts / total * 1e4), "SM": section.log_sm}
    several = len(np.unique(section.sample)) > 1
    before = pca(section, 0)["embedding"][used] if several else None
    return metrics.Spots(
        xy=section.joint.obsm[keys.SPATIAL][used],
        modalities=tuple(
            metrics.Modality(
                kind,
                measured[kind][used],
                None if rebuilt[kind] is None else np.asarray(rebuilt[kind], float)[used],
            )
            for kind in ("ST", "SM")
        ),
        batch=section.sample[used] if several else None,
        truth=section.domain[used],
        before=before,
    )


def against_truth(section: Section, found: dict[str, np.ndarray], used) -> dict[str, float]:
    """PCC and CS against the noise-free log-normalized values."""
    total = section.counts.sum(axis=1, keepdims=True)
    genes = [np.log1p(counts / total * 1e4) for counts in (section.true_counts, found["ST"])]
    pairs = genes, (section.true_log_sm, found["SM"])
    each = {"pcc": metrics.pearson, "cosine": metrics.cosine}
    return {
        name: float(np.mean([np.nanmean(one(a[used], b[used])) for a, b in pairs]))
        for name, one in each.items()
    }


def contribution(section: Section, found: dict[str, np.ndarray]) -> dict[str, float]:
    """Tell how often the contribution names the modality that alone splits a domain off.

    The "side" is the mean of both shares.
    """
    if "balance" not in found or not section.only_st:
        return {}
    balance, domain = found["balance"], section.domain
    st, sm = np.isin(domain, section.only_st), np.isin(domain, section.only_sm)
    known = ~np.isnan(balance)
    only_st = float((balance[st & known] > 0.5).mean())
    only_sm = float((balance[sm & known] < 0.5).mean())
    return {
        "only_st": only_st,
        "only_sm": only_sm,
        "side": (only_st + only_sm) / 2,
        "even": float(np.median(balance[~st & ~sm & known])),
    }
