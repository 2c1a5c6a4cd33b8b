"""Alignments of a project: read what they need, score a hand pose, save a result."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
from spatialmeta_core.align.fit import score

from spatialmeta_core import keys
from spatialmeta_core.io.alignment import write_alignment
from spatialmeta_core.types import Alignment, FloatArray, Pose, TissueImage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.store import ProjectStore


def read_h5ad(path: Path) -> ad.AnnData:
    """Read a whole h5ad file."""
    return ad.read_h5ad(path)


def open_adata(store: ProjectStore, project: str, artefact: str) -> ad.AnnData:
    """Return the ``st``, ``sm`` or ``joint`` table of a project through the cache; read-only."""
    return store.load(project, artefact, f"{artefact}.h5ad", read_h5ad)


def tissue_image(st: ad.AnnData) -> TissueImage | None:
    """Return the histology picture of an ST section, or None."""
    for library in st.uns.get(keys.IMAGE, {}).values():
        for name in ("hires", "lowres"):
            if name in library.get("images", {}):
                factor = float(library["scalefactors"][f"tissue_{name}_scalef"])
                return TissueImage(np.asarray(library["images"][name]), factor)
    return None


def by_hand(pose: Pose, sm_xy: FloatArray, st_xy: FloatArray) -> Alignment:
    """Take a pose set by hand as the alignment, scored against the ST spots."""
    placed = Alignment(pose=pose).apply(sm_xy)
    return Alignment(pose=pose, score=score(placed, st_xy), notes=("Placed by hand.",))


def summary(found: Alignment) -> dict[str, Any]:
    """Return what the score card shows, as JSON values."""
    return {
        "matrix": found.pose.matrix.tolist(),
        "score": None if found.score is None else asdict(found.score),
        "score_before": None if found.score_before is None else asdict(found.score_before),
        "target": found.target,
        "ambiguous": found.ambiguous,
        "notes": list(found.notes),
    }


def commit(
    store: ProjectStore,
    project: str,
    artefact: str,
    found: Alignment,
    made_from: Mapping[str, int],
    params: Mapping[str, Any],
) -> None:
    """Save an alignment as ``proposal`` (to be reviewed) or ``alignment`` (accepted)."""
    store.commit(
        project,
        artefact,
        lambda folder: write_alignment(found, folder / "alignment.json"),
        made_from=made_from,
        params={key: params.get(key) for key in ("align", "start", "automatic")},
        summary=summary(found),
    )
