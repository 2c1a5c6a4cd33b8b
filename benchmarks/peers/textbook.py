"""The conditional VAE as tutorials write it: row by row, the likelihood left to autograd.

Same network and objective as ``spatialmeta_core.integrate`` (METHOD of Tian et al. 2025): two
encoders, one joint and two single embeddings, decoders shared by joint and single rows but called
once for each, zero-inflated negative binomial by log-gammas, Gaussian metabolites, AdamW as it
comes. No early stop, no validation.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    """Rows of two sparse matrices, made dense one at a time."""

    def __init__(self, counts, values):
        self.counts, self.values = counts, values

    def __len__(self):
        return self.counts.shape[0]

    def __getitem__(self, i):
        return (
            torch.from_numpy(self.counts.getrow(i).toarray().ravel()),
            torch.from_numpy(self.values[i]),
        )


def layer(n_in, n_out, dropout=0.0):
    return nn.Sequential(
        nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out, eps=1e-3), nn.ReLU(), nn.Dropout(dropout)
    )


class Net(nn.Module):
    def __init__(self, n_genes, n_metabolites, width=128, n_latent=10):
        super().__init__()
        self.st_in, self.sm_in = layer(n_genes, width, 0.1), layer(n_metabolites, width, 0.1)
        self.mean, self.log_var = nn.Linear(2 * width, n_latent), nn.Linear(2 * width, n_latent)
        self.single = nn.Linear(width, n_latent)
        self.st_out, self.sm_out = layer(n_latent, width), layer(n_latent, width)
        self.share, self.dispersion, self.drop = (nn.Linear(width, n_genes) for _ in range(3))
        self.sm_mean, self.sm_log_sd = (nn.Linear(width, n_metabolites) for _ in range(2))

    def loss(self, x, y):
        h_st, h_sm = self.st_in(torch.log1p(x)), self.sm_in(y)
        h = torch.cat([h_sm, h_st], dim=1)
        mean, var = self.mean(h), torch.exp(self.log_var(h)) + 1e-4
        z = mean + torch.sqrt(var) * torch.randn_like(mean)
        total = 0.5 * (mean**2 + var - torch.log(var) - 1).sum(1)
        for code in (z, self.single(h_st)):
            total = total + self.st_loss(code, x)
        for code in (z, self.single(h_sm)):
            total = total + self.sm_loss(code, y)
        return total.mean()

    def st_loss(self, code, x):
        h = self.st_out(code)
        mu = torch.softmax(self.share(h), dim=1) * x.sum(1, keepdim=True)
        return -zinb_log_likelihood(x, mu, torch.exp(self.dispersion(h)), self.drop(h)).sum(1)

    def sm_loss(self, code, y):
        h = self.sm_out(code)
        sd = torch.exp(self.sm_log_sd(h)) + 0.05
        return -torch.distributions.Normal(self.sm_mean(h), sd).log_prob(y).sum(1)


def zinb_log_likelihood(x, mu, theta, logit, eps=1e-8):
    """As in most single-cell tutorials: every entry pays for zeros and for counts."""
    softplus = functional.softplus(-logit)
    log_theta_mu = torch.log(theta + mu + eps)
    shared = -logit + theta * (torch.log(theta + eps) - log_theta_mu)
    zero = functional.softplus(shared) - softplus
    counted = (
        -softplus
        + shared
        + x * (torch.log(mu + eps) - log_theta_mu)
        + torch.lgamma(x + theta)
        - torch.lgamma(theta)
        - torch.lgamma(x + 1)
    )
    return torch.where(x < eps, zero, counted)


def train(counts, values, *, epochs, batch_size=128, learning_rate=1e-3, seed=0):
    """Train on ``counts`` (CSR) and standardized ``values`` (dense); return the net."""
    torch.manual_seed(seed)
    net = Net(counts.shape[1], values.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=1e-6)
    for _ in range(epochs):
        for x, y in DataLoader(Rows(counts, values), batch_size=batch_size, shuffle=True):
            loss = net.loss(x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net
