"""p-values of the spatial null: computed once per question, after the fast tables are there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from spatialmeta_core import trajectory
from spatialmeta_core.markers import add_spatial_p
from spatialmeta_core.null.region import MIN_PLACEMENTS
from spatialmeta_core.regions import to_dict
from spatialmeta_core.types import Trajectory

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.markers import SpatialMarkers
    from spatialmeta_core.trajectory import EdgeDistance, Screen
    from spatialmeta_core.types import BoolArray

N_PLACEMENTS: Final = 1000
PENDING: Final = "The region-shift p is being computed …"


def spatial_markers(
    store: ProjectStore,
    project: str,
    section: Section,
    table: pd.DataFrame,
    groups: tuple[BoolArray, BoolArray | None],
) -> SpatialMarkers:
    """Test a comparison against the same shape at other places; cached."""
    inside, reference = groups
    parts = [inside.tobytes(), b"" if reference is None else reference.tobytes()]
    reader = _Cached(
        f"spatial {_digest(*parts)}",
        lambda: add_spatial_p(table, section.joint, inside, reference, n_placements=N_PLACEMENTS),
    )
    found: SpatialMarkers = store.load(project, "joint", "joint.h5ad", reader)
    return found


def spatial_screen(
    store: ProjectStore, project: str, section: Section, where: Trajectory | EdgeDistance
) -> Screen:
    """Test a screen against the same axis at other places; cached."""
    reader = _Cached(
        f"screen {axis_key(where)}",
        lambda: trajectory.screen(section.joint, where, n_placements=N_PLACEMENTS),
    )
    found: Screen = store.load(project, "joint", "joint.h5ad", reader)
    return found


def axis_key(where: Trajectory | EdgeDistance) -> str:
    """Return a text that changes with anything that the results along an axis depend on."""
    if isinstance(where, Trajectory):
        values = [where.points.tolist(), where.width_um, where.width_unit]
    else:
        values = [to_dict(where.region)["parts"], where.reach_um]
    return _digest(json.dumps(values).encode())


def words(n_placements: int, n_distinct: int, note: str) -> str:
    """Say what the p-values rest on."""
    if note:
        return f"Region-shift p: {note}"
    return (
        f"Region-shift p: from the same shape at {n_placements:,} other places of the tissue "
        f"({n_distinct:,} clearly different; {MIN_PLACEMENTS} are needed)."
    )


class _Cached:
    """Reader whose name is the question, so that the store's cache keeps the answer."""

    def __init__(self, name: str, compute: Any) -> None:
        self._compute = compute
        self.__qualname__ = name

    def __call__(self, _path: Path) -> Any:
        return self._compute()


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(hashlib.sha256(part).digest())
    return found.hexdigest()
