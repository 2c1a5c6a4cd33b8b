"""Names of AnnData slots and of table columns; nothing else in the project spells them."""

from typing import Final

# obs: one row per spot
SAMPLE: Final = "sample"
CLUSTER: Final = "cluster"
CONTRIBUTION: Final = "modality_contribution"
THETA_ST: Final = "theta_st"
THETA_SM: Final = "theta_sm"
N_DONORS: Final = "n_sm_donors"  # pixels behind a row's metabolites; 1 where rows are pixels
N_ST_DONORS: Final = "n_st_donors"  # ST spots behind a row's counts; only where rows are SM pixels

# var: one row per feature
FEATURE_TYPE: Final = "type"
ST: Final = "ST"
SM: Final = "SM"
GENE_ID: Final = "gene_ids"
MZ: Final = "mz"
METABOLITE: Final = "metabolite"  # of SM: assigned name, formula, adduct; absent when not given
FORMULA: Final = "formula"
ADDUCT: Final = "adduct"
MORAN_I: Final = "moran_i"
MORAN_P: Final = "moran_p"
MORAN_P_ADJ: Final = "moran_p_adj"
SELECTED: Final = "spatially_variable"
SHIFT_R: Final = "shift_r_min"  # smallest correlation of a carried feature under shift
R_NOISE: Final = "r_noise"  # correlation that noise between pixels alone leaves, not shifted
HOLDS: Final = "holds_under_shift"  # whether that is at least the threshold: "yes", "no", "" none

# obsm: coordinates and embeddings
SPATIAL: Final = "spatial"
LATENT: Final = "X_spatialmeta"
LATENT_ST: Final = "X_spatialmeta_st"
LATENT_SM: Final = "X_spatialmeta_sm"
UMAP: Final = "X_umap"

# layers: X itself always holds raw counts (ST) and raw intensities (SM)
COUNTS: Final = "counts"
NORMALIZED: Final = "normalized"
DENOISED: Final = "denoised"

# uns
IMAGE: Final = "spatial"  # Visium convention: uns["spatial"][library]["images" | "scalefactors"]
OURS: Final = "spatialmeta"  # our own record, see below
SCHEMA: Final = "schema"
SCHEMA_VERSION: Final = 1
UM_PER_PX: Final = "um_per_px"  # in uns[OURS]; absent when unknown
SIMULATED: Final = "simulated"  # in uns[OURS]; True for data made by spatialmeta_core.simulate
NOTES: Final = "notes"  # in uns[OURS]; what the reader decided, for the check report
WARNINGS: Final = "warnings"  # in uns[OURS]; what the reader wants the user to look at
SAMPLES: Final = "samples"  # in uns[OURS]; of a file with several: "name", "n_spots", "taken"
STEP: Final = "step"  # in uns[OURS] of SM: median raster step, unit of the file
POLARITY: Final = "polarity"  # in uns[OURS] of SM: "positive" or "negative"; absent when unknown
PARAMS: Final = "params"
SOFTWARE: Final = "software"
REGIONS: Final = "regions"
TRAJECTORIES: Final = "trajectories"

# tables
MORAN_COLUMNS: Final = (MORAN_I, MORAN_P, MORAN_P_ADJ)
MARKER_COLUMNS: Final = (
    "feature",
    "type",
    "log2fc",
    "auc",
    "mean_in",
    "mean_out",
    "fraction_in",
    "fraction_out",
    "p",
    "p_adj",
)
GRADIENT_COLUMNS: Final = (
    "feature",
    "type",
    "distance",  # along the trajectory from its start: um when the pixel size is known, else px
    "mean",
    "low",
    "high",
    "z",
    "z_low",
    "z_high",
    "n_spots",
)
RESOLUTION_COLUMNS: Final = (
    "resolution",
    "n_clusters",
    "stability",  # smallest adjusted Rand index with clusters from another seed or fewer spots
    "plateau",  # number of the run of resolutions with nearly the same clusters, from 0
)
SCREEN_COLUMNS: Final = ("feature", "type", "rho", "peak", "p", "p_adj", "n_spots")
STABILITY_COLUMNS: Final = (
    "feature",
    "type",
    "r_mean",  # mean Pearson correlation with the result in place, over the perturbations
    SHIFT_R,
    "worst",  # the perturbation with the smallest correlation, in words
    R_NOISE,
    HOLDS,  # bool
)
QUALITY_COLUMNS: Final = (
    "metric",  # short name, as in spatialmeta_core.metrics.scores
    "part_of",  # the score it is averaged into
    "kind",  # "score" or "metric"
    "name",  # in words
    "value",
    "baseline",
    "scaled",  # 0 (worst) to 1 (best)
    "baseline_scaled",
    "partial",  # bool; the mean of some of its parts only, as the others are missing
    "low",
    "high",
    "better",  # "higher" or "lower"
    "needs",  # what it cannot be computed without, in words
    "meaning",
)
P_SPATIAL: Final = "p_spatial"  # from the same shape put at other places of the tissue
P_SPATIAL_ADJ: Final = "p_spatial_adj"  # Benjamini-Hochberg within each modality
PATTERN_COLUMNS: Final = (
    "feature",
    "type",
    "pattern",  # monotone, peak, valley or step; empty for a constant feature
    "monotone",  # scores are correlations with the pattern
    "peak",
    "valley",
    "step",
    "position",  # of the peak, valley or steepest place: um when the pixel size is known, else px
    P_SPATIAL,
    P_SPATIAL_ADJ,
    "n_spots",
)
LAG_COLUMNS: Final = (
    "gene",
    "metabolite",
    "lag",  # metabolite less gene: um when the pixel size is known, else px
    "low",
    "high",
    "gene_position",
    "metabolite_position",
)
