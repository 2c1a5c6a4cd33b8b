"""Values of one gene or metabolite as measured, normalized and denoised, each read by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import scipy.sparse as sp

from app.placement import open_adata
from spatialmeta_core import keys, metrics
from spatialmeta_core.errors import NotFoundError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anndata as ad

    from app.store import ProjectStore
    from spatialmeta_core.types import FloatArray

Layer = Literal["raw", "normalized", "denoised"]
LAYERS: Final[tuple[Layer, ...]] = ("raw", "normalized", "denoised")
RECORD_FILE: Final = "integration.json"
DENOISED_FILE: Final = "denoised.npy"  # as spatialmeta_core.integrate.result writes it
EARLIER_FILE: Final = "integration.npz"  # where earlier programs kept the denoised values


@dataclass(frozen=True, slots=True, eq=False)
class Denoised:
    """The denoised values of a run.

    Attributes
    ----------
    values
        Shape ``(n_features, n_spots)``, on disk until read; units as in
        ``spatialmeta_core.integrate.Integration``.
    row
        Where each feature is.
    log_scale
        Whether metabolites are ``log1p`` of the intensity per 10,000.
    """

    values: FloatArray
    row: dict[str, int]
    log_scale: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well denoised values follow the measured ones, over the spots that have both.

    Attributes
    ----------
    pearson, cosine
        PCC and CS of normalized and denoised values, -1 to 1; NaN where a side is constant.
    n_spots
        How many spots were compared.
    """

    pearson: float
    cosine: float
    n_spots: int


class Layers:
    """The value layers of a project's joint section.

    Parameters
    ----------
    store, project
        Where it lies.
    joint
        The section.
    """

    def __init__(self, store: ProjectStore, project: str, joint: ad.AnnData) -> None:
        self._store, self._project, self._joint = store, project, joint

    def values(self, layer: str, feature: str) -> FloatArray:
        """Return one feature in one layer, shape ``(n_spots,)``.

        All layers are on a logarithmic scale: ``raw`` is ``log1p`` of the counts or intensities,
        ``normalized`` is ``layers["normalized"]``, and ``denoised`` is on the scale of
        ``normalized``. NaN where there is no value: a spot without metabolites, a spot left out of
        training, or, everywhere, a feature that the model was not trained on.

        Raises
        ------
        NotFoundError
            If there is no such layer or feature.
        NotReadyError
            If there are no denoised values of this section.
        """
        position = self._position(feature)
        if layer == "denoised":
            return self._denoised(feature)
        if layer not in LAYERS:
            raise NotFoundError(f"There is no layer of values called '{layer}'.")
        columns = self._load("normalized" if layer == "normalized" else "raw")
        found = np.asarray(columns[:, [position]].toarray(), float).ravel()
        return found if layer == "normalized" else np.log1p(found)

    @property
    def missing(self) -> str:
        """Why there are no denoised values, as a sentence; empty when there are."""
        records = self._store.manifest(self._project)["artefacts"]
        if "integration" not in records:
            return "Denoised values come with the model. Train it on the Integrate page."
        made_from = records["integration"].get("made_from", {})
        if made_from.get("joint") != records["joint"]["revision"]:
            return (
                "The denoised values were made before the metabolite values per spot changed. "
                "Train the model again on the Integrate page."
            )
        folder = self._store.path(self._project, "integration")
        if not (folder / RECORD_FILE).is_file():
            return "This run kept no denoised values. Train the model again."
        return ""

    def is_denoised(self, feature: str) -> bool:
        """Whether a feature has denoised values."""
        return not self.missing and feature in self._run().row

    def agreement(self, feature: str) -> Agreement:
        """Compare the normalized and denoised values of a feature.

        Raises
        ------
        NotReadyError
            If the feature has no denoised values.
        """
        if not self.is_denoised(feature):
            raise NotReadyError(self.missing or f"The model was not trained on '{feature}'.")
        measured, denoised = (self.values(name, feature) for name in ("normalized", "denoised"))
        both = np.isfinite(measured) & np.isfinite(denoised)
        if not both.any():
            return Agreement(float("nan"), float("nan"), 0)
        pair = measured[both, None], denoised[both, None]
        return Agreement(
            float(metrics.pearson(*pair)[0]), float(metrics.cosine(*pair)[0]), int(both.sum())
        )

    def _position(self, feature: str) -> int:
        if feature not in self._joint.var_names:
            raise NotFoundError(
                f"There is no gene or metabolite called '{feature}' in this project."
            )
        return int(self._joint.var_names.get_loc(feature))

    def _denoised(self, feature: str) -> FloatArray:
        if self.missing:
            raise NotReadyError(self.missing)
        run = self._run()
        if feature not in run.row:
            return np.full(self._joint.n_obs, np.nan)
        kind = str(self._joint.var.at[feature, keys.FEATURE_TYPE])
        values = np.asarray(run.values[run.row[feature]], float)
        return metrics.on_normalized_scale(
            values[:, None],
            self._load("totals")[kind],
            kind,
            log_scale=kind == keys.SM and run.log_scale,
        ).ravel()

    def _run(self) -> Denoised:
        return self._store.load(self._project, "integration", "", _read_denoised)

    def _load(self, what: str) -> Any:
        reader = _OfJoint(self._joint, what, READERS[what])
        return self._store.load(self._project, "joint", "joint.h5ad", reader)


def open_layers(store: ProjectStore, project: str) -> Layers:
    """Return the value layers of a project."""
    return Layers(store, project, open_adata(store, project, "joint"))


class _OfJoint:
    """Reader of something computed from the joint section; a class so that the cache can name it.

    The key of the cache is the file and this name.
    """

    def __init__(self, joint: ad.AnnData, name: str, make: Callable[[ad.AnnData], Any]) -> None:
        self._joint, self._make = joint, make
        self.__qualname__ = f"joint {name}"

    def __call__(self, _path: Path) -> Any:
        return self._make(self._joint)


def _normalized(joint: ad.AnnData) -> sp.csc_matrix:
    return sp.csc_matrix(joint.layers[keys.NORMALIZED])


def _raw(joint: ad.AnnData) -> sp.csc_matrix:
    return sp.csc_matrix(joint.X)


def _totals(joint: ad.AnnData) -> dict[str, FloatArray]:
    """Return each spot's total of each modality, ``(n_spots,)``; NaN where it has none."""
    kinds = joint.var[keys.FEATURE_TYPE].astype(str).to_numpy()
    columns = sp.csc_matrix(joint.X)
    return {
        kind: np.asarray(columns[:, np.flatnonzero(kinds == kind)].sum(axis=1), float).ravel()
        for kind in (keys.ST, keys.SM)
    }


READERS: Final[dict[str, Callable[[ad.AnnData], Any]]] = {
    "normalized": _normalized,
    "raw": _raw,
    "totals": _totals,
}


def _read_denoised(folder: Path) -> Denoised:
    record = json.loads((folder / RECORD_FILE).read_text("utf-8"))
    if (folder / DENOISED_FILE).is_file():
        values = np.load(folder / DENOISED_FILE, mmap_mode="r", allow_pickle=False)
    else:
        with np.load(folder / EARLIER_FILE, allow_pickle=False) as arrays:
            values = np.ascontiguousarray(arrays["denoised"].T)
    row = {name: place for place, name in enumerate(record["features"])}
    return Denoised(values, row, bool(record.get("net", {}).get("normalize_sm", True)))


def denoised_table(folder: Path) -> tuple[list[str], FloatArray]:
    """Return the features of a run and their denoised values, ``(n_spots, n_features)``."""
    run = _read_denoised(folder)
    return list(run.row), np.asarray(run.values).T
