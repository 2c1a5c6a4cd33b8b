"""The conditional variational autoencoder: tensors in, tensors out.

One encoder per modality gives hidden units ``h_st`` and ``h_sm``. Both together give the joint
latent distribution; each alone, through one linear map shared by both, gives a single-modality
embedding. One decoder per modality, told the batch, rebuilds its data from the joint sample and,
with the same weights, from its own single-modality embedding. The encoders never see the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from spatialmeta_core.nets import Gaussian, GaussianHead, hidden_layer

if TYPE_CHECKING:
    from spatialmeta_core.params import NetParams

__all__ = ["Codes", "JointVAE", "Minibatch", "Outputs", "SMOutput", "STOutput"]

# theta beyond these is a Poisson (3,000) or a spike at zero (0.0025) for counts of this size; the
# upper end also keeps the difference of two log-gammas good to 0.003 in single precision
LOG_DISPERSION_RANGE = (-6.0, 8.0)
LOG_SD_MAX = 5.0  # a standardized metabolite never spreads this far


class Minibatch(NamedTuple):
    """Some spots: ``counts (n, n_genes)``, standardized ``sm (n, n_metabolites)``, batch codes."""

    counts: Tensor
    sm: Tensor
    batch: Tensor  # (n, n_batch_keys), int64


class Codes(NamedTuple):
    """Latent codes: the joint distribution and both single-modality means, ``(n, n_latent)``."""

    joint: Gaussian
    st: Tensor
    sm: Tensor


class STOutput(NamedTuple):
    """ZINB parameters, each ``(n, n_genes)``."""

    log_mean: Tensor
    log_dispersion: Tensor
    zero_logit: Tensor


class SMOutput(NamedTuple):
    """Mean and standard deviation of standardized metabolites, each ``(n, n_metabolites)``."""

    mean: Tensor
    sd: Tensor


class Outputs(NamedTuple):
    """What one pass returns; the decoded rows are ``n`` joint ones, then ``n`` single ones."""

    codes: Codes
    st: STOutput
    sm: SMOutput


class JointVAE(nn.Module):
    r"""Conditional variational autoencoder of two modalities.

    .. math::
        h_{st} &= E_{st}(\log(1 + x_g)), \quad h_{sm} = E_{sm}(x_m) \\
        z &\sim N(W_\mu [h_{sm}, h_{st}],\ \exp(W_v [h_{sm}, h_{st}]) + \epsilon) \\
        \mu_{st} &= U h_{st}, \quad \mu_{sm} = U h_{sm} \\
        \hat x_g &= D_{st}([z, e(B)]),\ D_{st}([\mu_{st}, e(B)]), \quad
        \hat x_m = D_{sm}([z, e(B)]),\ D_{sm}([\mu_{sm}, e(B)])

    Parameters
    ----------
    n_genes, n_metabolites
        Number of features of each modality.
    batch_sizes
        Number of levels of each batch key; empty for one sample.
    params
        Widths and floors.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 8 to 19.
    """

    spread: Tensor

    def __init__(
        self,
        n_genes: int,
        n_metabolites: int,
        *,
        batch_sizes: tuple[int, ...] = (),
        params: NetParams,
    ) -> None:
        super().__init__()
        width, n_latent = params.n_hidden, params.n_latent
        self.sd_floor = params.sd_floor
        self.st_encoder = hidden_layer(n_genes, width, dropout=params.dropout)
        self.sm_encoder = hidden_layer(n_metabolites, width, dropout=params.dropout)
        self.joint_head = GaussianHead(2 * width, n_latent, variance_floor=params.variance_floor)
        self.single_head = nn.Linear(width, n_latent)
        self.register_buffer("spread", torch.eye(n_latent))  # see change_basis
        self.batch_embeddings = nn.ModuleList(
            nn.Embedding(n_levels, params.n_batch_embedding) for n_levels in batch_sizes
        )
        n_code = n_latent + len(batch_sizes) * params.n_batch_embedding
        self.st_decoder = hidden_layer(n_code, width)
        self.st_log_share = nn.Linear(width, n_genes)
        self.st_log_dispersion = nn.Linear(width, n_genes)
        self.st_zero_logit = nn.Linear(width, n_genes)
        self.sm_decoder = hidden_layer(n_code, width)
        self.sm_mean = nn.Linear(width, n_metabolites)
        self.sm_log_sd = nn.Linear(width, n_metabolites)

    def start_at(self, mean_share: Tensor) -> None:
        """Begin at the average spot, so that training learns differences from it.

        Parameters
        ----------
        mean_share
            Each gene's share of all counts, shape ``(n_genes,)``, sum 1.
        """
        rare = 0.01 / len(mean_share)  # genes never counted start a hundred times below average
        with torch.no_grad():
            self.st_log_share.bias.copy_(torch.log(mean_share.clamp(min=rare)))

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
        for head in (self.joint_head.mean, self.single_head):
            head.weight.copy_(matrix.T @ head.weight.double())
            head.bias.copy_((head.bias.double() - origin) @ matrix)
        self.spread.copy_(self.spread.double() @ matrix.square())
        undo, n_latent = torch.linalg.inv(matrix), len(origin)
        for decoder in (self.st_decoder, self.sm_decoder):
            weight, mean = (
                cast("Tensor", decoder[0].weight),
                cast("Tensor", decoder[1].running_mean),
            )
            old = weight[:, :n_latent].double()
            mean.sub_(old @ origin)  # the layer has no bias; its normalization takes the shift
            weight[:, :n_latent] = (old @ undo.T).to(weight.dtype)

    def encode(self, data: Minibatch) -> Codes:
        """Return the latent codes of ``n`` spots."""
        h_st = self.st_encoder(torch.log1p(data.counts))
        h_sm = self.sm_encoder(data.sm)
        mean, variance = self.joint_head(torch.cat([h_sm, h_st], dim=1))
        joint = Gaussian(mean, variance @ self.spread)
        return Codes(joint, self.single_head(h_st), self.single_head(h_sm))

    def decode_st(self, latent: Tensor, batch: Tensor, library: Tensor) -> STOutput:
        """Return ZINB parameters for codes ``(n, n_latent)``; ``library (n,)`` is total counts."""
        hidden = self.st_decoder(self._with_batch(latent, batch))
        log_share = torch.log_softmax(self.st_log_share(hidden), dim=1)
        low, high = LOG_DISPERSION_RANGE
        return STOutput(
            log_mean=log_share + torch.log(library)[:, None],
            log_dispersion=self.st_log_dispersion(hidden).clamp(low, high),
            zero_logit=self.st_zero_logit(hidden),
        )

    def decode_sm(self, latent: Tensor, batch: Tensor) -> SMOutput:
        """Return mean and standard deviation of metabolites for codes ``(n, n_latent)``."""
        hidden = self.sm_decoder(self._with_batch(latent, batch))
        sd = torch.exp(self.sm_log_sd(hidden).clamp(max=LOG_SD_MAX)) + self.sd_floor
        return SMOutput(self.sm_mean(hidden), sd)

    def forward(self, data: Minibatch) -> Outputs:
        """Encode, sample ``z`` and decode it together with the single-modality embeddings."""
        codes = self.encode(data)
        mean, variance = codes.joint
        z = mean + torch.sqrt(variance) * torch.randn_like(mean)
        batch = data.batch.repeat(2, 1)
        library = data.counts.sum(1).repeat(2)
        return Outputs(
            codes,
            self.decode_st(torch.cat([z, codes.st]), batch, library),
            self.decode_sm(torch.cat([z, codes.sm]), batch),
        )

    def _with_batch(self, latent: Tensor, batch: Tensor) -> Tensor:
        embedded = [table(batch[:, i]) for i, table in enumerate(self.batch_embeddings)]
        return torch.cat([latent, *embedded], dim=1) if embedded else latent
