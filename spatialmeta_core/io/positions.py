"""Spot positions of Visium, and the pixel size that their lattice gives away."""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.source import damaged, read_bytes

if TYPE_CHECKING:
    from spatialmeta_core.io.archive import Entry
    from spatialmeta_core.types import FloatArray

COLUMNS: Final = (
    "barcode",
    "in_tissue",
    "array_row",
    "array_col",
    "pxl_row_in_fullres",
    "pxl_col_in_fullres",
)
SPOT_DISTANCE_UM: Final = 100.0  # center to center, Visium (10x Genomics)
_ROW_UM: Final = SPOT_DISTANCE_UM * np.sqrt(3) / 2
_COLUMN_UM: Final = SPOT_DISTANCE_UM / 2  # array columns count half steps
_TOLERANCE: Final = 0.1
_DIAMETER_RANGE: Final = (0.5, 0.72)  # Space Ranger's spot diameter over the spot distance
_FEWEST_SPOTS: Final = 12


def read_positions(entry: Entry) -> pd.DataFrame:
    """Read ``tissue_positions`` in any of its forms; a header is recognized by content.

    Returns
    -------
    Index: barcode. Columns ``in_tissue`` (bool), ``array_row``, ``array_col``, ``x`` (pixel column)
    and ``y`` (pixel row) of the full-resolution image.

    Raises
    ------
    InvalidDataError
        If columns are missing, a cell is not a number, or barcodes repeat.
    """
    raw = read_bytes(entry.path)
    frame = _parquet(raw, entry) if ".parquet" in entry.name.lower() else _text(raw, entry)
    for name in COLUMNS[1:]:
        values = pd.to_numeric(frame[name], errors="coerce")
        bad = np.flatnonzero(values.isna())
        if bad.size:
            raise InvalidDataError(
                f"{entry.name}: {str(frame[name].iloc[bad[0]])[:40]!r} in row {bad[0] + 1:,}, "
                f"column {name}, is not a number. Copy the file again from the Space Ranger output."
            )
        frame[name] = values
    barcodes = frame["barcode"].astype(str).str.strip()
    repeated = barcodes[barcodes.duplicated()]
    if len(repeated):
        raise InvalidDataError(
            f"{entry.name} lists {len(repeated):,} barcodes twice, first {repeated.iloc[0]}. Give "
            "the file of one sample."
        )
    return pd.DataFrame(
        {
            "in_tissue": frame["in_tissue"].to_numpy() == 1,
            "array_row": frame["array_row"].to_numpy(dtype=np.int64),
            "array_col": frame["array_col"].to_numpy(dtype=np.int64),
            "x": frame["pxl_col_in_fullres"].to_numpy(dtype=float),
            "y": frame["pxl_row_in_fullres"].to_numpy(dtype=float),
        },
        index=pd.Index(barcodes.to_numpy(), dtype=object),
    )


def _parquet(raw: bytes, entry: Entry) -> pd.DataFrame:
    try:
        pyarrow = import_module("pyarrow")  # optional, and only Visium HD needs it
    except ImportError as error:
        raise InvalidDataError(
            f"{entry.name} is a Parquet file, and pyarrow is not installed here. Ask your "
            "administrator to install the extra 'parquet' (pip install 'spatialmeta-app[parquet]')."
        ) from error
    try:
        frame = pd.read_parquet(io.BytesIO(raw), engine="pyarrow")
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(entry.name, "is not a complete Parquet file") from error
    if "barcode" not in frame:
        frame = frame.reset_index(names="barcode")
    return _with_columns(frame, entry)


def _text(raw: bytes, entry: Entry) -> pd.DataFrame:
    text = raw.decode("utf-8-sig", errors="replace")
    first = text.lstrip().split("\n", 1)[0]
    separator = next((mark for mark in "\t;" if mark in first), ",")
    cells = [cell.strip().strip('"') for cell in first.split(separator)]
    has_header = len(cells) > 1 and not cells[1].lstrip("-").replace(".", "", 1).isdigit()
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=0 if has_header else None,
            dtype=str,
            skipinitialspace=True,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise damaged(entry.name, "is not a complete table") from error
    if not has_header:
        if frame.shape[1] != len(COLUMNS):
            raise _missing_columns(entry, f"it has {frame.shape[1]} columns without names")
        frame.columns = pd.Index(COLUMNS)
    return _with_columns(frame, entry)


def _with_columns(frame: pd.DataFrame, entry: Entry) -> pd.DataFrame:
    frame = frame.rename(columns=lambda name: str(name).strip().lower())
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise _missing_columns(entry, f"{', '.join(missing)} not found")
    return frame[list(COLUMNS)].copy()


def _missing_columns(entry: Entry, why: str) -> InvalidDataError:
    return InvalidDataError(
        f"{entry.name} should have the six columns {', '.join(COLUMNS)}, but {why}. Use the file "
        "as Space Ranger wrote it.",
        code="E-06",
        title="Spot positions not found.",
    )


def um_per_px_from_array(
    array_row: FloatArray, array_col: FloatArray, xy: FloatArray
) -> float | None:
    """Return the pixel size if array indices and pixels show the Visium lattice, else None.

    Fits the affine map from the lattice in um (rows 86.6 um, columns 50 um apart) to pixels. It
    must be a similarity, and spots must lie on it, both within 10 percent.
    """
    lattice = np.column_stack(
        [np.asarray(array_col) * _COLUMN_UM, np.asarray(array_row) * _ROW_UM, np.ones(len(xy))]
    )
    parity = (np.asarray(array_row, int) + np.asarray(array_col, int)) % 2
    if (
        len(xy) < _FEWEST_SPOTS
        or np.ptp(parity)
        or np.linalg.matrix_rank(lattice) < lattice.shape[1]
    ):
        return None
    fit = np.linalg.lstsq(lattice, np.asarray(xy, float), rcond=None)[0]
    large, small = np.linalg.svd(fit[:2], compute_uv=False)
    off_um = np.linalg.norm(lattice @ fit - xy, axis=1) / large if large > 0 else np.inf
    if small < large * (1 - _TOLERANCE) or np.median(off_um) > SPOT_DISTANCE_UM * _TOLERANCE:
        return None
    return float(1 / np.sqrt(large * small))


def um_per_px_from_geometry(xy: FloatArray, spot_diameter_px: float | None) -> float | None:
    """Return the pixel size if the spots form a hexagonal lattice like Visium's, else None.

    Spots must have near neighbors in six directions (bond order above 0.9 for half of them). A
    known spot diameter must fit too: other programs place spots on hexagons of any size.
    """
    if len(xy) < _FEWEST_SPOTS:
        return None
    xy = np.asarray(xy, float)
    distance, index = KDTree(xy).query(xy, k=7)
    spacing = float(np.median(distance[:, 1]))
    if spacing <= 0:
        return None
    near = distance[:, 1:] < spacing * 1.25
    step = xy[index[:, 1:]] - xy[:, None]
    bond = np.exp(6j * np.arctan2(step[..., 1], step[..., 0])) * near
    n_near = near.sum(axis=1)
    order = np.abs(bond.sum(axis=1)) / np.maximum(n_near, 1)
    inner = n_near >= 4  # noqa: PLR2004  # two neighbors always look ordered
    if inner.mean() < 0.5 or np.median(order[inner]) < 1 - _TOLERANCE:  # noqa: PLR2004  # a minority proves nothing
        return None
    spacing = float(distance[:, 1:][near].mean())  # rounding biases the nearest alone
    if spot_diameter_px is not None:
        low, high = _DIAMETER_RANGE
        if not low <= spot_diameter_px / spacing <= high:
            return None
    return SPOT_DISTANCE_UM / spacing
