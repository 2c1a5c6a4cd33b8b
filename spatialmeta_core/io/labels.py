"""Names of samples, features and position columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_MZ = re.compile(
    r"(?:(?:mz|m/z|m\.z\.?)[\s:_=.-]*|X(?=\d))?(\d+(?:[.,]\d+)?)(?:\s*(?:m/z|Da))?", re.IGNORECASE
)
_LARGEST_MZ = 1e5
_ENDINGS = re.compile(
    r"\.(h5ad|h5|zip|tar|tgz|gz|csv|tsv|txt)$|[ _.-](outs|filtered_feature_bc_matrix)$",
    re.IGNORECASE,
)
_PLUMBING = re.compile(r"outs|spatial|filtered_feature_bc_matrix", re.IGNORECASE)
_WORDS = {  # word of a label: the axis, and what must be the same in the other axis's label
    **{f"{axis}{form}": (axis, form) for axis in "xy" for form in ("", "coord", "pos", "location")},
    **{f"{form}{axis}": (axis, form) for axis in "xy" for form in ("coord", "pos")},
    **{f"{form}col": ("x", form) for form in ("image", "pxl")},
    **{f"{form}row": ("y", form) for form in ("image", "pxl")},
}
_FILLERS = frozenset(
    (
        *("location", "loc", "coord", "coords", "coordinate", "coordinates", "position", "pos"),
        *("px", "pixel", "pixels", "um", "µm", "\u03bcm", "mm"),  # micro sign, and Greek mu
        *("center", "centre", "centroid", "spot", "index", "image", "ion", "spatial", "raster"),
        *("in", "full", "res", "fullres"),
    )
)
_JOINED = re.compile(r"(?<![a-z])(pxl|image)[ _.]?(col|row)(?![a-z])")


def make_unique(names: Iterable[str]) -> list[str]:
    """Append ``-1``, ``-2`` ... to repeats, never producing a name that already exists."""
    given = list(names)
    taken, seen, result = set(given), set[str](), []
    for name in given:
        unique, n_repeats = name, 0
        while unique in seen or (n_repeats and unique in taken):
            n_repeats += 1
            unique = f"{name}-{n_repeats}"
        seen.add(unique)
        result.append(unique)
    return result


def sample_name(path: Path, sample: str | None = None) -> str:
    """Return ``sample``, or a name made from the file's; never empty and without ``/``."""
    name = path.name if sample is None else sample
    if sample is None and _PLUMBING.fullmatch(path.name):
        name = path.absolute().parent.name
    while sample is None and (shorter := _ENDINGS.sub("", name)) != name:
        name = shorter
    name = "" if sample is None and _PLUMBING.fullmatch(name) else name
    return name.replace("/", "-").strip(" ._-") or "sample"


def _axis(label: str) -> tuple[str, str] | None:
    """Return ``("x" or "y", the rest of the label)`` if the label names a position column."""
    text = _JOINED.sub(r"\1\2", label.strip().lower())
    words = [word for word in re.split(r"[^a-zµμ]+", text) if word]
    own = [word for word in words if word in _WORDS]
    rest = [word for word in words if word not in _WORDS]
    if len(own) != 1 or re.search(r"\d", text) or not _FILLERS.issuperset(rest):
        return None
    axis, form = _WORDS[own[0]]
    return axis, " ".join([form, *rest]).strip()


def position_columns(labels: Sequence[str]) -> tuple[str, str] | None:
    """Find the labels of the x and the y column, or None.

    Plain ``x``/``y`` come first, then the first pair whose names differ in the axis only, such as
    ``x_location``/``y_location``, ``pxl_col_in_fullres``/``pxl_row_in_fullres`` (column is x).

    Examples
    --------
    >>> position_columns(["spot_id", "X (µm)", "Y (µm)", "101.2"])
    ('X (µm)', 'Y (µm)')
    """
    found: dict[tuple[str, str], str] = {}
    for label in labels:
        axis = _axis(label)
        if axis is not None:
            found.setdefault(axis, label)
    forms = [form for axis, form in found if axis == "x" and ("y", form) in found]
    if not forms:
        return None
    form = min(forms, key=lambda form: (form != "", forms.index(form)))
    return found["x", form], found["y", form]


def parse_mz(label: str) -> float | None:
    """Read the m/z from a column label, or return None.

    Examples
    --------
    >>> parse_mz("mz-104.1070"), parse_mz("m/z 100,02"), parse_mz("X885.55"), parse_mz("PC 34:1")
    (104.107, 100.02, 885.55, None)
    """
    match = _MZ.fullmatch(label.strip())
    if not match:
        return None
    mz = float(match[1].replace(",", "."))
    return mz if 0 < mz < _LARGEST_MZ else None


def plain_label(label: str, mz: float | None) -> str:
    """Write an m/z without prefix and with a point, digits as given; leave names alone."""
    match = _MZ.fullmatch(label)
    return label if mz is None or match is None else match[1].replace(",", ".")
