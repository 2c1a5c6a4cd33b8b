"""The tick list of a section: what was found, in numbers, and what deserves a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.io.image import NO_IMAGE, NO_IMAGE_TITLE
from spatialmeta_core.io.wording import counted
from spatialmeta_core.types import CheckItem, FloatArray

if TYPE_CHECKING:
    import anndata as ad

_FEW_GENES: Final = 1_000  # a targeted panel; whole transcriptome references have 18,000 and more
_FEW_SPOTS: Final = 50
_FEW_COUNTS: Final = 500  # median per spot; Visium has some thousands
MANY_OUTSIDE: Final = 0.1  # of spots beyond the image: the scale factor must be wrong
_WIDE_TIC: Final = 20.0  # 95th over 5th percentile of total intensity


def check_st(adata: ad.AnnData) -> tuple[CheckItem, ...]:
    """Report on a transcriptomics section as ``read_st`` returns it.

    Returns
    -------
    Facts (``"ok"``), what to look at (``"warning"``) and what blocks the analysis (``"error"``).
    """
    counts = _sums(adata.X, axis=1)
    genes = _n_positive(adata.X, axis=1)
    report = [
        _ok(
            f"Matrix found: {counted(adata.n_obs, 'spot')} × {counted(adata.n_vars, 'gene')}, "
            f"median {np.median(counts):,.0f} counts and {np.median(genes):,.0f} genes per spot."
        ),
        *_findings(adata),
        *_size(adata, "spot"),
    ]
    if adata.n_vars < _FEW_GENES:
        n_genes = counted(adata.n_vars, "gene")
        report.append(_warning(f"Only {n_genes}: this looks like a targeted panel."))
    if 0 < np.median(counts) < _FEW_COUNTS:
        report.append(_warning(f"Few counts: half of the spots have under {_FEW_COUNTS:,}."))
    report += [*_empty(adata, counts, "spot", "counts"), *_constant(adata, "gene")]
    report += [*_positions(adata, "spot"), *_image(adata), *_pixel_size(adata)]
    return tuple(report)


def check_sm(adata: ad.AnnData) -> tuple[CheckItem, ...]:
    """Report on a metabolomics section as ``read_sm`` returns it; see ``check_st``."""
    totals = _sums(adata.X, axis=1)
    report = [
        _ok(
            f"Matrix found: {counted(adata.n_obs, 'pixel')} × "
            f"{counted(adata.n_vars, 'metabolite')}."
        ),
        *_findings(adata),
        *_size(adata, "pixel"),
        *_mz(adata),
    ]
    low, high = np.percentile(totals, [5, 95])
    if low > 0:
        text = (
            f"Total intensity per pixel: median {np.median(totals):.3g}, middle 90 % from "
            f"{low:.3g} to {high:.3g} ({high / low:.1f} times)."
        )
        report.append(_ok(text) if high <= _WIDE_TIC * low else _warning(f"{text} That is wide."))
    report += [*_empty(adata, totals, "pixel", "intensity"), *_constant(adata, "metabolite")]
    report += _positions(adata, "pixel")
    step = adata.uns.get(keys.OURS, {}).get(keys.STEP)
    if step:
        report.append(_ok(f"Raster step: {step:.4g} in the unit of the file (median)."))
    return tuple(report)


def _ok(text: str) -> CheckItem:
    return CheckItem("ok", text)


def _warning(text: str) -> CheckItem:
    return CheckItem("warning", text)


def _sums(values: Any, axis: int) -> FloatArray:
    return np.asarray(values.sum(axis=axis, dtype=np.float64)).ravel()


def _n_positive(values: Any, axis: int) -> FloatArray:
    return np.asarray((values > 0).sum(axis=axis)).ravel()


def _findings(adata: ad.AnnData) -> list[CheckItem]:
    record = adata.uns.get(keys.OURS, {})
    items = [_ok(str(note)) for note in record.get(keys.NOTES, [])]
    if record.get(keys.SIMULATED, False):
        items.append(_warning("These data are simulated."))
    return [*items, *(_with_code(str(text)) for text in record.get(keys.WARNINGS, []))]


def _with_code(text: str) -> CheckItem:
    if text == NO_IMAGE:
        rest = text.removeprefix(NO_IMAGE_TITLE).strip()
        return CheckItem("warning", rest, title=NO_IMAGE_TITLE, code="E-08")
    return _warning(text)


def _size(adata: ad.AnnData, what: str) -> list[CheckItem]:
    if adata.n_obs >= _FEW_SPOTS:
        return []
    return [_warning(f"Only {counted(adata.n_obs, what)}: statistics will be weak.")]


def _empty(adata: ad.AnnData, totals: FloatArray, spot: str, what: str) -> list[CheckItem]:
    n_empty = int((totals == 0).sum())
    if n_empty == adata.n_obs:
        return [CheckItem("error", f"All {spot}s have no {what}. Is this the right file?")]
    if n_empty:
        have = counted(n_empty, f"{spot} has", f"{spot}s have")
        fate = "training leaves them out" if spot == "spot" else "they count as 0"
        return [_warning(f"{have} no {what}: {fate}.")]
    return [_ok(f"No empty {spot}s.")]


def _constant(adata: ad.AnnData, what: str) -> list[CheckItem]:
    axis_max, axis_min = adata.X.max(axis=0), adata.X.min(axis=0)
    if sp.issparse(axis_max):
        axis_max, axis_min = axis_max.toarray(), axis_min.toarray()
    n_constant = int((np.asarray(axis_max) == np.asarray(axis_min)).sum())
    if not n_constant:
        return []
    text = f"The same everywhere (mostly 0): {n_constant:,} of {counted(adata.n_vars, what)}."
    return [_warning(text) if n_constant * 2 > adata.n_vars and what != "gene" else _ok(text)]


def _positions(adata: ad.AnnData, what: str) -> list[CheckItem]:
    xy = adata.obsm[keys.SPATIAL]
    low, high = xy.min(axis=0), xy.max(axis=0)
    items = [
        _ok(f"Positions: x {low[0]:,.6g} to {high[0]:,.6g}, y {low[1]:,.6g} to {high[1]:,.6g}.")
    ]
    n_repeats = len(xy) - len(np.unique(xy, axis=0))
    if n_repeats:
        lie = counted(n_repeats, f"{what} lies", f"{what}s lie")
        items.append(_warning(f"{lie} exactly on another one."))
    if (high == low).any():
        items.append(CheckItem("error", f"All {what}s lie on one line. Are x and y right?"))
    return items


def _image(adata: ad.AnnData) -> list[CheckItem]:
    library = next(iter(adata.uns.get(keys.IMAGE, {}).values()), None)
    if library is None:
        return []  # the reader's warning E-08 is among the findings
    factors = library.get("scalefactors", {})
    items = []
    if factors:
        shown = ", ".join(f"{name} {value:.4g}" for name, value in sorted(factors.items()))
        items.append(_ok(f"Scale factors found: {shown}."))
    for name, picture in library.get("images", {}).items():
        factor = factors.get(f"tissue_{name}_scalef")
        if factor is not None:
            items.append(_on_image(adata.obsm[keys.SPATIAL] * factor, picture.shape, factor, name))
    return items


def _on_image(xy: FloatArray, shape: tuple[int, ...], factor: float, name: str) -> CheckItem:
    """Compare spots, in picture pixels, with the picture's borders (E-09)."""
    height, width = shape[:2]
    n_outside = int(((xy < 0) | (xy > [width, height])).any(axis=1).sum())
    if not n_outside:
        return _ok(f"All {len(xy):,} spots lie on the {name} image ({width} × {height}).")
    text = (
        f"{n_outside:,} of {len(xy):,} do. The scale factor ({factor:.4g}) does not fit an image "
        f"of {width} × {height}. Is this the {name} image of the same sample? Load the file again "
        "with its own image and scalefactors_json.json."
    )
    level: Literal["error", "warning"] = (
        "error" if n_outside > MANY_OUTSIDE * len(xy) else "warning"
    )
    return CheckItem(level, text, title="Spots fall outside the image.", code="E-09")


def _pixel_size(adata: ad.AnnData) -> list[CheckItem]:
    size = adata.uns.get(keys.OURS, {}).get(keys.UM_PER_PX)
    if size is None:
        return []  # the reader's warning is among the findings
    width, height = np.ptp(adata.obsm[keys.SPATIAL], axis=0) * float(size) / 1000
    return [_ok(f"The spots cover {width:.3g} × {height:.3g} mm.")]


def _mz(adata: ad.AnnData) -> list[CheckItem]:
    mz = np.asarray(adata.var[keys.MZ], dtype=float)
    known = mz[np.isfinite(mz)]
    if not len(known):
        return [_warning("No m/z among the names: annotation by mass is not possible.")]
    text = f"m/z from {known.min():.4f} to {known.max():.4f}"
    items = [_ok(f"{text}, known for {len(known):,} of {counted(len(mz), 'metabolite')}.")]
    n_repeats = len(known) - len(np.unique(known))
    if n_repeats:
        repeated = counted(n_repeats, "m/z is", "m/z are")
        items.append(_warning(f"{repeated} repeated; each is kept as a feature."))
    return items
