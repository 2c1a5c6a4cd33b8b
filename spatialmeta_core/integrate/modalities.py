"""What a modality is to the model: what its encoder reads and how its decoder is scored.

A decoder answers with a distribution of the data: a tuple of tensors that knows the negative
log-likelihood of observed values and their expected value. A further modality is one more entry
in the list that the model is made of; a new kind of data needs a new distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from spatialmeta_core.integrate.distributions import (
    HALF_LOG_TWO_PI,
    nb_nll,
    normal_nll,
    zinb_nll,
)
from spatialmeta_core.nets import hidden_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CountMean",
    "Counts",
    "Decoder",
    "Modality",
    "Predicted",
    "ValueMean",
    "Values",
    "ZeroInflatedCounts",
    "ZeroInflatedValues",
    "stacked",
]

# theta beyond these is a Poisson (3,000) or a spike at zero (0.0025) for counts of this size; the
# upper end also keeps the difference of two log-gammas good to 0.003 in single precision
LOG_DISPERSION_RANGE = (-6.0, 8.0)
LOG_SD_MAX = 5.0  # a standardized metabolite never spreads this far
SAME = 1e-5  # of a standardized value: rounding of what stands for an intensity of 0


@dataclass(frozen=True, slots=True)
class Modality:
    """One entry of the list a model is made of.

    Attributes
    ----------
    name
        As in ``var["type"]``.
    n_features
        Number of columns.
    loss
        How the decoder is scored: ``"zinb"``, ``"nb"`` or ``"mse"`` for counts, ``"gaussian"``,
        ``"zig"`` or ``"mse"`` for values.
    is_counts
        Whether the data are raw counts, which the encoder reads as log(1 + x) and the decoder
        explains as shares of the spot's total; else they are values of about unit spread.
    """

    name: str
    n_features: int
    loss: Literal["zinb", "nb", "gaussian", "zig", "mse"]
    is_counts: bool

    def encoder_input(self, values: Tensor) -> Tensor:
        """Return what the encoder reads of ``values (n, n_features)``."""
        return torch.log1p(values) if self.is_counts else values


class Predicted(Protocol):
    """A distribution of one modality's data; its tensors are each ``(n, n_features)``."""

    def nll(self, values: Tensor) -> Tensor:
        """Return the negative log-likelihood of ``values``, summed over features, ``(n,)``."""

    def expected(self) -> Tensor:
        """Return what a denoised value is."""

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the parameters."""


P = TypeVar("P", bound=Predicted)


class ZeroInflatedCounts(NamedTuple):
    """Zero-inflated negative binomial."""

    log_mean: Tensor
    log_dispersion: Tensor
    zero_logit: Tensor

    def nll(self, values: Tensor) -> Tensor:
        """Return nats per row."""
        return zinb_nll(values, *self)

    def expected(self) -> Tensor:
        """Return the mean without the extra zeros, which are losses of the measurement."""
        return torch.exp(self.log_mean)


class Counts(NamedTuple):
    """Negative binomial."""

    log_mean: Tensor
    log_dispersion: Tensor

    def nll(self, values: Tensor) -> Tensor:
        """Return nats per row."""
        return nb_nll(values, *self)

    def expected(self) -> Tensor:
        """Return the mean."""
        return torch.exp(self.log_mean)


class CountMean(NamedTuple):
    """Counts scored by half the squared error of log(1 + x), the scale that the encoder reads."""

    log_mean: Tensor

    def nll(self, values: Tensor) -> Tensor:
        """Return half the squared errors, summed per row: comparable with nats."""
        expected = functional.softplus(self.log_mean)  # log(1 + exp(log_mean))
        return 0.5 * (torch.log1p(values) - expected).square().sum(1)

    def expected(self) -> Tensor:
        """Return the mean."""
        return torch.exp(self.log_mean)


class Values(NamedTuple):
    """Normal distribution of each feature."""

    mean: Tensor
    sd: Tensor

    def nll(self, values: Tensor) -> Tensor:
        """Return nats per row."""
        return normal_nll(values, *self)

    def expected(self) -> Tensor:
        """Return the mean."""
        return self.mean


class ValueMean(NamedTuple):
    """Values scored by half the squared error, as by a normal distribution of spread 1."""

    mean: Tensor

    def nll(self, values: Tensor) -> Tensor:
        """Return half the squared errors, summed per row: comparable with nats."""
        return 0.5 * (values - self.mean).square().sum(1)

    def expected(self) -> Tensor:
        """Return the mean."""
        return self.mean


class ZeroInflatedValues(NamedTuple):
    """An intensity of 0 with some probability, else a normal distribution."""

    mean: Tensor
    sd: Tensor
    zero_logit: Tensor
    zero: Tensor  # the value that stands for an intensity of 0

    def nll(self, values: Tensor) -> Tensor:
        """Return nats per row; a value at zero is a matter of its probability alone."""
        is_zero = values <= self.zero + SAME
        above = (values - self.mean) / self.sd
        normal = 0.5 * above.square() + torch.log(self.sd) + HALF_LOG_TWO_PI
        chosen = functional.softplus(torch.where(is_zero, -self.zero_logit, self.zero_logit))
        return (chosen + torch.where(is_zero, 0.0, normal)).sum(1)

    def expected(self) -> Tensor:
        """Return the mean, zeros included: where a metabolite is absent the mean says nothing."""
        p_zero = torch.sigmoid(self.zero_logit)
        return p_zero * self.zero + (1 - p_zero) * self.mean


def stacked(first: P, second: P) -> P:
    """Put the rows of two predictions of one kind below each other."""
    kind = type(first)
    return kind(*(torch.cat(pair) for pair in zip(first, second, strict=True)))


class Decoder(nn.Module):
    """From latent codes, and a code of the batch, to a distribution of one modality's data.

    Parameters
    ----------
    modality
        What is decoded.
    n_code
        Width of the latent code and the batch code together.
    n_hidden
        Width of the hidden layer.
    sd_floor
        Smallest spread of a value.
    """

    zero: Tensor

    def __init__(self, modality: Modality, n_code: int, n_hidden: int, *, sd_floor: float) -> None:
        super().__init__()
        self.modality = modality
        self.sd_floor = sd_floor
        self.hidden = hidden_layer(n_code, n_hidden)
        names = {
            "zinb": ("log_share", "log_dispersion", "zero_logit"),
            "nb": ("log_share", "log_dispersion"),
            "gaussian": ("mean", "log_sd"),
            "zig": ("mean", "log_sd", "zero_logit"),
            "mse": ("log_share",) if modality.is_counts else ("mean",),
        }[modality.loss]
        self.heads = nn.ModuleDict(
            {name: nn.Linear(n_hidden, modality.n_features) for name in names}
        )
        self.register_buffer("zero", torch.zeros(modality.n_features))

    @torch.no_grad()
    def start_at(self, mean_share: Tensor) -> None:
        """Begin at the average spot, so that training learns differences from it.

        Parameters
        ----------
        mean_share
            Each gene's share of all counts, shape ``(n_features,)``, sum 1.
        """
        rare = 0.01 / len(mean_share)  # genes never counted start a hundred times below average
        head = cast("nn.Linear", self.heads["log_share"])
        head.bias.copy_(torch.log(mean_share.clamp(min=rare)))

    @torch.no_grad()
    def change_basis(self, undo: Tensor, origin: Tensor) -> None:
        """Undo a change of the latent coordinates: ``old = new @ undo + origin``."""
        linear, norm = self.hidden[0], self.hidden[1]
        weight, mean = cast("Tensor", linear.weight), cast("Tensor", norm.running_mean)
        old = weight[:, : len(origin)].double()
        mean.sub_(old @ origin)  # the layer has no bias; its normalization takes the shift
        weight[:, : len(origin)] = (old @ undo.T).to(weight.dtype)

    def forward(self, code: Tensor, total: Tensor) -> Predicted:
        """Return the distribution for codes ``(n, n_code)``.

        ``total (n,)`` is each spot's sum of counts; values do not depend on it.
        """
        hidden = self.hidden(code)
        raw = {name: head(hidden) for name, head in self.heads.items()}
        if self.modality.is_counts:
            return self._counts(raw, torch.log(total)[:, None])
        return self._values(raw)

    def _counts(self, raw: dict[str, Tensor], log_total: Tensor) -> Predicted:
        log_mean = torch.log_softmax(raw["log_share"], dim=1) + log_total
        if self.modality.loss == "mse":
            return CountMean(log_mean)
        low, high = LOG_DISPERSION_RANGE
        log_dispersion = raw["log_dispersion"].clamp(low, high)
        if self.modality.loss == "nb":
            return Counts(log_mean, log_dispersion)
        return ZeroInflatedCounts(log_mean, log_dispersion, raw["zero_logit"])

    def _values(self, raw: dict[str, Tensor]) -> Predicted:
        mean = raw["mean"]
        if self.modality.loss == "mse":
            return ValueMean(mean)
        sd = torch.exp(raw["log_sd"].clamp(max=LOG_SD_MAX)) + self.sd_floor
        if self.modality.loss == "gaussian":
            return Values(mean, sd)
        return ZeroInflatedValues(mean, sd, raw["zero_logit"], self.zero.expand_as(mean))
