"""Metabolite intensities as the network sees them, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatialmeta_core.types import FloatArray

__all__ = ["Moments", "Scaling", "learn_scaling", "log_normalize_tic", "network_scale"]

TIC_TARGET = 1e4  # intensity per spot after normalization, the usual "counts per ten thousand"
MAX_STANDARDIZED = 10.0  # one hot pixel must not outweigh a whole section in a squared error
CONSTANT_SD = 1e-6  # of a log intensity; below this a metabolite does not vary


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """How intensities become values of about unit spread.

    Attributes
    ----------
    center, scale
        Of each metabolite, on the scale of ``log_normalize_tic`` if ``normalize``, else on the
        given one; shape ``(n_metabolites,)``.
    normalize
        Whether intensities are first divided by the spot's total and taken as logarithms.
    """

    center: FloatArray
    scale: FloatArray
    normalize: bool

    def forward(self, intensity: FloatArray, total: FloatArray) -> NDArray[np.float32]:
        """Return the network's values.

        Parameters
        ----------
        intensity
            As given, shape ``(n_spots, n_metabolites)``.
        total
            Intensity of each spot over all its metabolites, shape ``(n_spots,)``; without a part
            in it unless ``normalize``.
        """
        if not self.normalize:
            return np.asarray((intensity - self.center) / self.scale, dtype=np.float32)
        values = (log_normalize_tic(intensity, total) - self.center) / self.scale
        limited = np.clip(values, -MAX_STANDARDIZED, MAX_STANDARDIZED)
        return np.asarray(limited, dtype=np.float32)

    def back(self, values: FloatArray) -> FloatArray:
        """Return log intensities, 0 or more, if ``normalize``, else values on the given scale."""
        found = values * self.scale + self.center
        return np.maximum(found, 0.0) if self.normalize else found

    @property
    def zero(self) -> NDArray[np.float32]:
        """The network's value of an intensity of 0, shape ``(n_metabolites,)``."""
        return np.asarray(self.forward(np.zeros((1, len(self.center))), np.ones(1))[0])


def learn_scaling(
    intensity: FloatArray, total: FloatArray, *, normalize: bool
) -> tuple[Scaling, int]:
    """Choose center and scale from the spots that are trained on.

    Parameters
    ----------
    intensity
        Shape ``(n_spots, n_metabolites)``, no NaN.
    total
        Intensity of each spot over all its metabolites, shape ``(n_spots,)``.
    normalize
        If true, each metabolite is standardized on the scale of ``log_normalize_tic``. If not,
        all are left as they are but for one divisor, the root mean variance, so that the unit of
        the intensities does not matter to the training.

    Returns
    -------
    tuple
        The scaling, and the number of metabolites that do not vary.
    """
    moments = Moments(intensity.shape[1])
    moments.add(network_scale(intensity, total, normalize=normalize))
    return moments.scaling(normalize=normalize)


def network_scale(intensity: FloatArray, total: FloatArray, *, normalize: bool) -> FloatArray:
    """Return values of which mean and spread are taken, shape ``(n_spots, n_metabolites)``."""
    return log_normalize_tic(intensity, total) if normalize else np.asarray(intensity, float)


class Moments:
    """Mean and spread of columns, from their rows block by block, as exact as from all at once.

    Parameters
    ----------
    n_columns
        Number of columns.

    References
    ----------
    Chan, Golub and LeVeque (1983), The American Statistician 37, 242-247.
    """

    def __init__(self, n_columns: int) -> None:
        self._n = 0
        self._mean, self._squares = np.zeros(n_columns), np.zeros(n_columns)

    def add(self, values: FloatArray) -> None:
        """Take in rows ``(n, n_columns)``, one or more."""
        n, mean = len(values), values.mean(axis=0)
        away, both = mean - self._mean, self._n + n
        self._squares += ((values - mean) ** 2).sum(axis=0) + away**2 * (self._n * n / both)
        self._mean = self._mean + away * (n / both)
        self._n = both

    def scaling(self, *, normalize: bool) -> tuple[Scaling, int]:
        """Return what ``learn_scaling`` returns for all the rows."""
        spread = np.sqrt(self._squares / max(1, self._n))
        constant = spread < CONSTANT_SD
        if normalize:
            return Scaling(self._mean, np.where(constant, 1.0, spread), True), int(constant.sum())
        divisor = float(np.sqrt(np.mean(spread**2))) if len(spread) else 0.0
        divisor = divisor or 1.0  # nothing varies
        width = len(spread)
        as_given = Scaling(np.zeros(width), np.full(width, divisor), False)
        return as_given, int(constant.sum())


def log_normalize_tic(intensity: FloatArray, total: FloatArray) -> FloatArray:
    """Divide by each spot's total intensity, multiply by 10,000 and take log(1 + x).

    Parameters
    ----------
    intensity
        Raw intensities, 0 or more, shape ``(n_spots, n_metabolites)``.
    total
        Intensity of each spot over all its metabolites, above 0, shape ``(n_spots,)``.

    Returns
    -------
    FloatArray
        Log intensity, shape ``(n_spots, n_metabolites)``.
    """
    return np.asarray(np.log1p(intensity * (TIC_TARGET / total)[:, None]))
