"""Every knob of every step: default, unit, and where the default comes from. No torch here.

All dataclasses check themselves and raise ``InvalidParamsError``, so that forms, recipes and the
worker share one check. ``dataclasses.asdict`` is the wire and log form.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from spatialmeta_core.errors import InvalidParamsError

T = TypeVar("T")


def _require(ok: bool, params: object, name: str, allowed: str) -> None:
    if not ok:
        value = getattr(params, name)
        raise InvalidParamsError(f"{name} is {value!r}; allowed is {allowed}.")


def _at_least(params: object, low: float, *names: str) -> None:
    for name in names:
        _require(getattr(params, name) >= low, params, name, f"{low} or more")


def _within(params: object, low: float, high: float, *names: str) -> None:
    for name in names:
        _require(low <= getattr(params, name) <= high, params, name, f"{low} to {high}")


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """Build a parameter set from a plain dictionary, naming any unknown key.

    Raises
    ------
    InvalidParamsError
        If a key is not a field of ``kind`` or a value is out of range.
    """
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidParamsError(
            f"Unknown setting {unknown[0]!r} for {kind.__name__}; known are {', '.join(known)}."
        )
    return kind(**values)


@dataclass(frozen=True, slots=True)
class AlignParams:
    """Outline alignment (eqs 1 to 4)."""

    target: Literal["auto", "image", "spots"] = "auto"  # "auto": see max_image_area_ratio
    max_image_area_ratio: float = 1.5  # more image tissue per spots' area: use the spots
    # "rigid": same section, the start's scale is kept; "affine" has one scale per axis
    transform: Literal["rigid", "similarity", "affine"] = "affine"
    nonrigid: bool = True  # a smooth local correction after the affine fit; never with "rigid"
    diffeomorphic: bool = False  # the correction as the flow of a velocity field, which cannot fold
    outline_weight: float = 1.0  # lambda_1 of eq. 3
    histology_weight: float = 0.0  # lambda_2; needs moving_values and target_image
    feature_weight: float = 0.0  # lambda_3; needs moving_values and target_values
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        _require(self.target in ("auto", "image", "spots"), self, "target", "auto, image or spots")
        _require(
            self.transform in ("rigid", "similarity", "affine"),
            self,
            "transform",
            "rigid, similarity or affine",
        )
        _at_least(self, 1.0, "max_image_area_ratio")
        _at_least(self, 0.0, "outline_weight", "histology_weight", "feature_weight")


@dataclass(frozen=True, slots=True)
class OutlineParams:
    """Which SM pixels count as tissue, and how tightly the outline follows them."""

    closing: float = 0.8  # radius of the discs that close gaps, pixel spacings; larger: smoother
    min_piece: float = 0.015  # smaller connected pieces are stray, as a fraction of all pixels
    by_total: bool = False  # also leave out pixels of low total intensity
    min_total: float = 0.0  # ... below this total; 0: Otsu's threshold on the log totals

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, 0.5, 6.0, "closing")
        _within(self, 0.0, 0.5, "min_piece")
        _at_least(self, 0.0, "min_total")


@dataclass(frozen=True, slots=True)
class ReassignParams:
    """Carrying SM pixels onto ST spots or back (paper, "Reassignment")."""

    n_neighbors: int = 5  # K of the paper
    distance_factor: float = 1.5  # cut-off = factor x spacing of the target's spots
    spacing: Literal["median", "minimum"] = "median"  # robust; the paper's is the minimum
    # "mean" of the K nearest (the paper's), "distance": they weigh 1 / distance, "area": pixels
    # weigh the area they share with the spot; K and the cut-off have no part in it
    method: Literal["mean", "distance", "area"] = "mean"
    direction: Literal["sm_to_st", "st_to_sm"] = "sm_to_st"  # only the source is averaged
    spot_diameter: float = 0.55  # x spacing, of ST spots for "area"; Visium: 55 um at 100 um

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, 1, 1000, "n_neighbors")
        _require(
            self.method in ("mean", "distance", "area"), self, "method", "mean, distance or area"
        )
        _require(
            self.direction in ("sm_to_st", "st_to_sm"), self, "direction", "sm_to_st or st_to_sm"
        )
        _within(self, 0.01, 100.0, "distance_factor")
        _within(self, 0.01, 2.0, "spot_diameter")
        _require(self.spacing in ("median", "minimum"), self, "spacing", "median or minimum")


@dataclass(frozen=True, slots=True)
class FeatureParams:
    """Choice of spatially variable features by Moran's I."""

    # "highly_variable" chooses by dispersion, whatever the positions: for comparison
    method: Literal["spatially_variable", "highly_variable"] = "spatially_variable"
    n_genes: int = 2000  # paper's tutorial
    n_metabolites: int = 800  # paper's tutorial
    n_neighbors: int = 6  # Moran graph, hexagonal neighbors
    max_p_adj: float = 0.05  # Benjamini-Hochberg, one-sided
    min_spots: int = 10  # a gene found in fewer spots is not considered
    min_samples: int = 2  # variable in at least this many samples (or in all, when there are fewer)
    remove_biased: bool = True  # leave out batch-biased features
    bias_min_fraction: float = 0.8  # batch-biased: expressed in more than this share of one sample
    bias_min_log2fc: float = 3.0  # ... and this much above the other samples

    def __post_init__(self) -> None:
        """Check ranges."""
        methods = ("spatially_variable", "highly_variable")
        _require(self.method in methods, self, "method", " or ".join(methods))
        _at_least(self, 0, "n_genes", "n_metabolites", "min_spots", "bias_min_log2fc")
        _require(self.n_genes + self.n_metabolites > 0, self, "n_genes", "1 or more in total")
        _at_least(self, 1, "n_neighbors", "min_samples")
        _within(self, 0.0, 1.0, "max_p_adj", "bias_min_fraction")


@dataclass(frozen=True, slots=True)
class NetParams:
    """Shape of the conditional VAE."""

    n_hidden: int = 128  # H, width of encoder and decoder layers
    n_latent: int = 10  # width of z
    n_batch_embedding: int = 8  # e(B), per batch key
    dropout: float = 0.1  # encoders only
    variance_floor: float = 1e-4  # epsilon added to the latent variance (eq. 12)
    sd_floor: float = 0.05  # smallest spread of a standardized metabolite; bounds the likelihood
    # which modalities to learn from; "all": those that the data have
    train_on: Literal["all", "ST", "SM"] = "all"
    # zero-inflated negative binomial, negative binomial, half squared error of log(1 + counts)
    st_loss: Literal["zinb", "nb", "mse"] = "zinb"
    # normal, zero-inflated normal, half squared error
    sm_loss: Literal["gaussian", "zig", "mse"] = "gaussian"
    # divide metabolites by the spot's total, take logarithms, standardize; else: use as given
    normalize_sm: bool = True
    # single-modality embeddings are decoded by the decoders of the joint one, else by their own
    shared_decoders: bool = True
    batch_code: Literal["embedding", "onehot"] = "embedding"  # e(B): trained, or fixed
    # several batches: move the mean of each to the mean of all before encoding, as for samples of
    # the same kinds of tissue; what is decoded stays as it was measured
    center_batches: bool = True

    def __post_init__(self) -> None:
        """Check ranges."""
        _at_least(self, 1, "n_hidden", "n_batch_embedding")
        _at_least(self, 2, "n_latent")
        _within(self, 0.0, 0.9, "dropout")
        _require(self.variance_floor > 0, self, "variance_floor", "above 0")
        _require(self.sd_floor > 0, self, "sd_floor", "above 0")
        for name, allowed in (
            ("train_on", ("all", "ST", "SM")),
            ("st_loss", ("zinb", "nb", "mse")),
            ("sm_loss", ("gaussian", "zig", "mse")),
            ("batch_code", ("embedding", "onehot")),
        ):
            _require(getattr(self, name) in allowed, self, name, ", ".join(allowed))


@dataclass(frozen=True, slots=True)
class TrainParams:
    """Optimization of the CVAE."""

    max_epochs: int = 200  # early stop decides; 600 spots need about 110, 2,000 spots about 40
    batch_size: int = 128  # spots
    learning_rate: float = 1e-3  # tutorial of the paper
    weight_decay: float = 1e-6
    kl_warmup_epochs: int = 20  # linear from 0 to the full KL weight
    patience: int = 15  # epochs without a better validation loss before stopping
    validation_fraction: float = 0.1
    gradient_clip: float = 5.0  # norm
    checkpoint_every: int = 5  # epochs
    # the data are kept dense up to this size, else each minibatch is made dense; same numbers
    memory_gb: float | None = None  # None: a third of the memory that is free
    # after training: draw out the latent directions that separate groups of spots (Ding and Li
    # 2007, doi 10.1145/1273496.1273562); what is decoded stays the same
    separate: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        _at_least(self, 1, "max_epochs", "patience", "checkpoint_every")
        _at_least(self, 2, "batch_size")
        _at_least(self, 0, "kl_warmup_epochs", "weight_decay", "seed")
        _within(self, 1e-7, 1.0, "learning_rate")
        _within(self, 0.0, 0.5, "validation_fraction")
        _require(self.gradient_clip > 0, self, "gradient_clip", "above 0")
        if self.memory_gb is not None:
            _at_least(self, 0.0, "memory_gb")


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of eq. 22, in the order of ``LossTerms``.

    All 1 weighs every likelihood and the KL term as the evidence lower bound does. On simulated
    sections it rebuilds and clusters as well as the published preset for one sample (5 for ST,
    1 for SM, 0.5 for KL), with which the modality contribution says "ST leads" also where only SM
    separates the domains.
    """

    st: float = 1.0
    sm: float = 1.0
    st_from_st: float = 1.0
    sm_from_sm: float = 1.0
    kl: float = 1.0
    # of the distance of batches, per feature; of no effect without batch keys. More mixes samples
    # further, but also joins domains that only some of the samples have; 0 leaves them apart
    mmd: float = 1.0

    def __post_init__(self) -> None:
        """Check ranges."""
        _at_least(self, 0.0, *(f.name for f in fields(self)))

    @classmethod
    def single(cls, **chosen: float) -> LossWeights:
        """Return the published weights for one sample, but for those ``chosen``.

        References
        ----------
        Tian et al. (2025), doi 10.1038/s41467-025-63915-z; the published package's "single" mode.
        """
        preset = {"st": 5.0, "sm": 1.0, "st_from_st": 5.0, "sm_from_sm": 1.0, "kl": 0.5, "mmd": 0.0}
        return from_dict(cls, preset | chosen)

    @classmethod
    def multi(cls, **chosen: float) -> LossWeights:
        """Return the published weights for several samples, but for those ``chosen``.

        The batch term is counted per feature here, which the published one is not.

        References
        ----------
        Tian et al. (2025), doi 10.1038/s41467-025-63915-z; the published package's "multi" mode.
        """
        preset = {
            "st": 8.0,
            "sm": 2.0,
            "st_from_st": 8.0,
            "sm_from_sm": 2.0,
            "kl": 1.0,
            "mmd": 10.0,
        }
        return from_dict(cls, preset | chosen)


@dataclass(frozen=True, slots=True)
class ClusterParams:
    """Leiden clusters and UMAP on the joint embedding."""

    resolution: float | None = None  # None: the one whose clusters are the most repeatable
    n_neighbors: int = 15
    umap_min_dist: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.resolution is not None:
            _within(self, 0.01, 20.0, "resolution")
        _within(self, 2, 500, "n_neighbors")
        _within(self, 0.0, 1.0, "umap_min_dist")


@dataclass(frozen=True, slots=True)
class GradientParams:
    """Binned gradient along a trajectory."""

    n_bins: int = 20  # at most; fewer when bins would hold less than min_spots_per_bin
    min_spots_per_bin: int = 5  # bins with fewer are drawn hollow

    def __post_init__(self) -> None:
        """Check ranges."""
        _within(self, 2, 500, "n_bins")
        _at_least(self, 1, "min_spots_per_bin")
