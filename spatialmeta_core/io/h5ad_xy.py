"""Where the spots of an AnnData file are: ``obsm["spatial"]``, or two columns of ``obs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.h5ad import element, has_part
from spatialmeta_core.io.labels import position_columns

if TYPE_CHECKING:
    import h5py

    from spatialmeta_core.io.record import Findings
    from spatialmeta_core.types import FloatArray


def read_xy(
    file: h5py.File,
    obs: pd.DataFrame,
    findings: Findings,
    columns: tuple[str | None, str | None] = (None, None),
) -> FloatArray:
    """Return positions ``(n_spots, 2)`` from ``obsm['spatial']`` or a pair of ``obs`` columns.

    Parameters
    ----------
    file, obs
        The open file, and its table of spots.
    findings
        Receives what was decided.
    columns
        Labels of the ``obs`` columns of x and y; None leaves the choice to this function.

    Raises
    ------
    InvalidDataError
        E-12 if there are none.
    """
    if any(columns):
        return _named_xy(obs, (columns[0] or "x", columns[1] or "y"), findings)
    name = f"obsm/{keys.SPATIAL}"
    if has_part(file, name):
        xy = np.asarray(element(file, name), dtype=float)
        if xy.ndim == 2 and xy.shape[0] == len(obs) and xy.shape[1] >= 2:  # noqa: PLR2004  # x, y
            return xy[:, :2]
        raise InvalidDataError(
            f"obsm['spatial'] has the shape {xy.shape}; expected ({len(obs)}, 2): x and y per "
            "spot.",
            code="E-12",
            title="The coordinates do not fit.",
            choices=_column_choices(obs),
        )
    pair = position_columns([str(c) for c in obs.columns])
    if pair is None:
        raise InvalidDataError(
            "obsm['spatial'] is absent, and no pair of obs columns looks like x and y (columns: "
            f"{', '.join(map(str, obs.columns[:8])) or 'none'}). "
            + ("Choose the two columns, or save" if _column_choices(obs) else "Save")
            + " the coordinates as obsm['spatial'].",
            code="E-12",
            title="No coordinates in this file.",
            choices=_column_choices(obs),
        )
    return _named_xy(obs, pair, findings)


def _named_xy(obs: pd.DataFrame, pair: tuple[str, str], findings: Findings) -> FloatArray:
    absent = [name for name in pair if name not in obs]
    found = [] if absent else [pd.to_numeric(_cells(obs, c), errors="coerce") for c in pair]
    empty = [name for name, values in zip(pair, found, strict=False) if not values.notna().any()]
    if absent or empty:
        why = f"There is no obs column {absent[0]!r}" if absent else f"{empty[0]!r} has no numbers"
        raise InvalidDataError(
            f"{why}. Choose two columns of numbers, one for x and one for y.",
            code="E-12",
            title="No coordinates in this column.",
            choices=_column_choices(obs),
        )
    findings.warnings.append(f"Positions were taken from the obs columns {pair[0]} and {pair[1]}.")
    return np.column_stack([values.to_numpy(float) for values in found])


def _cells(obs: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as plain objects or numbers: categories would be converted by their codes."""
    cells = obs[column]
    return cells.astype(object) if isinstance(cells.dtype, pd.CategoricalDtype) else cells


def _column_choices(obs: pd.DataFrame) -> dict[str, list[str]]:
    """Name the columns that could hold positions; nothing if there are fewer than two."""
    numeric = [
        str(name)
        for name in obs
        if not pd.api.types.is_bool_dtype(obs[name].dtype)
        and pd.to_numeric(_cells(obs, name), errors="coerce").notna().any()
    ]
    return {"columns": numeric} if len(numeric) > 1 else {}
