"""Pictures of a section that are drawn once, on import, and then only sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from app.figures import preview
from spatialmeta_core import geometry, keys

if TYPE_CHECKING:
    from pathlib import Path

    import anndata as ad

    from spatialmeta_core.types import TissueImage

VISIUM_SPOT: Final = 0.55  # diameter over spacing: 55 um spots, 100 um apart
SMALLEST_SQUARE: Final = 100_000  # more ST spots than this come from square bins (Visium HD)


def write_st(adata: ad.AnnData, picture: TissueImage | None, folder: Path) -> None:
    """Write what the data and home screens show of an ST section.

    ``image.jpg`` is the histology and ``spots.png`` the spots to lie over it; without histology,
    ``map.png`` is the total counts per spot. ``thumb.jpg`` is small. Where spots lie beside the
    histology, ``whole.jpg`` shows both.
    """
    xy = np.asarray(adata.obsm[keys.SPATIAL], float)
    spacing = geometry.spacing(xy)
    if picture is None:
        square = adata.n_obs > SMALLEST_SQUARE
        drawn = preview.value_map(xy, np.log1p(_totals(adata)), spacing, square=square)
        drawn.save(folder / "map.png")
        preview.thumbnail(drawn).save(folder / "thumb.jpg", quality=85)
        return
    histology = Image.fromarray(picture.rgb).convert("RGB")
    histology.save(folder / "image.jpg", quality=90)
    overlay = preview.spot_overlay(
        xy, _diameter(adata) or VISIUM_SPOT * spacing, histology.size, picture.scale
    )
    overlay.save(folder / "spots.png")
    if preview.any_outside(xy, histology.size, picture.scale):
        whole = preview.whole_section(
            histology, xy, _diameter(adata) or VISIUM_SPOT * spacing, picture.scale
        )
        whole.save(folder / "whole.jpg", quality=85)
    preview.thumbnail(histology, overlay).save(folder / "thumb.jpg", quality=85)


def write_sm(adata: ad.AnnData, folder: Path) -> None:
    """Write ``map.png``, the total intensity of each pixel."""
    xy = np.asarray(adata.obsm[keys.SPATIAL], float)
    drawn = preview.value_map(xy, _totals(adata), geometry.spacing(xy), square=True)
    drawn.save(folder / "map.png")


def _totals(adata: ad.AnnData) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(adata.X.sum(axis=1), float).ravel()


def _diameter(adata: ad.AnnData) -> float | None:
    for library in adata.uns.get(keys.IMAGE, {}).values():
        value = library.get("scalefactors", {}).get("spot_diameter_fullres")
        if value:
            return float(value)
    return None
