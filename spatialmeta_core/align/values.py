"""The histology and feature terms of eq. 3, made ready from what the user gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from spatialmeta_core.align.extra import Together
from spatialmeta_core.align.fields import image_field, spots_field
from spatialmeta_core.align.latents import leading_components
from spatialmeta_core.align.linear import LinearTerm, linear_term
from spatialmeta_core.align.outline import image_tissue_mask
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import spacing

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.fields import Field
    from spatialmeta_core.align.frame import Frame, Placed
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.params import AlignParams
    from spatialmeta_core.types import FloatArray, Pose, TissueImage

MIN_SMOOTHING = 0.015  # in units of the tissue's size
MAX_COLUMNS = 30  # wider values are reduced to their leading components
N_COMPONENTS = 10
MIN_TRUST = 0.4  # a peak of 8 nats, which 144 turns of unrelated maps hardly ever reach
CLEAR = 3.0  # nats


class Side(NamedTuple):
    """One section: places ``(n, 2)`` in the normalized frame, their values ``(n, k)``, the tissue.

    ``name`` is what sentences call the values.
    """

    name: str
    place: FloatArray
    values: FloatArray | None
    shape: Shape


class ValueTerms(NamedTuple):
    """Terms that have something to say, and sentences about those that have not."""

    parts: tuple[LinearTerm, ...]
    notes: tuple[str, ...]


def value_terms(
    moving: Side,
    target: Side,
    frame: Frame,
    params: AlignParams,
    *,
    image: TissueImage | None = None,
    start: Pose | None = None,
) -> ValueTerms:
    """Prepare the terms whose weights are above 0.

    Parameters
    ----------
    moving, target
        The two sections in the frames of ``frame``.
    params
        Weights lambda_2 (histology) and lambda_3 (features).
    image
        Histology picture of the target.
    start
        Pose set by hand; the terms then propose no turns or flips.

    Returns
    -------
    ValueTerms
        Without terms that cannot say anything: where values are the same everywhere, and where no
        turn of the section fits better than chance.

    Raises
    ------
    InvalidParamsError
        If a weight is above 0 and its values or the picture are missing.
    InvalidDataError
        If values do not match the positions, or are missing or infinite.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 3, 5 and 6.
    """
    given = _Given(moving, target, frame, start)
    found = []
    if params.histology_weight:
        _require("histology_weight", moving_values=moving.values, target_image=image)
        found.append(_histology(given, cast("TissueImage", image), params.histology_weight))
    if params.feature_weight:
        _require("feature_weight", moving_values=moving.values, target_values=target.values)
        found.append(_features(given, params.feature_weight))
    return ValueTerms(
        tuple(term for term in found if isinstance(term, LinearTerm)),
        tuple(note for note in found if isinstance(note, str)),
    )


def prefer(terms: Terms, placed: Placed, start: FloatArray) -> bool:
    """Whether the histology or feature term clearly prefers a placement to the start ``(2, 3)``."""
    parts = terms.extra.parts if isinstance(terms.extra, Together) else ()
    won = 0.0
    for part in parts:
        if isinstance(part, LinearTerm):
            before = part.missing(part.sites @ start[:, :2].T + start[:, 2])
            won += before - part.evidence(placed.placement.matrix, placed.warp)
    return won > CLEAR


class _Given(NamedTuple):
    moving: Side
    target: Side
    frame: Frame
    start: Pose | None


def _smoothing(*parts: Side) -> float:
    """One spacing of the coarser section: finer differences are not in both."""
    return max([MIN_SMOOTHING, *(spacing(side.place) for side in parts)])


def _require(weight: str, **needed: object) -> None:
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise InvalidParamsError(
            f"{weight} is above 0, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Give {' and '.join(needed)}, "
            f"or set {weight} to 0."
        )


def _histology(given: _Given, image: TissueImage, weight: float) -> LinearTerm | str:
    frame, smoothing = given.frame, _smoothing(given.moving)
    try:
        tissue = image_tissue_mask(image)
    except InvalidDataError:  # tissue that fills the picture has no background to stand out from
        tissue = np.ones(image.rgb.shape[:2], bool)
    shown = image_field(image, tissue, frame.target_center, frame.target_length, smoothing)
    return _term("histology", given, shown, smoothing, weight)


def _features(given: _Given, weight: float) -> LinearTerm | str:
    smoothing = _smoothing(given.moving, given.target)
    shown = _map(given.target, smoothing)
    return _term("feature", given, shown, smoothing, weight)


def _term(
    name: str, given: _Given, shown: Field, smoothing: float, weight: float
) -> LinearTerm | str:
    moving, target, frame, start = given
    its = "colors of the image" if name == "histology" else f"{target.name} values"
    known = _map(moving, smoothing)
    term = linear_term(
        moving.shape.interior,
        known,
        target.shape.interior,
        shown,
        base=np.eye(2, 3) if start is None else frame.matrix_of(start),
        weight=weight,
        searches=start is None,
    )
    if term is None:
        flat = f"{moving.name} values" if known.is_flat(moving.shape.interior) else its
        return f"The {name} term was left out: the {flat} are the same everywhere."
    if term.trust < MIN_TRUST:
        return (
            f"The {name} term was left out: turned and flipped all around, the {moving.name} "
            f"values nowhere tell more about the {its} than by chance."
        )
    return term


def _map(side: Side, smoothing: float) -> Field:
    """Smooth map of the values of the spots that are tissue."""
    values = np.asarray(side.values, float)
    if values.ndim != 2 or len(values) != len(side.place):  # noqa: PLR2004 (rows and columns)
        raise InvalidDataError(
            f"The {side.name} values have shape {values.shape}; expected one row for each of the "
            f"{len(side.place):,} positions."
        )
    n_bad = int((~np.isfinite(values)).any(axis=1).sum())
    if n_bad:
        raise InvalidDataError(
            f"{n_bad:,} of {len(values):,} rows of {side.name} values hold missing or infinite "
            "numbers. Leave these positions out, or fill the values in."
        )
    if values.shape[1] > MAX_COLUMNS:
        values = leading_components(values, N_COMPONENTS)
    tissue = side.shape.at(side.place)[0] < smoothing
    return spots_field(side.place[tissue], values[tissue], smoothing)
