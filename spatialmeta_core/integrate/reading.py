"""What a trained network says about spots: latent means and decoded means, never sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from spatialmeta_core import keys
from spatialmeta_core.types import Embedding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spatialmeta_core.integrate.module import JointVAE, Minibatch
    from spatialmeta_core.integrate.scaling import Scaling
    from spatialmeta_core.integrate.spots import LazySpots
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

__all__ = ["input_means", "joint_means", "read", "read_parts", "single_means"]

READ_SIZE = 1024  # spots per pass when nothing is learned


def read_parts(
    spots: Minibatch | LazySpots, device: torch.device
) -> Iterator[tuple[IntArray, Minibatch]]:
    """Yield positions and data of the spots, as many as are read at a time."""
    for rows in np.array_split(np.arange(spots.n_spots), -(-spots.n_spots // READ_SIZE)):
        yield rows, spots.take(slice(rows[0], rows[-1] + 1)).to(device)


def _device_of(module: JointVAE) -> torch.device:
    return next(module.parameters()).device


@torch.no_grad()
def joint_means(module: JointVAE, spots: Minibatch | LazySpots) -> FloatArray:
    """Return the joint latent means, shape ``(n_spots, n_latent)``."""
    parts = read_parts(spots, _device_of(module))
    return torch.cat([module.encode(part).joint.mean.cpu() for _, part in parts]).numpy()


@torch.no_grad()
def single_means(module: JointVAE, spots: Minibatch | LazySpots) -> list[FloatArray]:
    """Return each modality's own latent means, ``(n_spots, n_latent)``; none of one modality."""
    parts = [module.encode(part).single for _, part in read_parts(spots, _device_of(module))]
    return [torch.cat(one).cpu().numpy() for one in zip(*parts, strict=True)]


@torch.no_grad()
def input_means(
    module: JointVAE, spots: Minibatch | LazySpots, level: torch.Tensor
) -> list[torch.Tensor]:
    """Return the mean encoder input of each level of spots, for each modality.

    Parameters
    ----------
    module
        Its modalities say what their encoders read.
    spots
        The data.
    level
        Level of each spot, from 0, shape ``(n_spots,)``.

    Returns
    -------
    list of Tensor
        For each modality ``(n_levels, n_features)``, double precision; NaN for an empty level.
    """
    size = torch.bincount(level).double()[:, None]
    sums = [torch.zeros(len(size), m.n_features, dtype=torch.float64) for m in module.modalities]
    for rows, part in read_parts(spots, torch.device("cpu")):
        for total, modality, values in zip(sums, module.modalities, part.values, strict=True):
            total.index_add_(0, level[rows], modality.encoder_input(values).double())
    return [total / size for total in sums]


@torch.no_grad()
def read(
    module: JointVAE,
    spots: Minibatch | LazySpots,
    *,
    used: BoolArray,
    feature_type: tuple[str, ...],
    scaling: Scaling,
) -> tuple[Embedding, FloatArray]:
    """Return embeddings and denoised values of all spots; NaN rows for spots left out.

    Parameters
    ----------
    module
        A trained network in evaluation mode.
    spots
        Those that can be used.
    used
        Which spots of the input those are, shape ``(n_spots,)``.
    feature_type
        Modality of each column of the denoised values.
    scaling
        Of the metabolites.
    """
    device, kind = _device_of(module), np.array(feature_type)
    width = module.joint_head.mean.out_features
    latent = {
        name: np.full((len(used), width), np.nan, dtype=np.float32)
        for name in ("joint", keys.ST, keys.SM)
    }
    denoised = np.full((len(used), len(kind)), np.nan, dtype=np.float32)
    for rows, part in read_parts(spots, device):
        codes = module.encode(part)
        mean = codes.joint.mean
        target = np.flatnonzero(used)[rows]
        latent["joint"][target] = mean.cpu().numpy()
        for i, modality in enumerate(module.modalities):
            own = codes.single[i] if codes.single else mean
            latent[modality.name][target] = own.cpu().numpy()
            found = module.decode(i, mean, part).expected().cpu().numpy()
            found = found if modality.is_counts else scaling.back(found)
            denoised[np.ix_(target, kind == modality.name)] = found
    return Embedding(latent["joint"], latent[keys.ST], latent[keys.SM]), denoised
