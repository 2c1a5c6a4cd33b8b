"""The conditional variational autoencoder: tensors in, tensors out.

One encoder per modality gives hidden units. All together give the joint latent distribution; each
alone, through one linear map shared by all, gives a single-modality embedding. One decoder per
modality, told the batch, rebuilds its data from the joint sample and, with the same weights unless
asked otherwise, from its own single-modality embedding. The encoders never see the batch. With one
modality there is nothing to join, and the joint embedding is that modality's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from spatialmeta_core.integrate.modalities import Decoder, Modality, Predicted, stacked
from spatialmeta_core.integrate.parts import (
    UNKNOWN_BATCH,
    BatchCode,
    Codes,
    Minibatch,
    Outputs,
)
from spatialmeta_core.nets import Gaussian, GaussianHead, hidden_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.params import NetParams

__all__ = ["UNKNOWN_BATCH", "BatchCode", "Codes", "JointVAE", "Minibatch", "Outputs"]


class JointVAE(nn.Module):
    r"""Conditional variational autoencoder of one or more modalities.

    .. math::
        h_{st} &= E_{st}(\log(1 + x_g)), \quad h_{sm} = E_{sm}(x_m) \\
        z &\sim N(W_\mu [h_{sm}, h_{st}],\ \exp(W_v [h_{sm}, h_{st}]) + \epsilon) \\
        \mu_{st} &= U h_{st}, \quad \mu_{sm} = U h_{sm} \\
        \hat x_g &= D_{st}([z, e(B)]),\ D_{st}([\mu_{st}, e(B)]), \quad
        \hat x_m = D_{sm}([z, e(B)]),\ D_{sm}([\mu_{sm}, e(B)])

    Parameters
    ----------
    modalities
        What the spots were measured by.
    batch_sizes
        Number of levels of each batch key; empty for one sample.
    params
        Widths, floors, kind of batch code, and whether decoders are shared.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 8 to 19.
    """

    spread: Tensor
    offset: Tensor

    def __init__(
        self,
        modalities: Sequence[Modality],
        *,
        batch_sizes: tuple[int, ...] = (),
        params: NetParams,
    ) -> None:
        super().__init__()
        width, n_latent = params.n_hidden, params.n_latent
        self.modalities = tuple(modalities)
        n_several = len(self.modalities) if len(self.modalities) > 1 else 0
        self.encoders = nn.ModuleList(
            hidden_layer(m.n_features, width, dropout=params.dropout) for m in self.modalities
        )
        self.n_levels = batch_sizes
        for i, modality in enumerate(self.modalities):
            shape = (math.prod(batch_sizes), modality.n_features)
            self.register_buffer(f"shift_{i}", torch.zeros(shape))  # see center_inputs
            self.register_buffer(f"mean_{i}", torch.zeros(modality.n_features))
        self.joint_head = GaussianHead(
            len(self.modalities) * width, n_latent, variance_floor=params.variance_floor
        )
        self.single_head = nn.Linear(width, n_latent) if n_several else None
        self.register_buffer("spread", torch.eye(n_latent))  # see change_basis
        levels = math.prod(batch_sizes)
        self.register_buffer("offset", torch.zeros(1 + n_several, levels, n_latent))  # move_batches
        code_width = params.n_batch_embedding if params.batch_code == "embedding" else None
        self.batch_codes = nn.ModuleList(BatchCode(n, code_width) for n in batch_sizes)
        n_code = n_latent + sum(cast("BatchCode", code).table.shape[1] for code in self.batch_codes)
        self.decoders = nn.ModuleList(
            Decoder(m, n_code, width, sd_floor=params.sd_floor) for m in self.modalities
        )
        apart = self.modalities[:n_several] if not params.shared_decoders else ()
        self.single_decoders = nn.ModuleList(
            Decoder(m, n_code, width, sd_floor=params.sd_floor) for m in apart
        )

    @property
    def all_decoders(self) -> tuple[Decoder, ...]:
        """The decoders of joint codes, then any that single-modality codes have for themselves."""
        return tuple(cast("Decoder", d) for d in (*self.decoders, *self.single_decoders))

    @torch.no_grad()
    def change_basis(self, matrix: Tensor, origin: Tensor) -> None:
        r"""Express the latent space in other coordinates, ``(old - origin) @ matrix``.

        All codes change as the formula says, the variance to that of each new coordinate
        (:math:`v M^{2}`, elementwise square), and the decoders undo it, so that what is decoded
        from a code stays the same up to rounding.

        Parameters
        ----------
        matrix
            Invertible, shape ``(n_latent, n_latent)``.
        origin
            The old place of the new zero, shape ``(n_latent,)``.
        """
        matrix, origin = matrix.double(), origin.double()
        heads = [self.joint_head.mean] + ([self.single_head] if self.single_head else [])
        for head in heads:
            head.weight.copy_(matrix.T @ head.weight.double())
            head.bias.copy_((head.bias.double() - origin) @ matrix)
        self.spread.copy_(self.spread.double() @ matrix.square())
        undo = torch.linalg.inv(matrix)
        for decoder in self.all_decoders:
            decoder.change_basis(undo, origin)

    @torch.no_grad()
    def move_batches(self, offsets: Sequence[Tensor | None]) -> None:
        """Move all codes of each batch from now on; what is decoded from them stays the same.

        Parameters
        ----------
        offsets
            What is taken off the codes of each level, as ``level_of`` numbers them, shape
            ``(n_levels, n_latent)``; fewer rows if the last do not occur. First those of the joint
            codes, then those of each modality's own; None to leave them.
        """
        for kept, new in zip(self.offset, offsets, strict=True):
            if new is not None:
                kept[: len(new)] += new

    def level_of(self, batch: Tensor) -> Tensor:
        """Return one number, from 0, for each combination of batches; ``batch`` ``(n, n_keys)``."""
        level = torch.zeros(len(batch), dtype=torch.int64, device=batch.device)
        for n_levels, codes in zip(self.n_levels, batch.unbind(1), strict=True):
            level = level * n_levels + codes
        return level

    @torch.no_grad()
    def center_inputs(self, means: Sequence[Tensor], *, shift: bool) -> None:
        """Keep the mean of the inputs, and move the mean of every batch to it from now on.

        Parameters
        ----------
        means
            Mean encoder input of each level, as ``level_of`` numbers them, for each modality
            ``(n_levels, n_features)``; fewer rows if the last do not occur, NaN for others.
        shift
            Whether to move; if not, the mean is only kept.
        """
        for i, mean in enumerate(means):
            of_all = mean.nanmean(0)
            self.get_buffer(f"mean_{i}").copy_(of_all)
            if shift:
                away = torch.nan_to_num(mean - of_all)
                self.get_buffer(f"shift_{i}")[: len(mean)] = away.to(torch.float32)

    def encode(self, data: Minibatch) -> Codes:
        """Return the latent codes of ``n`` spots.

        What an encoder reads is centered by batch; it is not told the batch.
        """
        hidden = [encoder(self._encoder_input(i, data)) for i, encoder in enumerate(self.encoders)]
        mean, variance = self.joint_head(torch.cat(hidden[::-1], dim=1))  # eq. 10: SM before ST
        single = [self.single_head(h) for h in hidden] if self.single_head else []
        moved = [
            code - offset for code, offset in zip([mean, *single], self._offsets(data), strict=True)
        ]
        return Codes(Gaussian(moved[0], variance @ self.spread), tuple(moved[1:]))

    def decode(self, which: int, latent: Tensor, data: Minibatch) -> Predicted:
        """Return the distribution of one modality's data given codes ``(n, n_latent)``.

        Parameters
        ----------
        which
            Place of the modality in the list.
        latent
            Codes as ``encode`` gives them for all modalities together.
        data
            The same spots: their batches, and their totals where the modality is counts.
        """
        code = self._with_batch(latent + self._offsets(data)[0], data.batch)
        predicted: Predicted = self.decoders[which](code, data.values[which].sum(1))
        return predicted

    def forward(self, data: Minibatch) -> Outputs:
        """Encode, sample ``z`` and decode it together with the single-modality embeddings."""
        codes = self.encode(data)
        mean, variance = codes.joint
        z = mean + torch.sqrt(variance) * torch.randn_like(mean)
        predicted = tuple(self._predict(i, z, codes, data) for i in range(len(self.modalities)))
        return Outputs(codes, self.modalities, predicted)

    def _encoder_input(self, i: int, data: Minibatch) -> Tensor:
        values = self.modalities[i].encoder_input(data.values[i])
        return values - self.get_buffer(f"shift_{i}")[self._level(data)]

    def _level(self, data: Minibatch) -> Tensor:
        return self.level_of(data.batch) if data.level is None else data.level

    def _offsets(self, data: Minibatch) -> Tensor:
        """Return what has been taken off each kind of codes, ``(1 + n_single, n, n_latent)``."""
        return self.offset[:, self._level(data)]

    def _predict(self, i: int, z: Tensor, codes: Codes, data: Minibatch) -> Predicted:
        """Decode the joint sample and, below it, the modality's own embedding if there is one."""
        if not codes.single:
            return self.decode(i, z, data)
        total, offsets = data.values[i].sum(1), self._offsets(data)
        single = codes.single[i] + offsets[1 + i]
        if self.single_decoders:
            code = self._with_batch(single, data.batch)
            own: Predicted = self.single_decoders[i](code, total)
            return stacked(self.decode(i, z, data), own)
        both = self._with_batch(torch.cat([z + offsets[0], single]), data.batch.repeat(2, 1))
        predicted: Predicted = self.decoders[i](both, total.repeat(2))
        return predicted

    def _with_batch(self, latent: Tensor, batch: Tensor) -> Tensor:
        codes = [code(batch[:, i]) for i, code in enumerate(self.batch_codes)]
        return torch.cat([latent, *codes], dim=1) if codes else latent
