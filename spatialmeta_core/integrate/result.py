"""What an integration returns, and its form on disk."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.mapping import map_onto
from spatialmeta_core.params import LossWeights, NetParams, TrainParams, from_dict
from spatialmeta_core.types import Contribution, Embedding, EpochReport, LossTerms

if TYPE_CHECKING:
    from anndata import AnnData
    from torch import Tensor

    from spatialmeta_core.integrate.mapping import Mapped
    from spatialmeta_core.types import BoolArray, FloatArray

__all__ = ["Integration"]

SCHEMA = 1
RECORDED = (
    "features",
    "feature_type",
    "best_epoch",
    "device",
    "n_separating",
    "notes",
    "batch_keys",
    "batch_levels",
)
ARRAYS_FILE, RECORD_FILE, MODEL_FILE = "integration.npz", "integration.json", "model.pt"
# One row per feature, so that a single feature is read from the mapped file without the others.
DENOISED_FILE = "denoised.npy"


@dataclass(frozen=True, slots=True, eq=False)
class Integration:
    """A trained model's answers for the spots it was trained on.

    Attributes
    ----------
    embedding
        Latent means; ``joint``, ``st`` and ``sm``, each ``(n_spots, n_latent)``, ``float32``.
    contribution
        Cosines of eqs 20 and 21 and the calibrated balance, each ``(n_spots,)``.
    denoised
        Decoded means of the joint latent means, never sampled, shape ``(n_spots, n_features)``,
        ``float32``: expected counts at the spot's own depth for genes, log intensity
        (log(1 + x) of the intensity per 10,000 of the spot's total, 0 or more) for metabolites.
    features, feature_type
        Name and ``"ST"`` or ``"SM"`` of each column of ``denoised``, in the input's order.
    used
        Which spots took part, shape ``(n_spots,)``; all other rows are NaN.
    losses
        One report for each epoch of training.
    best_epoch
        The epoch whose state was kept, counted from 1.
    device
        Where the model was trained, such as ``"cpu"`` or ``"cuda:0"``.
    n_separating
        Number of latent directions that separate groups of spots, drawn out after the training; 0
        if there were none, or ``train.separate`` was off, and the coordinates are as trained.
    notes
        Sentences for the user.
    net, train, weights, batch_keys
        The settings.
    batch_levels
        Names of the levels of each batch key, in the order of their codes.
    sm_center, sm_scale
        Mean and standard deviation of each metabolite's log intensity, ``(n_metabolites,)``.
    state
        Parameters of the network, on the CPU.
    """

    embedding: Embedding
    contribution: Contribution
    denoised: FloatArray
    features: tuple[str, ...]
    feature_type: tuple[str, ...]
    used: BoolArray
    losses: tuple[EpochReport, ...]
    best_epoch: int
    device: str
    n_separating: int
    notes: tuple[str, ...]
    net: NetParams
    train: TrainParams
    weights: LossWeights
    batch_keys: tuple[str, ...]
    batch_levels: tuple[tuple[str, ...], ...]
    sm_center: FloatArray
    sm_scale: FloatArray
    state: dict[str, Tensor]

    def map(self, joint: AnnData, *, center: bool = True, max_missing: float = 0.2) -> Mapped:
        """Place new spots in this model's coordinates, without training.

        Parameters
        ----------
        joint
            As for ``integrate``: raw counts, raw intensities, and ``var["type"]``. Features are
            matched by name and modality; others are not looked at.
        center
            Whether to move the mean of each batch that the model does not know to the mean of the
            training before encoding. Right for another sample of the same kinds of tissue; not
            for a part of a trained sample or a sample of few domains. A batch that it knows, by
            ``batch_keys``, is moved as in training.
        max_missing
            Largest share of a modality's features that the new sample may lack, 0 to 1.

        Returns
        -------
        Mapped
            Embedding, contribution and denoised values of the new spots. A batch that the model
            does not know is decoded with the mean of the trained batch codes.

        Raises
        ------
        InvalidDataError
            If more features are missing, fewer than two spots can be used, or values are not raw.
        """
        return map_onto(self, joint, center=center, max_missing=max_missing)

    def save(self, folder: Path) -> None:
        """Write the result as a folder of arrays, a readable record and the network.

        Parameters
        ----------
        folder
            A path that does not exist, or holds an earlier result, which is replaced. The files
            are complete before the folder appears under its name.

        Raises
        ------
        InvalidDataError
            If ``folder`` exists and is not an earlier result.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / RECORD_FILE).is_file() and any(folder.iterdir()):
            raise InvalidDataError(
                f"The folder {folder.name!r} holds other files; expected an earlier integration or "
                "nothing. Choose another name."
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            np.savez(temporary / ARRAYS_FILE, allow_pickle=False, **self._arrays())
            np.save(temporary / DENOISED_FILE, np.ascontiguousarray(self.denoised.T))
            text = json.dumps(self._record(), indent=1, ensure_ascii=False, allow_nan=False)
            (temporary / RECORD_FILE).write_text(text, encoding="utf-8")
            torch.save(self.state, temporary / MODEL_FILE)
            temporary.chmod(0o755)
            _put(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path) -> Integration:
        """Read what ``save`` wrote, to the same numbers.

        Raises
        ------
        InvalidDataError
            If the folder holds no integration, or one of a newer program.
        """
        folder = Path(folder)
        if not (folder / RECORD_FILE).is_file():
            raise InvalidDataError(
                f"The folder {folder.name!r} holds no integration; expected {RECORD_FILE!r}. Run "
                "the integration again."
            )
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise InvalidDataError(
                f"This integration has format {record['schema']}; this program reads format "
                f"{SCHEMA}. Update the program, or run the integration again."
            )
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if "denoised" not in arrays:  # earlier programs kept it among the arrays
            by_feature = np.load(folder / DENOISED_FILE, allow_pickle=False)
            arrays["denoised"] = np.ascontiguousarray(by_feature.T)
        return cls(
            embedding=Embedding(arrays["joint"], arrays["st"], arrays["sm"]),
            contribution=Contribution(arrays["theta_st"], arrays["theta_sm"], arrays["balance"]),
            denoised=arrays["denoised"],
            features=tuple(record["features"]),
            feature_type=tuple(record["feature_type"]),
            used=arrays["used"],
            losses=tuple(_report(values) for values in record["losses"]),
            best_epoch=record["best_epoch"],
            device=record["device"],
            n_separating=record.get("n_separating", 0),  # 0: written before there was a count
            notes=tuple(record["notes"]),
            net=from_dict(NetParams, record["net"]),
            train=from_dict(TrainParams, record["train"]),
            weights=from_dict(LossWeights, record["weights"]),
            batch_keys=tuple(record["batch_keys"]),
            batch_levels=tuple(tuple(names) for names in record["batch_levels"]),
            sm_center=arrays["sm_center"],
            sm_scale=arrays["sm_scale"],
            state=torch.load(folder / MODEL_FILE, map_location="cpu", weights_only=True),
        )

    def _arrays(self) -> dict[str, Any]:
        return {
            **asdict(self.embedding),
            **asdict(self.contribution),
            "used": self.used,
            "sm_center": self.sm_center,
            "sm_scale": self.sm_scale,
        }

    def _record(self) -> dict[str, Any]:
        settings = {name: asdict(getattr(self, name)) for name in ("net", "train", "weights")}
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in RECORDED},
            **settings,
            "losses": [
                [r.epoch, r.n_epochs, list(r.train), list(r.validation), r.is_best]
                for r in self.losses
            ],
        }


def _report(values: list[Any]) -> EpochReport:
    epoch, n_epochs, train, validation, is_best = values
    return EpochReport(epoch, n_epochs, LossTerms(*train), LossTerms(*validation), is_best)


def _put(temporary: Path, folder: Path) -> None:
    """Give a finished folder its name; an earlier result steps aside and is then removed."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old)
