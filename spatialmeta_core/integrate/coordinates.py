"""After training: coordinates in which groups stand apart and batches lie on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from spatialmeta_core.integrate.basis import Basis, batch_parts, separating_basis
from spatialmeta_core.integrate.offsets import batch_offsets
from spatialmeta_core.integrate.reading import joint_means, single_means

if TYPE_CHECKING:
    from torch import Tensor

    from spatialmeta_core.integrate.module import JointVAE, Minibatch
    from spatialmeta_core.integrate.spots import LazySpots
    from spatialmeta_core.params import NetParams, TrainParams

__all__ = ["Settled", "settle"]


class Settled(NamedTuple):
    """What was done.

    Attributes
    ----------
    n_separating
        Number of latent directions that separate groups.
    notes
        Sentences for the user.
    """

    n_separating: int
    notes: tuple[str, ...]


def settle(
    module: JointVAE, spots: Minibatch | LazySpots, net: NetParams, train: TrainParams
) -> Settled:
    """Change the codes of a trained network; what it decodes from them stays the same.

    Parameters
    ----------
    module
        The network, changed in place.
    spots
        The data it was trained on.
    net, train
        ``train.separate`` asks for coordinates in which groups stand apart; with
        ``net.center_batches`` the batches are then laid onto each other by the groups they share.
    """
    basis = _separate(module, spots, seed=train.seed) if train.separate else None
    n_shared = 0
    if basis is not None and net.center_batches:
        n_shared = _move_batches(module, spots, seed=train.seed)
    return Settled(
        basis.n_separating if basis else 0,
        (*_separation_note(basis, asked=train.separate), *_shared_note(n_shared)),
    )


def _separate(module: JointVAE, spots: Minibatch | LazySpots, *, seed: int) -> Basis | None:
    """Change the network's latent coordinates to those in which groups stand apart, if any do."""
    batch = spots.batch.cpu().numpy()
    basis = separating_basis(joint_means(module, spots), batch=batch, seed=seed)
    if basis is not None:
        device = next(module.parameters()).device
        module.change_basis(
            torch.from_numpy(basis.matrix).to(device), torch.from_numpy(basis.origin).to(device)
        )
    return basis


def _move_batches(module: JointVAE, spots: Minibatch | LazySpots, *, seed: int) -> int:
    """Lay the batches onto each other by the groups they share; return the pairs of groups."""
    batch = spots.batch.cpu().numpy()
    if not batch.shape[1]:
        return 0
    device = next(module.parameters()).device
    codes = [joint_means(module, spots), *single_means(module, spots)]
    found = [batch_offsets(code, batch=batch, seed=seed) for code in codes]
    parts = batch_parts(len(batch), batch)
    level = torch.stack([module.level_of(spots.batch[part[:1]])[0] for part in parts])
    moves: list[Tensor | None] = []
    for one in found:
        if one is None:
            moves.append(None)
            continue
        rows = torch.zeros(int(level.max()) + 1, codes[0].shape[1], dtype=torch.float64)
        rows[level.cpu()] = torch.from_numpy(one[0])
        moves.append(rows.float().to(device))
    module.move_batches(moves)
    return found[0][1] if found[0] else 0


def _separation_note(basis: Basis | None, *, asked: bool) -> tuple[str, ...]:
    if basis is not None:
        return (
            f"{basis.n_groups} groups of spots stand apart. The latent directions that separate "
            f"them ({basis.n_separating} of {len(basis.strength)}) are drawn out, the others made "
            "small.",
        )
    if not asked:
        return ()
    return (
        "The spots do not fall into groups with clear gaps between them and nothing finer inside, "
        "so the latent coordinates are left as trained: read clusters as parts of a continuum.",
    )


def _shared_note(n_pairs: int) -> tuple[str, ...]:
    if not n_pairs:
        return ()
    return (
        f"{n_pairs} pairs of groups of different batches are the same; what was left of a shift "
        "between the batches was taken out by them.",
    )
