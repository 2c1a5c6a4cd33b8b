"""Time and memory of feature selection and training, as ratios against named peers of the same run.

    OMP_NUM_THREADS=1 python -m benchmarks.speed [moran] [training] [memory] [forecast]

Times are CPU seconds of this process, the best of repeats, so that other programs count little.
``memory`` trains in processes of their own and reports each one's largest size, imports, joint
matrix and answers included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

import numpy as np
from scipy import sparse

N_GENES, N_METABOLITES, DENSITY = 2_000, 800, 0.3
KIB = 1024 / 1e9  # ru_maxrss is in KiB on Linux
PARTS = ("moran", "training", "memory", "forecast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="all if not given")
    parser.add_argument("--spots", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--fit", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit is not None:
        fit_and_report(**arguments.fit)
        return
    for part in arguments.parts or PARTS:
        {"moran": moran, "training": training, "forecast": forecasts}.get(
            part, lambda: memory(arguments.spots)
        )()


def cpu_seconds(run, repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def lattice(n_spots: int) -> np.ndarray:
    """Hexagonal, in random order as barcodes are."""
    side = int(np.ceil(np.sqrt(n_spots)))
    x, y = np.meshgrid(np.arange(side, dtype=float), np.arange(side, dtype=float))
    x[1::2] += 0.5
    xy = np.column_stack([x.ravel(), y.ravel() * np.sqrt(0.75)])[:n_spots]
    return xy[np.random.default_rng(0).permutation(n_spots)]


def moran(n_spots: int = 10_000, n_genes: int = 18_000, n_peer: int = 600) -> None:
    """All genes by ours; squidpy and scanpy on some of them, scaled up in proportion."""
    import anndata
    import scanpy
    import squidpy

    from spatialmeta_core import features, graph

    rng = np.random.default_rng(0)
    counts = sparse.random(n_spots, n_genes, 0.104, "csr", np.float32, random_state=rng)
    by_gene, xy = counts.tocsc(), lattice(n_spots)
    weights = graph.spatial_neighbors(xy)
    first = cpu_seconds(lambda: features.morans_i(by_gene[:, :10], xy), 1)
    few = anndata.AnnData(counts[:, :n_peer])
    few.obsp["spatial_connectivities"] = weights
    scale = n_genes / n_peer

    def peer():
        return squidpy.gr.spatial_autocorr(
            few, mode="moran", n_perms=None, copy=True, show_progress_bar=False, n_jobs=1
        )

    theirs = cpu_seconds(peer) * scale
    other = cpu_seconds(lambda: scanpy.metrics.morans_i(weights, few.X.T.tocsr())) * scale
    print(f"Moran's I with p and BH, {n_spots:,} spots x {n_genes:,} genes, CPU s")
    print(f"  squidpy {squidpy.__version__} ({n_peer} genes, scaled)   {theirs:7.2f}")
    print(f"  scanpy statistic alone ({n_peer} genes, scaled) {other:7.2f}")
    for name, values in (("columns", by_gene), ("rows", counts)):
        ours = cpu_seconds(lambda values=values: features.morans_i(values, xy))
        print(
            f"  ours, matrix by {name}, neighbors included  {ours:7.2f}  "
            f"{theirs / ours:5.1f} x squidpy"
        )
    print(f"  once per process, to load the compiled loop  {first:7.2f}")
    found = features.morans_i(by_gene[:, :n_peer], xy, names=few.var_names)["moran_i"]
    print(f"  largest difference {np.abs(found - peer()['I'].reindex(few.var_names)).max():.1e}")


def made_joint(n_spots: int, seed: int = 0):
    """Joint matrix of random counts and intensities in six domains, sparse, built in parts."""
    import anndata
    import pandas as pd

    rng = np.random.default_rng(seed)
    log_mean = rng.normal(-1.2, 1.2, N_GENES) + rng.normal(0, 0.5, (6, N_GENES))
    log_level = rng.normal(3, 1, N_METABOLITES) + rng.normal(0, 0.5, (6, N_METABOLITES))
    parts = []
    for start in range(0, n_spots, 2_000):
        domain = rng.integers(0, 6, min(2_000, n_spots - start))
        depth = rng.lognormal(0, 0.3, (len(domain), 1))
        counts = rng.poisson(np.exp(log_mean[domain]) * depth)
        level = np.exp(log_level[domain] + rng.normal(0, 0.5, (len(domain), N_METABOLITES)))
        parts.append(sparse.csr_matrix(np.hstack([counts, level]).astype(np.float32)))
    kind = ["ST"] * N_GENES + ["SM"] * N_METABOLITES
    var = pd.DataFrame({"type": kind}, index=[f"f{i}" for i in range(len(kind))])
    matrix = sparse.vstack(parts, format="csr")
    parts.clear()
    return anndata.AnnData(matrix, var=var)


def training(n_spots: int = 2_000, epochs: int = 2) -> None:
    """Epochs of training alone, by turns, so that a busy machine slows both alike."""
    import torch

    from benchmarks.peers import textbook
    from spatialmeta_core.integrate import fit
    from spatialmeta_core.integrate.data import prepare
    from spatialmeta_core.integrate.train import optimize
    from spatialmeta_core.params import LossWeights, NetParams, TrainParams

    torch.set_num_threads(1)
    data = prepare(made_joint(n_spots))
    counts, values, _ = (tensor.numpy() for tensor in data.spots.tensors)
    counts = sparse.csr_matrix(counts)
    params = TrainParams(max_epochs=epochs, validation_fraction=0.0)

    def ours():
        module = fit._new_module(data, NetParams(), seed=0, device=torch.device("cpu"))  # noqa: SLF001
        optimize(module, data.spots, params, LossWeights())

    def theirs():
        textbook.train(counts, values, epochs=epochs)

    times = [(cpu_seconds(theirs, 1), cpu_seconds(ours, 1)) for _ in range(4)][1:]
    peer, own = (min(column) for column in zip(*times, strict=True))
    ratios = sorted(p / o for p, o in times)
    density = counts.nnz / np.prod(counts.shape)
    print(
        f"Training, {n_spots:,} spots x {counts.shape[1]:,} genes ({density:.0%} not zero) and "
        f"{values.shape[1]} metabolites, one thread"
    )
    print(f"  textbook loop  {n_spots * epochs / peer:7.0f} spots per CPU s")
    print(
        f"  ours           {n_spots * epochs / own:7.0f} spots per CPU s, {peer / own:.2f} x "
        f"(by turns {ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def fit_and_report(path: str, epochs: int, memory_gb: float | None) -> None:
    """Train in this process and print what it took."""
    import anndata

    from spatialmeta_core.integrate import integrate
    from spatialmeta_core.params import TrainParams

    joint = anndata.read_h5ad(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    params = TrainParams(max_epochs=epochs, memory_gb=memory_gb, separate=False)
    started = time.process_time()
    result = integrate(joint, train=params, device="cpu")
    took = time.process_time() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {"cpu": took, "epochs": len(result.losses), "before": before * KIB, "peak": after * KIB}
        )
    )


@contextmanager
def stored_joint(n_spots: int):
    """A file with the joint matrix, written by a process of its own: making it takes memory too."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/joint.h5ad"
        code = (
            f"from benchmarks.speed import made_joint; made_joint({n_spots}).write_h5ad({path!r})"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        yield path


def fitted(**settings) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.speed", "--fit", json.dumps(settings)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def memory(sizes: list[int], epochs: int = 1) -> None:
    print(f"Memory and time of {epochs} epoch, {N_GENES:,} genes and {N_METABOLITES} metabolites")
    print("  spots    kept     peak GB   (before training)   CPU s   ms per spot")
    for n_spots in sizes:
        with stored_joint(n_spots) as path:
            for kept, memory_gb in (("sparse", 0.0), ("dense", 1e3)):
                found = fitted(path=path, epochs=epochs, memory_gb=memory_gb)
                print(
                    f"  {n_spots:7,}  {kept:6}  {found['peak']:8.2f}   {found['before']:8.2f}      "
                    f"  {found['cpu']:8.1f}   {1000 * found['cpu'] / n_spots:8.2f}",
                    flush=True,
                )


def forecasts() -> None:
    """Forecast against what happens, to early stopping at 2,000 spots, few epochs above."""
    from spatialmeta_core.integrate import forecast
    from spatialmeta_core.params import TrainParams

    print("Forecast / what happened")
    for n_spots, epochs, memory_gb in ((2_000, 200, None), (10_000, 4, None), (10_000, 4, 0.0)):
        params = TrainParams(max_epochs=epochs, memory_gb=memory_gb, separate=False)
        told = forecast(n_spots, N_GENES, N_METABOLITES, train=params, device="cpu")
        with stored_joint(n_spots) as path:
            found = fitted(path=path, epochs=epochs, memory_gb=memory_gb)
        print(
            f"  {n_spots:6,} spots: CPU s {told.cpu_seconds:6.1f} / {found['cpu']:6.1f}, epochs "
            f"{told.epochs_expected} / {found['epochs']:.0f}, peak GB "
            f"{told.peak_bytes / 1e9:.2f} / {found['peak']:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
