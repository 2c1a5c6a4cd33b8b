"""What each metric and score is called and says, in plain words, for the screen and the export."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["WORDS", "Words"]

LABELS, SAMPLES, DENOISED = "known labels", "several samples", "denoised values"


class Words(NamedTuple):
    """One metric or score in words.

    Attributes
    ----------
    name, meaning
        Short name, and a sentence.
    low, high
        Range of its values.
    better
        ``"higher"`` or ``"lower"``.
    needs
        What it cannot be computed without, or an empty string.
    """

    name: str
    meaning: str
    low: float = 0.0
    high: float = 1.0
    better: str = "higher"
    needs: str = ""


WORDS: Final[dict[str, Words]] = {
    "overall": Words("Overall", "Mean of the scores across modalities and across samples."),
    "vertical": Words(
        "Across modalities", "Mean of the scores for rebuilding, coherent areas and markers."
    ),
    "horizontal": Words("Across samples", "Mean of the scores for known groups and for mixing."),
    "reconstruction": Words(
        "Rebuilding", "Whether denoised values follow the measured ones.", needs=DENOISED
    ),
    "pcc": Words(
        "Correlation with measured values",
        "Mean over features. Noise keeps it well below 1; copying noise would raise it.",
        low=-1.0,
        needs=DENOISED,
    ),
    "cosine": Words(
        "Cosine with measured values",
        "Mean over features. Near 1 for features that are present everywhere.",
        low=-1.0,
        needs=DENOISED,
    ),
    "continuity": Words("Coherent areas", "Whether clusters form areas rather than speckles."),
    "chaos": Words(
        "Distance within clusters (CHAOS)",
        "Mean distance of a spot to the nearest of its cluster. Compare on the same spots only.",
        high=float("inf"),
        better="lower",
    ),
    "pas": Words(
        "Odd spots (PAS)",
        "Share of spots most of whose neighbors on the tissue are in other clusters.",
        better="lower",
    ),
    "marker": Words("Markers", "Whether clusters have features that mark them."),
    "moran": Words(
        "Pattern of markers (Moran's I)",
        "How alike the clusters' markers are between neighboring spots.",
        low=-1.0,
    ),
    "geary": Words(
        "Roughness of markers (Geary's C)",
        "How different the clusters' markers are between neighboring spots; 1 is noise.",
        high=float("inf"),
        better="lower",
    ),
    "specificity": Words(
        "Specificity",
        "How many times its overall mean a feature reaches in its best cluster.",
        low=1.0,
        high=float("inf"),
    ),
    "logistic": Words(
        "Clusters told from measured values",
        "Share of held-out spots whose cluster a logistic regression tells right.",
    ),
    "mutual_information": Words(
        "Information in single features",
        "Mean mutual information of a feature and the clusters, as a share of their entropy.",
    ),
    "biology": Words(
        "Known groups", "Whether clusters and embedding keep known groups.", needs=LABELS
    ),
    "ari": Words(
        "Agreement with known groups (ARI)",
        "Adjusted Rand index: 1 is the same partition, 0 is chance.",
        low=-0.5,
        needs=LABELS,
    ),
    "nmi": Words(
        "Information shared with known groups (NMI)",
        "Normalized mutual information of clusters and known groups.",
        needs=LABELS,
    ),
    "label_asw": Words(
        "Separation of known groups",
        "Average silhouette width in the embedding; 0.5 is full overlap.",
        needs=LABELS,
    ),
    "isolated_asw": Words(
        "Separation of rare groups",
        "The same for the known groups that are in the fewest samples, each counting alike.",
        needs=LABELS,
    ),
    "clisi": Words(
        "Purity of neighborhoods (cLISI)",
        "Whether spots near in the embedding are of one known group.",
        needs=LABELS,
    ),
    "batch": Words("Mixing of samples", "Whether samples mix in the embedding.", needs=SAMPLES),
    "batch_asw": Words(
        "Overlap of samples within groups",
        "1 where the samples of a known group (or a cluster) cannot be told apart.",
        needs=SAMPLES,
    ),
    "ilisi": Words(
        "Mixed neighborhoods (iLISI)",
        "Whether spots near in the embedding are of all samples.",
        needs=SAMPLES,
    ),
    "pcr": Words(
        "Sample effect removed (PCR)",
        "Which part of the variance between samples in the principal components is gone.",
        needs=SAMPLES,
    ),
}
