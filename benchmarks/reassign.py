"""Reassignment against scikit-learn, in one run: same averages, CPU time, peak of new memory.

    OMP_NUM_THREADS=1 python -m benchmarks.reassign [--features 500] [--repeats 5]

Visium-like spots take the values of imaging pixels. "ratio" is scikit-learn's time over ours,
medians of alternating repeats, each with building its search tree. scikit-learn has no cut-off;
the row "mean, cut-off" gives it one by weights of 0 and 1, its only way to leave neighbors out.
Area overlap has no peer there; its row compares with the mean of the K nearest.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.neighbors import KNeighborsRegressor

from spatialmeta_core.reassign import reassign

SIZES = ((2_000, 10_000), (10_000, 50_000))  # ST spots, SM pixels
K, PITCH = 5, 100.0
SPARSE_SHARE = 0.2  # of entries above 0, as in peak tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(
        f"{'spots':>7} {'pixels':>7}  {'case':22} {'ours':>8} {'sklearn':>8} {'ratio':>6}"
        f" {'MiB':>6} {'MiB':>6}  largest difference"
    )
    for n_targets, n_sources in SIZES:
        source, target = sections(n_targets, n_sources)
        values = np.random.default_rng(1).gamma(1.0, size=(n_sources, arguments.features))
        for name, ours, peer in cases(source, target, values):
            row = compare(ours, peer, arguments.repeats)
            print(f"{n_targets:7,} {n_sources:7,}  {name:22} {row}")


def sections(n_targets: int, n_sources: int):
    """Hexagonal spots, and square pixels over the same ground, turned by 7 degrees."""
    side = round(np.sqrt(n_targets))
    column, row = (part.ravel() for part in np.meshgrid(np.arange(side), np.arange(side)))
    target = np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(0.75)]) * PITCH
    width, height = np.ptp(target, axis=0)
    step = np.sqrt(width * height / n_sources)
    column, row = np.meshgrid(np.arange(round(width / step)), np.arange(round(height / step)))
    source = np.column_stack([column.ravel(), row.ravel()]) * step
    turn = np.deg2rad(7.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = target.mean(axis=0)
    source = (source - source.mean(axis=0)) @ rotation.T + middle
    extra = np.random.default_rng(0).uniform(0, width, (max(0, n_sources - len(source)), 2))
    return np.concatenate([source, extra])[:n_sources], target


def cases(source, target, values):
    """Yield name, ours and scikit-learn's way; both return ``(n_targets, n_features)``."""
    near = 0.3 * PITCH
    sparse = csr_array(values * (np.random.default_rng(2).random(values.shape) < SPARSE_SHARE))

    def ours(table, **options):
        return lambda: (
            (
                reassign(
                    table, source, target, n_neighbors=K, **{"max_distance": np.inf, **options}
                )
            ).values
        )

    def peer(table, weights):
        def run():
            dense = table.toarray() if issparse(table) else table  # it takes no sparse values
            return KNeighborsRegressor(K, weights=weights).fit(source, dense).predict(target)

        return run

    yield "mean", ours(values), peer(values, "uniform")
    yield "inverse distance", ours(values, method="distance"), peer(values, "distance")
    yield (
        "mean, cut-off",
        ours(values, max_distance=near),
        peer(values, lambda distance: (distance <= near).astype(float)),
    )
    yield "mean, sparse values", ours(sparse), peer(sparse, "uniform")
    yield "area against mean", ours(values, method="area"), peer(values, "uniform")


def compare(ours, peer, repeats: int) -> str:
    times = {ours: [], peer: []}
    for _ in range(repeats):
        for run, found in times.items():
            started = time.process_time()
            quietly(run)
            found.append(time.process_time() - started)
    mine, other = (float(np.median(found)) for found in times.values())
    results, peaks = zip(*(memory(run) for run in (ours, peer)), strict=True)
    both = ~np.isnan(results[0]) & ~np.isnan(results[1])
    off = np.abs(results[0] - results[1])[both].max()
    return (
        f"{mine * 1e3:6.0f}ms {other * 1e3:6.0f}ms {other / mine:6.1f} {peaks[0]:6.0f} "
        f"{peaks[1]:6.0f}  {off:.1e}"
    )


def quietly(run):
    with warnings.catch_warnings():  # scikit-learn divides 0 by 0 where the cut-off leaves none
        warnings.simplefilter("ignore", RuntimeWarning)
        return run()


def memory(run):
    tracemalloc.start()
    result = quietly(run)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return result, peak


if __name__ == "__main__":
    main()
