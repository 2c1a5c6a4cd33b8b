"""Which features vary over the tissue (Moran's I), and which only tell samples apart."""

from spatialmeta_core.features.bias import Bias, sample_bias
from spatialmeta_core.features.dispersion import dispersion
from spatialmeta_core.features.moran import morans_i
from spatialmeta_core.features.select import select_features
from spatialmeta_core.features.table import (
    BIASED_TOWARD,
    DISPERSION,
    DROPPED,
    N_VARIABLE,
    of_sample,
)

__all__ = [
    "BIASED_TOWARD",
    "DISPERSION",
    "DROPPED",
    "N_VARIABLE",
    "Bias",
    "dispersion",
    "morans_i",
    "of_sample",
    "sample_bias",
    "select_features",
]
