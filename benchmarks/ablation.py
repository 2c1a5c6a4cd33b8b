"""What each part of the model is worth: the defaults, and the defaults but for one part.

    OMP_NUM_THREADS=1 python -m benchmarks.ablation [--seeds 0 1 2] [--only one samples]
        [--quick] [--cache FOLDER]

Means over seeds, and standard deviations after "±", on small simulated sections. Columns are those
of ``benchmarks.integration``; "side" is the share of spots in domains that only one modality splits
off whose contribution is on that modality's side of one half, the mean over both modalities.
Samples share their domains, so batches should mix (iLISI 1) and domains should not (cLISI 1).

The rows "chosen" train on a third of the features. Correlations are means over the features of the
row, so those of different choices do not compare; clusters do. "theta" is the same fit as the first
row with the contribution of eqs 20 and 21. In the rows "biased" 5 % of the features are 20 times as
abundant in one of the samples.

References
----------
Tian et al. (2025), doi 10.1038/s41467-025-63915-z: its ablations are those of losses,
normalization, decoders, features and batch-biased features.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.fits import FOLDER, MODEL, NET, TRAIN, WEIGHTS, cpu_seconds, kept, ours
from benchmarks.integration import WIDTH, cell
from benchmarks.integration_scores import evaluate
from benchmarks.sections import log_share, simulated, simulated_samples
from spatialmeta_core import keys
from spatialmeta_core.features import select_features
from spatialmeta_core.params import FeatureParams, LossWeights, NetParams, TrainParams

if TYPE_CHECKING:
    from benchmarks.fits import Fit
    from benchmarks.sections import Section

N_FEATURES = {"n_genes": 600, "n_metabolites": 200}
N_SPOTS, N_SPOTS_QUICK = 900, 150  # of one section, and of three samples together
BIASED = 0.05  # share of the features
THIRD = {"n_genes": 200, "n_metabolites": 65}


class Variant(NamedTuple):
    """One row."""

    name: str
    net: NetParams = NET
    train: TrainParams = TRAIN
    weights: LossWeights = WEIGHTS
    features: FeatureParams | None = None  # None: all of them
    biased: float = 0.0  # share of the features that tell samples apart
    contribution: str = "balance"


ONE = (
    Variant("the defaults"),
    Variant("contribution: theta", contribution="theta"),
    Variant("SM loss: squared error", NetParams(sm_loss="mse")),
    Variant("SM loss: zero-inflated", NetParams(sm_loss="zig")),
    Variant("ST loss: NB", NetParams(st_loss="nb")),
    Variant("ST loss: squared error", NetParams(st_loss="mse")),
    Variant("SM not normalized", NetParams(normalize_sm=False)),
    Variant("decoders not shared", NetParams(shared_decoders=False)),
    Variant("groups not drawn apart", train=TrainParams(separate=False)),
    Variant("published weights", weights=LossWeights.single()),
    Variant("chosen: spatially var.", features=FeatureParams(**THIRD)),
    Variant("chosen: highly variable", features=FeatureParams(method="highly_variable", **THIRD)),
)
SAMPLES = (
    Variant("the defaults"),
    Variant("MMD weight 0", weights=LossWeights(mmd=0)),
    Variant("MMD weight 3", weights=LossWeights(mmd=3)),
    Variant("MMD weight 10", weights=LossWeights(mmd=10)),
    Variant("published weights", weights=LossWeights.multi()),
    Variant("batches not centered", NetParams(center_batches=False)),
    Variant("batch code: one-hot", NetParams(batch_code="onehot")),
    Variant("biased, left out", features=FeatureParams(), biased=BIASED),
    Variant("biased, kept", features=FeatureParams(remove_biased=False), biased=BIASED),
)
COLUMNS = {
    "ARI, r 1": "one",
    "ARI, own": "own",
    "(clusters)": "own_k",
    "ARI, best": "best",
    "true SM": "true_SM",
    "true ST": "true_ST",
}
COLUMNS_OF = {
    "one": COLUMNS | {"side": "side", "even": "even"},
    "samples": COLUMNS | {"iLISI": "ilisi", "cLISI": "clisi"},
}
VARIANTS = {"one": ONE, "samples": SAMPLES}
SOURCES = (*MODEL, "spatialmeta_core/features")
NAME_WIDTH = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--quick", action="store_true", help=f"{N_SPOTS_QUICK} spots")
    parser.add_argument("--cache", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    n_spots = N_SPOTS_QUICK if arguments.quick else N_SPOTS
    begun = cpu_seconds()
    for part in arguments.only:
        columns = COLUMNS_OF[part]
        words = "one section" if part == "one" else "three samples"
        sizes = ", ".join(f"{n} {name[2:]}" for name, n in N_FEATURES.items())
        print(f"\n{words}, {n_spots} spots, {sizes}, seeds {arguments.seeds}")
        print(" " * NAME_WIDTH + "".join(f"{title:>{WIDTH}}" for title in columns), flush=True)
        for variant in VARIANTS[part]:
            rows = [measure(part, variant, seed, n_spots, arguments) for seed in arguments.seeds]
            cells = [
                cell([row.get(key, math.nan) for row in rows], key) for key in columns.values()
            ]
            print(
                f"{variant.name:{NAME_WIDTH}}" + "".join(f"{c:>{WIDTH}}" for c in cells), flush=True
            )
    print(f"\n{cpu_seconds() - begun:.0f} CPU s, without what was kept from before")


def measure(part: str, variant: Variant, seed: int, n_spots: int, arguments) -> dict[str, float]:
    """Fit one variant, or take the kept fit, and measure it."""
    section = choose(draw(part, seed, n_spots, variant.biased), variant.features)
    how = (seed, variant.net, variant.train, variant.weights)
    found = kept(arguments.cache, section, how, SOURCES, lambda: fit(section, seed, variant))
    if found is None:
        raise RuntimeError(variant.name)
    return evaluate(section, found | {"balance": found[variant.contribution]})


def draw(part: str, seed: int, n_spots: int, biased: float) -> Section:
    if part == "one":
        return simulated(seed, n_spots, **N_FEATURES)
    return simulated_samples(seed, n_spots // 3, biased=biased, **N_FEATURES)


def choose(section: Section, features: FeatureParams | None) -> Section:
    """Keep the features that the package would choose."""
    if features is None:
        return section
    table = select_features(section.joint, features)
    return section.of_features(table[keys.SELECTED].to_numpy(bool))


def fit(section: Section, seed: int, variant: Variant) -> Fit:
    found = ours(section, seed, net=variant.net, train=variant.train, weights=variant.weights)
    if not variant.net.normalize_sm:  # rebuilt on the scale of the given intensities
        intensity = np.maximum(found["SM"], 0)
        found["SM"] = log_share(intensity + 1e-9)  # a spot may be rebuilt as all zeros
    return found


if __name__ == "__main__":
    main()
