"""Sections whose domains and noise-free values are known, for the integration benchmarks.

By default they are those of ``spatialmeta_core.simulate``, joined at the true positions. ``Exam``
reads the generator of a benchmark kept outside the repository, ``measured`` a folder of a real ST
section with simulated SM.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from spatialmeta_core import io, keys, simulate
from spatialmeta_core.joint import join, normalized_counts, normalized_intensities

if TYPE_CHECKING:
    from pathlib import Path

TOTAL = 1e4  # of log intensities
SAMPLES = 3
GENE_EFFECT, ION_EFFECT, DEPTH_EFFECT = 0.35, 0.5, 0.4  # sd of a sample's log fold changes
BIASED_FOLD = 20.0  # of a feature that one sample has far more of


class Section(NamedTuple):
    """One or several sections; rows of all arrays are its spots."""

    name: str
    joint: ad.AnnData  # raw counts and intensities, obs["sample"]
    domain: np.ndarray
    true_counts: np.ndarray | None  # expected counts at the spot's depth; None: not known
    true_log_sm: np.ndarray  # log(1 + expected intensity per 10,000)
    only_st: tuple[int, ...]  # domains that only genes tell apart
    only_sm: tuple[int, ...]  # domains that only metabolites tell apart

    @property
    def sample(self) -> np.ndarray:
        return self.joint.obs[keys.SAMPLE].to_numpy()

    @property
    def counts(self) -> np.ndarray:
        return self._part(keys.ST)

    @property
    def intensity(self) -> np.ndarray:
        return self._part(keys.SM)

    @property
    def log_sm(self) -> np.ndarray:
        return log_share(self.intensity)

    def _part(self, kind: str) -> np.ndarray:
        columns = np.flatnonzero(self.joint.var[keys.FEATURE_TYPE].to_numpy() == kind)
        return np.asarray(self.joint.X[:, columns].toarray(), float)

    def of_features(self, chosen: np.ndarray) -> Section:
        """Return the section with some features only, as if no others had been measured.

        Parameters
        ----------
        chosen
            True for these, shape ``(n_features,)``, some of each modality.
        """
        is_st = self.joint.var[keys.FEATURE_TYPE].to_numpy() == keys.ST
        some = self._replace(joint=self.joint[:, chosen].copy())
        ions = log_share(np.expm1(self.true_log_sm)[:, chosen[~is_st]])
        if self.true_counts is None:
            return some._replace(true_log_sm=ions)
        share = self.true_counts[:, chosen[is_st]]
        depth = some.counts.sum(axis=1, keepdims=True) / share.sum(axis=1, keepdims=True)
        return some._replace(true_counts=share * depth, true_log_sm=ions)


def log_share(intensity: np.ndarray) -> np.ndarray:
    """Return ``log(1 + intensity per 10,000 of the spot's total)``."""
    return np.log1p(intensity / intensity.sum(axis=1, keepdims=True) * TOTAL)


def table(counts, intensity, xy, *, sample, genes, ions) -> ad.AnnData:
    """Joint table as ``joint.join`` makes it, genes first."""
    counts = sparse.csr_matrix(counts, dtype=np.float32)
    both = sparse.hstack([counts, sparse.csr_matrix(intensity, dtype=np.float32)], format="csr")
    normalized = [normalized_counts(counts), sparse.csr_matrix(normalized_intensities(intensity))]
    names = [f"spot{number}" for number in range(len(xy))]
    return ad.AnnData(
        X=both,
        obs=pd.DataFrame({keys.SAMPLE: sample}, index=names),
        var=pd.DataFrame(
            {keys.FEATURE_TYPE: [keys.ST] * len(genes) + [keys.SM] * len(ions)},
            index=[*genes, *ions],
        ),
        layers={keys.NORMALIZED: sparse.hstack(normalized, format="csr")},
        obsm={keys.SPATIAL: np.asarray(xy, float)},
    )


def simulated(seed: int, n_spots: int = 2000, **n_features: int) -> Section:
    """Draw one section of ``spatialmeta_core.simulate``; uncovered spots are left out.

    ``n_features``: ``n_genes``, ``n_metabolites``.
    """
    drawn = simulate.paired_section(
        seed,
        n_spots=n_spots,
        image_px=64,  # it is not used
        **n_features,
    )
    truth = drawn.truth
    st, sm = drawn.st, drawn.sm.copy()
    sm.obsm[keys.SPATIAL] = truth.sm_xy
    measured = join(st, sm)
    covered = np.flatnonzero(measured.obs[keys.N_DONORS].to_numpy() > 0)
    clean_sm = sm.copy()
    clean_sm.X = truth.sm_mean
    is_sm = measured.var[keys.FEATURE_TYPE].to_numpy() == keys.SM
    clean = join(st, clean_sm).X[covered][:, np.flatnonzero(is_sm)].toarray()
    raw = measured.X[covered].toarray()
    share = np.asarray(truth.st_mean, float)[covered]
    share /= share.sum(axis=1, keepdims=True)
    return Section(
        f"simulated {seed}",
        table(
            raw[:, ~is_sm],
            raw[:, is_sm],
            measured.obsm[keys.SPATIAL][covered],
            sample="a",
            genes=measured.var_names[~is_sm],
            ions=measured.var_names[is_sm],
        ),
        np.asarray(truth.st_domain)[covered],
        share * raw[:, ~is_sm].sum(axis=1, keepdims=True),
        log_share(clean),
        truth.split_only_by_st,
        truth.split_only_by_sm,
    )


def simulated_samples(
    seed: int, n_spots: int = 1000, *, biased: float = 0.0, **n_features: int
) -> Section:
    """Deal the spots of one section to three samples, each with a batch effect of its own.

    Genes and metabolites get log fold changes by sample, and counts a depth by sample; counts are
    thinned, so that they stay counts. A share ``biased`` of the features is 20 times as abundant in
    one of the samples.
    """
    whole = simulated(seed, n_spots * SAMPLES, **n_features)
    rng = np.random.default_rng([seed, SAMPLES])
    sample = np.arange(len(whole.domain)) % SAMPLES
    gene = np.exp(rng.normal(0, GENE_EFFECT, (SAMPLES, whole.counts.shape[1])))
    gene *= np.exp(rng.normal(0, DEPTH_EFFECT, (SAMPLES, 1)))
    ion = np.exp(rng.normal(0, ION_EFFECT, (SAMPLES, whole.intensity.shape[1])))
    chance = np.random.default_rng([seed, SAMPLES, 1])
    for effect in (gene, ion):
        raised = np.flatnonzero(chance.random(effect.shape[1]) < biased)
        effect[chance.integers(SAMPLES, size=len(raised)), raised] *= BIASED_FOLD
    gene /= gene.max(axis=0)
    counts = rng.binomial(whole.counts.astype(int), gene[sample])
    clean = np.expm1(whole.true_log_sm) * ion[sample]
    return whole._replace(
        name=f"simulated {seed}, three samples",
        joint=table(
            counts,
            whole.intensity * ion[sample],
            whole.joint.obsm[keys.SPATIAL],
            sample=np.array(["a", "b", "c"])[sample],
            genes=whole.joint.var_names[: counts.shape[1]],
            ions=whole.joint.var_names[counts.shape[1] :],
        ),
        true_counts=whole.true_counts * gene[sample],
        true_log_sm=log_share(clean),
    )


def measured(folder: Path) -> Section:
    """Read a real ST section with simulated SM, joined at the true positions.

    ``folder`` holds ``outs`` (Space Ranger), ``msi.csv.gz`` and ``truth.npz`` with the pixels' true
    positions (``sm_xy_true``), the spots' domains (``spot_domain``), and the log intensities that
    the metabolites follow (``pixel_programs`` times ``program_weights``). They do not say which
    share of the counts is noise, nor which domains only one modality splits.
    """
    st, sm = io.read_st(folder / "outs"), io.read_sm(folder / "msi.csv.gz")
    with np.load(folder / "truth.npz") as truth:
        sm.obsm[keys.SPATIAL] = truth["sm_xy_true"].astype(float)
        domain = truth["spot_domain"]
        log_mean = truth["pixel_programs"] @ truth["program_weights"]
    joint = join(st, sm)
    covered = np.flatnonzero(joint.obs[keys.N_DONORS].to_numpy() > 0)
    clean = sm.copy()
    clean.X = np.exp(log_mean)
    is_sm = joint.var[keys.FEATURE_TYPE].to_numpy() == keys.SM
    followed = join(st, clean).X[covered][:, np.flatnonzero(is_sm)].toarray()
    raw = joint.X[covered].toarray()
    both = table(
        raw[:, ~is_sm],
        raw[:, is_sm],
        joint.obsm[keys.SPATIAL][covered],
        sample="a",
        genes=joint.var_names[~is_sm],
        ions=joint.var_names[is_sm],
    )
    return Section(folder.name, both, domain[covered], None, np.log(followed), (), ())


class Exam:
    """Sections of a generator outside the repository, a file with ``make_joint``."""

    def __init__(self, path: Path) -> None:
        spec = importlib.util.spec_from_file_location("shared_integration_exam", path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"There is no module at {path}.")
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)

    def one(self, seed: int, n_spots: int = 2000) -> Section:
        """One sample."""
        return self._section(f"exam {seed}", [self._module.make_joint(n_spots, seed=seed)])

    def samples(self, seed: int, n_spots: int = 1000) -> Section:
        """Three samples with strong batch effects."""
        drawn = self._module.make_samples(SAMPLES, n_spots, seed=seed)
        return self._section(f"exam {seed}, three samples", drawn)

    @staticmethod
    def _section(name: str, drawn: list[dict]) -> Section:
        def stack(key):
            return np.concatenate([one[key] for one in drawn])

        sample = np.repeat(list("abc")[: len(drawn)], [len(one["xy"]) for one in drawn])
        ions = [f"{mz:.4f}" for mz in drawn[0]["mz"]]
        genes = drawn[0]["genes"]
        values = stack("counts"), stack("intensity"), stack("xy")
        joint = table(*values, sample=sample, genes=genes, ions=ions)
        truth = stack("mu"), stack("sm_log_clean").astype(float)
        return Section(name, joint, stack("domain"), *truth, (0, 1), (2, 3))
