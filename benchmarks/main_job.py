"""The main job on data whose truth is known: is what was planted found again?

    python -m benchmarks.main_job [--seeds 0 1] [--pair FOLDER]

Prints, for the simulated section and, when given, for a folder with ``outs/``, ``msi.csv.gz`` and
``truth.npz`` (``sm_xy_true``: true position of each SM pixel, full-resolution px; ``spot_domain``):
the alignment error from a hand start, the share of spots covered, the adjusted Rand index of the
clusters beside Leiden on PCA of the concatenated data, and, for the simulated section, how many
planted markers and gradient features are found.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from spatialmeta_core import cluster, io, joint, keys, simulate, trajectory
from spatialmeta_core.align import align
from spatialmeta_core.features import select_features
from spatialmeta_core.geometry import apply_pose, compose, make_pose
from spatialmeta_core.integrate import integrate
from spatialmeta_core.markers import rank_clusters
from spatialmeta_core.types import Pose

RESOLUTIONS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.5)
START_ANGLE_DEG, START_SHIFT = 10.0, 0.06  # how far off the hand start is; shift in widths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--pair", type=Path, help="folder with outs/, msi.csv.gz, truth.npz")
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        simulated(seed)
    if arguments.pair:
        pair(arguments.pair)
    else:
        print("no --pair given: the real section was not measured")


def simulated(seed: int) -> dict[str, float]:
    section = simulate.paired_section(seed)
    truth = section.truth
    print(f"simulated section, seed {seed}")
    table, figures = through(section.st, section.sm, truth.sm_xy, np.asarray(truth.st_domain))
    return figures | recovered(section, table)


def pair(folder: Path) -> dict[str, float]:
    st, sm = io.read_st(folder / "outs"), io.read_sm(folder / "msi.csv.gz")
    with np.load(folder / "truth.npz") as truth:
        true_xy, domain = truth["sm_xy_true"], truth["spot_domain"]
    print(folder.name)
    return through(st, sm, true_xy, domain)[1]


def through(st, sm, true_xy, domain) -> tuple[object, dict[str, float]]:
    """Align, join, choose features, train and cluster; compare with the truth on the way."""
    print(f"  {st.n_obs} spots, {sm.n_obs} pixels, {st.n_vars} genes, {sm.n_vars} m/z values")
    found, figures = alignment_error(sm.obsm[keys.SPATIAL], true_xy, st.obsm[keys.SPATIAL])
    table = joint.join(st, sm, found)
    covered = table.obs[keys.N_DONORS].to_numpy() > 0
    table.var[keys.SELECTED] = select_features(table)[keys.SELECTED].to_numpy()
    started = time.process_time()
    fit = integrate(table)
    cpu = time.process_time() - started
    known = fit.used & (domain >= 0)
    ours = scores(fit.embedding.joint[known], domain[known])
    peer = scores(concatenated_pca(table)[known], domain[known])
    n_features = int(table.var[keys.SELECTED].sum())
    print(f"  covered {covered.mean():.3f} of the spots; {n_features} features")
    print(f"  training {len(fit.losses)} epochs, {cpu:.0f} CPU s")
    print("  ARI against the true domains      resolution 1   best")
    print(f"    this model                      {ours[0]:.3f}          {ours[1]:.3f}")
    print(f"    PCA, concatenated               {peer[0]:.3f}          {peer[1]:.3f}")
    figures |= {"ari": ours[0], "ari_best": ours[1], "pca": peer[0], "pca_best": peer[1]}
    return table, figures


def alignment_error(sm_xy, true_xy, st_xy) -> tuple[object, dict[str, float]]:
    """Align from a start that is off by a known amount; errors in percent of the ST width."""
    width = float(np.sqrt(np.prod(np.ptp(st_xy, axis=0))))
    start = hand_start(sm_xy, true_xy, width)
    found = align(sm_xy, st_xy, start=start)
    before = np.linalg.norm(apply_pose(start, sm_xy) - true_xy, axis=1) / width * 100
    after = np.linalg.norm(found.apply(sm_xy) - true_xy, axis=1) / width * 100
    print(
        f"  alignment from {START_ANGLE_DEG:g} degrees and {START_SHIFT:.0%} off: median error "
        f"{np.median(after):.2f} % of the width, p95 {np.percentile(after, 95):.2f} % "
        f"(start {np.median(before):.2f} %)"
    )
    return found, {"median": float(np.median(after)), "start": float(np.median(before))}


def hand_start(sm_xy, true_xy, width: float) -> Pose:
    """The best affine map, then turned and shifted."""
    design = np.column_stack([sm_xy, np.ones(len(sm_xy))])
    best = Pose(np.linalg.lstsq(design, true_xy, rcond=None)[0].T)
    shift = START_SHIFT * width / np.sqrt(2)
    center = tuple(true_xy.mean(axis=0))
    return compose(make_pose(START_ANGLE_DEG, shift=(shift, shift), center=center), best)


def scores(latent, domain) -> tuple[float, float]:
    """ARI at resolution 1 and at the best resolution."""
    by_resolution = {
        r: adjusted_rand_score(domain, cluster.leiden(latent, resolution=r)) for r in RESOLUTIONS
    }
    return by_resolution[1.0], max(by_resolution.values())


def concatenated_pca(table, n_components: int = 20):
    """PCA of both modalities side by side, standardized, of equal total variance."""
    blocks = []
    for kind in (keys.ST, keys.SM):
        columns = (table.var[keys.FEATURE_TYPE] == kind) & table.var[keys.SELECTED]
        x = table.layers[keys.NORMALIZED][:, columns.to_numpy()].toarray()
        x = np.nan_to_num((x - np.nanmean(x, axis=0)) / (np.nanstd(x, axis=0) + 1e-9))
        blocks.append(x / np.sqrt(x.shape[1]))
    return PCA(n_components, random_state=0).fit_transform(np.hstack(blocks))


def recovered(section, table) -> dict[str, float]:
    """Share of planted markers among the top of their domain, and of gradient features found."""
    ranked = rank_clusters(table, np.asarray(section.truth.st_domain))
    planted = section.truth.markers
    hits = 0
    codes = {name: code for code, name in enumerate(section.truth.domain_names)}
    for name, mine in planted.groupby("domain"):
        domain = codes[name]
        tops = ranked[(ranked["cluster"].astype(str) == str(domain)) & (ranked["log2fc"] > 0)]
        wanted = set(mine["feature"]) & set(tops["feature"])
        hits += len(set(tops["feature"].head(2 * len(mine))) & wanted)
    followers = set(section.truth.followers["feature"])
    path = section.truth.trajectory
    strong = set(trajectory.rank_gradients(table, path).head(2 * len(followers))["feature"])
    found = len(strong & followers)
    print(f"  planted markers among twice as many top features: {hits} of {len(planted)}")
    print(f"  planted gradient features among twice as many: {found} of {len(followers)}")
    return {"markers": hits / len(planted), "gradient": found / len(followers)}


if __name__ == "__main__":
    main()
