"""The metrics and scores of the paper (eqs 24 to 40): arrays in, numbers out.

``report`` puts all of them beside a baseline; ``scores`` combines single metrics.
"""

from spatialmeta_core.metrics.baseline import Components, clusters_of_number, principal_components
from spatialmeta_core.metrics.batch import batch_asw, batch_share, pcr_batch
from spatialmeta_core.metrics.conservation import (
    ari,
    entropy,
    isolated_asw,
    label_asw,
    nmi,
    silhouettes,
)
from spatialmeta_core.metrics.continuity import chaos, pas
from spatialmeta_core.metrics.inputs import Modality, modalities, on_normalized_scale
from spatialmeta_core.metrics.lisi import clisi, ilisi, lisi
from spatialmeta_core.metrics.logistic import logistic_accuracy
from spatialmeta_core.metrics.marker import (
    marker_patterns,
    mutual_information,
    specificity,
    top_features,
)
from spatialmeta_core.metrics.measure import Spots, measure
from spatialmeta_core.metrics.quality import Report, report
from spatialmeta_core.metrics.reconstruction import cosine, pearson
from spatialmeta_core.metrics.scores import Scores, scale, scores

__all__ = [
    "Components",
    "Modality",
    "Report",
    "Scores",
    "Spots",
    "ari",
    "batch_asw",
    "batch_share",
    "chaos",
    "clisi",
    "clusters_of_number",
    "cosine",
    "entropy",
    "ilisi",
    "isolated_asw",
    "label_asw",
    "lisi",
    "logistic_accuracy",
    "marker_patterns",
    "measure",
    "modalities",
    "mutual_information",
    "nmi",
    "on_normalized_scale",
    "pas",
    "pcr_batch",
    "pearson",
    "principal_components",
    "report",
    "scale",
    "scores",
    "silhouettes",
    "specificity",
    "top_features",
]
