"""Markers and trajectories against named peers, in one run on one thread, in CPU seconds.

    OMP_NUM_THREADS=1 python -m benchmarks.explore [--spots 10000] [--genes 18000]

A hexagonal section of log-normalized counts, about one in ten above 0. illico (``pip install
illico``) and scanpy are the peers of the Wilcoxon tests, a loop of statsmodels' LOWESS that of the
trajectory screen; scanpy and LOWESS run on ``--peer-genes`` genes (300) and are scaled up, marked
[x]. Every p is compared with scanpy (ties corrected) and, for some genes, with SciPy.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse
from scipy.stats import mannwhitneyu

from spatialmeta_core import keys, markers, trajectory
from spatialmeta_core.types import Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable

N_CLUSTERS = 8
NULL_GENES = 2_800
SCIPY_GENES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spots", type=int, default=10_000)
    parser.add_argument("--genes", type=int, default=18_000)
    parser.add_argument("--peer-genes", type=int, default=300)
    arguments = parser.parse_args()
    joint = section(arguments.spots, arguments.genes)
    layer = joint.layers[keys.NORMALIZED]
    print(f"{joint.n_obs:,} spots, {joint.n_vars:,} genes, {layer.nnz / np.prod(joint.shape):.3f}")
    markers.build_index(joint[:100, :50].copy())  # compiles, as opening a project does
    wilcoxon(joint, arguments.peer_genes)
    spatial(joint)
    paths(joint, arguments.peer_genes)


def section(n_spots: int, n_genes: int) -> AnnData:
    rng = np.random.default_rng(0)
    side = round(np.sqrt(n_spots))
    row, column = np.divmod(np.arange(side**2), side)
    xy = np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(0.75)]) * 100.0
    rate = rng.gamma(0.25, 0.6, n_genes)
    rate *= 0.104 / np.mean(1 - np.exp(-rate))
    depth = rng.lognormal(0, 0.4, side**2)
    counts = sparse.vstack(
        [
            sparse.csr_matrix(rng.poisson(part[:, None] * rate).astype(np.float32))
            for part in np.array_split(depth, max(1, side**2 // 500))
        ],
        "csr",
    )
    total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    values = sparse.csr_matrix(sparse.diags_array(1e4 / total) @ counts).log1p()
    joint = AnnData(sparse.csr_matrix(values.shape, dtype=np.float32), obsm={keys.SPATIAL: xy})
    joint.var[keys.FEATURE_TYPE] = keys.ST
    joint.layers[keys.NORMALIZED] = values.astype(np.float32)
    return joint


def wilcoxon(joint: AnnData, n_peer: int) -> None:
    xy = joint.obsm[keys.SPATIAL]
    away = np.linalg.norm(xy - xy.mean(axis=0), axis=1)
    mask = away <= np.sort(away)[len(xy) // 10]
    labels = np.digitize(xy[:, 0], np.quantile(xy[:, 0], np.arange(1, N_CLUSTERS) / N_CLUSTERS))
    index_s, index = cpu(lambda: markers.build_index(joint), 3)
    lasso, table = cpu(lambda: markers.rank_markers(joint, mask, index=index), 9)
    clusters, _ = cpu(lambda: markers.rank_clusters(joint, labels, index=index), 5)
    print(
        f"  index {index_s:.2f} s; lasso {lasso * 1e3:.1f} ms; 8 clusters {clusters * 1e3:.0f} ms"
    )
    groups = pd.Categorical(np.where(mask, "in", "out"))
    if importlib.util.find_spec("illico"):
        one = illico(joint, groups, ["in"])
        eight = illico(joint, pd.Categorical(labels.astype(str)), None)
        print(
            f"  illico: one group {one:.2f} s, {one / lasso:.0f} x a repeated lasso; first lasso "
            f"(index and all) {(index_s + lasso) / one:.2f} x illico; 8 clusters {eight:.2f} s, "
            f"{eight / clusters:.1f} x ours"
        )
    else:
        print("  illico is not installed: not measured")
    peer_s, peer = scanpy(joint[:, :n_peer], groups)
    scaled = peer_s * joint.n_vars / n_peer
    print(f"  scanpy: one group {scaled:.1f} s [x], {scaled / lasso:.0f} x a repeated lasso")
    ours = table.set_index("feature")["p"]
    print(f"  p against scanpy: {difference(ours[peer.index], peer):.1e} relative")
    dense = joint.layers[keys.NORMALIZED][:, :SCIPY_GENES].toarray().astype(float)
    by_scipy = mannwhitneyu(dense[mask], dense[~mask], use_continuity=False, method="asymptotic")
    found = ours[joint.var_names[:SCIPY_GENES]]
    print(f"  p against SciPy: {difference(found, by_scipy.pvalue):.1e} relative")


def illico(joint: AnnData, groups, chosen) -> float:
    from illico import asymptotic_wilcoxon

    obs = pd.DataFrame({"group": groups}, index=joint.obs_names)
    data = AnnData(joint.layers[keys.NORMALIZED].tocsc(), obs=obs)
    plan = {"is_log1p": True, "group_keys": "group", "use_continuity": False, "n_threads": 1}
    with contextlib.redirect_stderr(io.StringIO()):
        return cpu(lambda: asymptotic_wilcoxon(data, groups=chosen, **plan), 2)[0]


def scanpy(part: AnnData, groups):
    import scanpy as sc

    obs = pd.DataFrame({"group": groups}, index=part.obs_names)
    data = AnnData(part.layers[keys.NORMALIZED].copy(), obs=obs)
    data.var_names = part.var_names

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sc.tl.rank_genes_groups(
                data, "group", groups=["in"], method="wilcoxon", tie_correct=True
            )

    spent, _ = cpu(run, 1)
    return spent, sc.get.rank_genes_groups_df(data, "in").set_index("names")["pvals"]


def difference(ours, peer) -> float:
    ours, peer = np.asarray(ours), np.asarray(peer)
    usable = np.isfinite(peer) & (peer > 0)
    return float(np.max(np.abs(ours[usable] / peer[usable] - 1)))


def spatial(joint: AnnData) -> None:
    part = joint[:, :NULL_GENES].copy()
    xy = part.obsm[keys.SPATIAL]
    away = np.linalg.norm(xy - xy.mean(axis=0) - 800.0, axis=1)
    mask = away <= np.sort(away)[len(xy) // 10]
    table = markers.rank_markers(part, mask)
    spent, found = cpu(lambda: markers.add_spatial_p(table, part, mask, n_placements=1000), 1)
    print(
        f"  spatial null of a lasso, {part.n_vars:,} genes, {found.n_placements} placements: "
        f"{spent:.1f} s"
    )


def paths(joint: AnnData, n_peer: int) -> None:
    low, high = joint.obsm[keys.SPATIAL].min(axis=0), joint.obsm[keys.SPATIAL].max(axis=0)
    corners = low + (high - low) * np.array([[0.1, 0.2], [0.3, 0.5], [0.6, 0.5], [0.9, 0.8]])
    path = Trajectory("t", "path", "", corners, 0.27 * float(high[0] - low[0]))
    axis = trajectory.find_axis(joint, path)
    trajectory.screen(joint[:, :50].copy(), path)
    spent, _ = cpu(lambda: trajectory.screen(joint, path), 5)
    print(f"  screen of all genes, {len(axis.spots):,} spots: {spent:.3f} s")
    if importlib.util.find_spec("statsmodels"):
        peer = lowess(joint, axis, n_peer) * joint.n_vars / n_peer
        print(f"  LOWESS loop: {peer:.0f} s [x], {peer / spent:.0f} x ours")
    else:
        print("  statsmodels is not installed: LOWESS was not measured")


def lowess(joint: AnnData, axis: trajectory.Axis, n_genes: int) -> float:
    from statsmodels.nonparametric.smoothers_lowess import lowess as smooth

    values = joint.layers[keys.NORMALIZED][axis.spots][:, :n_genes].toarray().astype(float)
    delta = 0.01 * (axis.stop - axis.start)  # the fast settings: no robustness, few points

    def run() -> None:
        for own in values.T:
            smooth(own, axis.along, it=0, delta=delta)

    return cpu(run, 1)[0]


def cpu(run: Callable[[], object], repeats: int):
    """Least CPU seconds of some repeats, and the last result."""
    found = []
    for _ in range(repeats):
        started = time.process_time()
        result = run()
        found.append(time.process_time() - started)
    return min(found), result


if __name__ == "__main__":
    main()
