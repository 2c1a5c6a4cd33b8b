"""Fits that are made once and kept, and what each costs."""

from __future__ import annotations

import hashlib
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core import keys
from spatialmeta_core.integrate import integrate
from spatialmeta_core.params import LossWeights, NetParams, TrainParams

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sections import Section

ROOT = Path(__file__).parents[1]
FOLDER = Path(tempfile.gettempdir()) / "spatialmeta_benchmarks"
MODEL = ("spatialmeta_core/integrate", "spatialmeta_core/params.py", "benchmarks/fits.py")
NET, TRAIN, WEIGHTS = NetParams(), TrainParams(), LossWeights()

Fit = dict[str, np.ndarray]  # embedding; ST (counts), SM (log intensities), balance, where known


def kept(
    folder: Path, section: Section, how: object, sources: tuple[str, ...], make: Callable
) -> Fit | None:
    """Read a fit from ``folder`` or make it; the same data, ``repr(how)`` and code are one fit.

    ``sources`` are files or folders of code below the repository's root. What could not be made
    (None) is not kept. ``cpu`` is added, in seconds.
    """
    digest = hashlib.sha256(repr(how).encode())
    digest.update(repr((section.joint.shape, section.sample.tolist())).encode())
    for array in (section.joint.X.data, section.joint.X.indices, section.domain):
        digest.update(np.ascontiguousarray(array).tobytes())
    for source in sources:
        path = ROOT / source
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    file = folder / f"{digest.hexdigest()[:24]}.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        begun = cpu_seconds()
        found = make()
        if found is None:
            return None
        np.savez(file, cpu=cpu_seconds() - begun, **found)
    with np.load(file) as stored:
        return {key: stored[key] for key in stored.files}


def ours(
    section: Section,
    seed: int,
    *,
    net: NetParams = NET,
    train: TrainParams = TRAIN,
    weights: LossWeights = WEIGHTS,
) -> Fit:
    """This package, with its defaults unless told otherwise; samples are batches."""
    several = len(np.unique(section.sample)) > 1
    found = integrate(
        section.joint,
        net,
        replace(train, seed=seed),
        weights,
        batch_keys=[keys.SAMPLE] if several else [],
        device="cpu",
    )
    is_st = np.array(found.feature_type) == keys.ST
    return {
        "embedding": found.embedding.joint,
        "ST": found.denoised[:, is_st],
        "SM": found.denoised[:, ~is_st],
        "balance": found.contribution.balance,
        "theta": found.contribution.theta_st - found.contribution.theta_sm + 0.5,  # eqs 20, 21
    }


def cpu_seconds() -> float:
    """Of this process and of those it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
