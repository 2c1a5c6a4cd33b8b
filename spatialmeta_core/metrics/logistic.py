"""How well the clusters of unseen spots can be told from their measured values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.metrics.checks import codes, matrix, one_hot

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["logistic_accuracy", "logistic_fit"]

MIN_CLUSTER = 4  # spots; the published benchmark leaves out clusters of 3 or fewer
MAX_ITERATIONS = 1000
TOLERANCE = 1e-4  # of the largest entry of the mean gradient


def logistic_accuracy(
    values: Any, labels: ArrayLike, *, test_share: float = 0.2, seed: int = 0
) -> float:
    """Return the share of held-out spots whose cluster a logistic regression tells right.

    Parameters
    ----------
    values
        Normalized, dense or sparse, shape ``(n_spots, n_features)``.
    labels
        Cluster of each spot, shape ``(n_spots,)``; clusters below 4 spots are left out.
    test_share
        Share of the spots held out, above 0 and below 1.
    seed
        Of the choice of those spots.

    Returns
    -------
    0 to 1, higher is better; many small clusters and clusters made by noise lower it. NaN if there
    are not two clusters, or too few spots to hold one out. Scores take it as it is.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a value is not finite.
    InvalidParamsError
        If ``test_share`` is out of range.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Benchmark".
    """
    if not 0 < test_share < 1:
        raise InvalidParamsError(f"test_share is {test_share!r}; allowed is above 0 and below 1.")
    x = matrix(values)
    code = codes(labels, len(x))
    kept = np.bincount(code)[code] >= MIN_CLUSTER if len(x) else np.zeros(0, bool)
    x, code = x[kept], np.unique(code[kept], return_inverse=True)[1]
    n_test = round(test_share * len(x))
    if not n_test or code.max() == 0:
        return float("nan")
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = order[:n_test], order[n_test:]
    weights, intercept = logistic_fit(x[train], code[train], int(code.max()) + 1)
    found = (x[test] @ weights + intercept).argmax(axis=1)
    return float((found == code[test]).mean())


def logistic_fit(
    x: FloatArray, code: IntArray, n_levels: int, *, penalty: float = 1.0
) -> tuple[FloatArray, FloatArray]:
    """Fit a multinomial logistic regression with a ridge penalty.

    Parameters
    ----------
    x
        Shape ``(n, n_features)``.
    code
        Level of each row, 0 to ``n_levels - 1``, shape ``(n,)``.
    n_levels
        Number of levels, 2 or more.
    penalty
        Half of this times the sum of squared weights is added to the summed negative
        log-likelihood; intercepts are free.

    Returns
    -------
    weights, intercept
        Shapes ``(n_features, n_levels)`` and ``(n_levels,)``.
    """
    center = x.mean(axis=0)  # the fit is the same, and found in fewer steps
    centered, target = x - center, np.zeros((len(x), n_levels))
    target[:, : int(code.max()) + 1] = one_hot(code)
    shape = (x.shape[1] + 1, n_levels)

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        both = flat.reshape(shape)
        logit = centered @ both[:-1] + both[-1]
        log_p = logit - logsumexp(logit, axis=1, keepdims=True)
        off = np.exp(log_p) - target
        gradient = np.vstack([centered.T @ off + penalty * both[:-1], off.sum(axis=0)])
        loss = -(log_p * target).sum() + 0.5 * penalty * (both[:-1] ** 2).sum()
        return float(loss / len(x)), gradient.ravel() / len(x)

    found = minimize(
        objective,
        np.zeros(shape[0] * n_levels),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS, "gtol": TOLERANCE, "ftol": 1e-12},
    ).x.reshape(shape)
    return found[:-1], found[-1] - center @ found[:-1]
