"""Integration beside its peers, on sections whose truth is known; one table for each question.

    OMP_NUM_THREADS=1 python -m benchmarks.integration [--seeds 0 1] [--exam PATH/sections.py]
        [--pair FOLDER] [--external PYTHON] [--only NAME ...] [--part one samples] [--quick]
        [--cache FOLDER]

Means over seeds, and standard deviations after "±". Every method is clustered in the same way.
"r 1" is the adjusted Rand index (ARI) at resolution 1, "own" at the resolution that
``suggest_resolution`` chooses, "best" at the best of all tried, each with its number of clusters.
"true SM", "true ST": correlation (PCC) of denoised values with the noise-free ones, per feature, as
log intensities and as counts. "eq 24", "eq 36", "eq 40": overall scores across modalities, across
samples and of both, for the clusters at the own resolution.

Eq. 24 as published rewards the copying of noise. Its PCC and CS ("PCC", "CS", means of both
modalities) compare denoised values with measured ones, and noise cannot be foretold: the noise-free
values themselves ("the truth") reach well below 1, and a method that keeps a share of each value's
noise, as principal components do, goes above them. So "eq 24" can rank PCA above the truth. It is
kept because it is the paper's; "eq 24 t", the same with PCC and CS against the noise-free values,
is the one to compare methods by, and noise is no help there. Measured ST has none (``--pair``).

"ours, not separated" leaves the latent coordinates as they were trained. Where only a few groups of
spots have gaps between them, as with ``--pair``, drawing these apart hides the other domains.

"*" marks a method that does not rebuild both modalities: its scores are means of the other parts.
"only ST", "only SM": share of the spots in domains that only that modality splits off whose
contribution says so; "even": median contribution in the others. "CPU s": the fit alone.

``--external`` names the interpreter of an environment with scvi-tools, harmonypy and SpatialGlue;
the peers that run there are left out without it. Fits are kept in ``--cache`` by method, section,
seed and source code.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.fits import FOLDER, MODEL, ROOT, kept, ours
from benchmarks.integration_scores import evaluate
from benchmarks.peers import published
from benchmarks.peers.integration_pca import pca
from benchmarks.sections import Exam, measured, simulated, simulated_samples
from spatialmeta_core import keys
from spatialmeta_core.params import TrainParams

if TYPE_CHECKING:
    from benchmarks.fits import Fit
    from benchmarks.sections import Section

QUICK_SPOTS = 600
EXTERNAL = ("harmony", "harmony, scaled", "scvi", "scanvi", "totalvi", "spatialglue")


def truth(section: Section, _seed: int) -> Fit:
    """What no method can beat: domains as the embedding, noise-free values."""
    one_hot = np.eye(int(section.domain.max()) + 1)[section.domain]
    jitter = np.random.default_rng(0).normal(0, 0.05, one_hot.shape)
    values = {"ST": section.true_counts, "SM": section.true_log_sm}
    return {"embedding": one_hot + jitter} | {k: v for k, v in values.items() if v is not None}


def published_multi(section: Section, seed: int) -> Fit:
    several = len(np.unique(section.sample)) > 1
    settings = published.TUTORIAL_SAMPLES if several else published.TUTORIAL
    return published.fit(section, seed, settings)


METHODS = {
    "the truth": truth,
    "PCA, ST": partial(pca, kinds=("ST",)),
    "PCA, SM": partial(pca, kinds=("SM",)),
    "PCA, both": pca,
    "published, tutorial": published_multi,
    "published, library": partial(published.fit, settings=published.LIBRARY),
    "this package": ours,
    "ours, not separated": partial(ours, train=TrainParams(separate=False)),
}
PCA = ("benchmarks/peers/integration_pca.py", "spatialmeta_core/metrics/baseline.py")
SOURCES = {
    "the truth": ("benchmarks/integration.py",),
    "this package": MODEL,
    "ours, not separated": MODEL,
    "published, tutorial": ("benchmarks/peers/published.py",),
    "published, library": ("benchmarks/peers/published.py",),
} | dict.fromkeys(EXTERNAL, ("benchmarks/peers/integration_external.py",))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--exam", type=Path, help="sections.py outside the repository")
    parser.add_argument("--external", type=Path, help="interpreter with the peers' packages")
    parser.add_argument("--only", nargs="+", choices=[*METHODS, *EXTERNAL], help="methods")
    parser.add_argument("--pair", type=Path, help="a measured ST section with simulated SM")
    parser.add_argument("--part", nargs="*", choices=["one", "samples"], help="both if not given")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SPOTS} spots a section")
    parser.add_argument("--cache", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    exam = Exam(arguments.exam) if arguments.exam else None
    makers = {
        "one": exam.one if exam else simulated,
        "samples": exam.samples if exam else simulated_samples,
    }
    size = {"n_spots": QUICK_SPOTS} if arguments.quick else {}
    if not arguments.external:
        print(f"no --external given: {', '.join(EXTERNAL)} were not measured")
    for part in makers if arguments.part is None else arguments.part:
        sections = [makers[part](seed, **size) for seed in arguments.seeds]
        show(sections, ONE if part == "one" else SAMPLES, arguments)
    if arguments.pair:
        show([measured(arguments.pair)] * len(arguments.seeds), ONE, arguments)


def show(sections: list[Section], columns: dict[str, str], arguments) -> None:
    """Print one table."""
    joint = sections[0].joint
    names = ", ".join(dict.fromkeys(section.name for section in sections))
    print(f"\n{names}: {joint.n_obs} spots, {joint.n_vars} features")
    print(f"{'':22}" + "".join(f"{title:>{WIDTH}}" for title in columns), flush=True)
    several = len(np.unique(sections[0].sample)) > 1
    for name in [*METHODS, *(EXTERNAL if arguments.external else ())]:
        left_out = arguments.only and name not in arguments.only
        if left_out or (name.startswith("harmony") and not several):  # it corrects batches only
            continue
        fits = [
            (section, fitted(name, section, seed, arguments))
            for section, seed in zip(sections, arguments.seeds, strict=True)
        ]
        rows = [evaluate(section, found) for section, found in fits if found is not None]
        if rows:
            cells = [cell([row.get(k, math.nan) for row in rows], k) for k in columns.values()]
            mark = "*" if rows[0]["partial"] else ""
            print(f"{name + mark:22}" + "".join(f"{c:>{WIDTH}}" for c in cells), flush=True)


def cell(values: list[float], title: str) -> str:
    known = [value for value in values if not math.isnan(value)]
    digits = 1 if title in COARSE else 3
    if not known:
        return "-"
    text = f"{np.mean(known):.{digits}f}"
    return text if len(known) == 1 else f"{text}±{np.std(known, ddof=1):.{digits}f}"


def fitted(name: str, section: Section, seed: int, arguments) -> Fit | None:
    """Return a fit from the cache, or make it."""

    def make() -> Fit | None:
        if name in METHODS:
            return METHODS[name](section, seed)
        return elsewhere(name, section, seed, arguments)

    return kept(arguments.cache, section, (name, seed), SOURCES.get(name, PCA), make)


def elsewhere(name: str, section: Section, seed: int, arguments) -> Fit | None:
    """Run a peer in the other environment; None, with the reason printed, if it fails."""
    before = fitted("PCA, both", section, seed, arguments)
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(
            given,
            counts=section.counts,
            log_sm=section.log_sm,
            xy=section.joint.obsm[keys.SPATIAL],
            batch=np.unique(section.sample, return_inverse=True)[1],
            domain=section.domain,
            pca=before["embedding"],
        )
        script = ROOT / "benchmarks" / "peers" / "integration_external.py"
        done = subprocess.run(
            [arguments.external, script, name, given, out, str(seed)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{name}: not run: {done.stderr.strip().splitlines()[-1]}")
            return None
        with np.load(out) as stored:
            return {key: stored[key] for key in stored.files}


WIDTH = 12
COARSE = ("one_k", "own_k", "cpu")
SHARED = {
    "ARI, r 1": "one",
    "(clusters)": "one_k",
    "ARI, own": "own",
    "(clusters) ": "own_k",
    "ARI, best": "best",
    "true SM": "true_SM",
    "true ST": "true_ST",
    "PCC": "pcc",
    "CS": "cosine",
    "eq 24": "vertical",
    "eq 24 t": "vertical_true",
    "eq 36": "horizontal",
    "eq 40": "overall",
}
ONE = SHARED | {"only ST": "only_st", "only SM": "only_sm", "even": "even", "CPU s": "cpu"}
SAMPLES = SHARED | {"iLISI": "ilisi", "cLISI": "clisi", "PCR": "pcr", "CPU s": "cpu"}

if __name__ == "__main__":
    main()
