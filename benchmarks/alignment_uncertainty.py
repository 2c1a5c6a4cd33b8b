"""Are the standard deviations of an alignment honest?

    python -m benchmarks.alignment_uncertainty [--first-seed 500] [--cases 80] [--bench FILE]

For made-up sections with a known map, counts how many pixels lie within one and within two of the
standard deviations that ``align`` reports for them: 68 % and 95 % are right. Half of the sections
are brain hemispheres (``spatialmeta_core.simulate``), half random lobed shapes with holes. Kinds
differ in the start, the transform and what the fit is given. ``--bench`` takes the folder of a
benchmark module ``bench.py`` with ``CASES``, ``make_case`` and ``tissue_coords.npz``; its cases are
made again from other seeds. The constants of ``spatialmeta_core.align.uncertainty`` were chosen on
seeds below 500 of the made-up sections.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import spearmanr

from spatialmeta_core.align import align
from spatialmeta_core.geometry import apply_pose, compose, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.simulate.anatomy import Anatomy
from spatialmeta_core.types import Landmarks, Pose

if TYPE_CHECKING:
    from collections.abc import Callable

    Field = Callable[[np.ndarray], np.ndarray]

BENCH_SEED = 1000  # added to the seeds of the other benchmark
LANDMARK_SD = 0.01  # of the width, along each axis


class Case(NamedTuple):
    """A moving section, a target and where each moving pixel belongs; not all are tissue."""

    name: str
    moving: np.ndarray
    target: np.ndarray
    truth: np.ndarray
    tissue: np.ndarray
    width: float


class Kind(NamedTuple):
    """How a case is made and fitted."""

    warp: float  # largest displacement, of the width
    loss: float  # share of the moving section that is missing
    stretch: float
    params: AlignParams = AlignParams()
    hand: bool = True
    n_landmarks: int = 0
    symmetric: bool = False
    coarse: float = 1.0  # times the usual spacing of spots and pixels


KINDS = {
    "easy": Kind(0.02, 0.05, 0.03),
    "medium": Kind(0.035, 0.09, 0.07),
    "hard": Kind(0.05, 0.14, 0.12),
    "no start": Kind(0.035, 0.09, 0.07, hand=False),
    "affine only": Kind(0.035, 0.09, 0.07, AlignParams(nonrigid=False)),
    "similarity only": Kind(0.02, 0.05, 0.05, AlignParams(nonrigid=False, transform="similarity")),
    "same section": Kind(0.0, 0.09, 0.0, AlignParams(transform="rigid")),
    "landmarks": Kind(0.05, 0.14, 0.12, n_landmarks=6),
    "symmetric": Kind(0.02, 0.05, 0.03, hand=False, symmetric=True),
    "few spots": Kind(0.035, 0.09, 0.07, coarse=2.2),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first-seed", type=int, default=500)
    parser.add_argument("--cases", type=int, default=80)
    parser.add_argument("--bench", type=Path, help="folder with bench.py and tissue_coords.npz")
    arguments = parser.parse_args()
    started = time.process_time()
    rows = []
    for number in range(arguments.cases):
        name = list(KINDS)[number % len(KINDS)]
        seed = arguments.first_seed + number
        case = make_case(seed, KINDS[name])
        rows.append((name, *measured(case, KINDS[name], seed)))
    if arguments.bench:
        for case in bench_cases(arguments.bench):
            for name in ("medium", "no start"):
                rows.append((f"bench, {name}", *measured(case, KINDS[name], 0)))
    print_table([row for row in rows if len(row) > 1])
    print(f"{time.process_time() - started:.0f} CPU s")


def measured(case: Case, kind: Kind, seed: int) -> tuple[float, ...]:
    """Shares within one and two sd, error and sd (medians, percent of the width), their ranks.

    Nothing where the start was kept: a pose by hand has no sd.
    """
    found = fitted(case, kind, seed)
    error = np.linalg.norm(found.apply(case.moving) - case.truth, axis=1)[case.tissue]
    if found.sd_px is None:
        print(f"{case.name}: {found.notes[-1]}")
        return ()
    sd = found.sd_px[case.tissue]
    return (
        float((error <= sd).mean()),
        float((error <= 2 * sd).mean()),
        float(np.median(error) / case.width * 100),
        float(np.median(sd) / case.width * 100),
        float(spearmanr(error, sd)[0]),
    )


def fitted(case: Case, kind: Kind, seed: int):
    """Align a case as its kind says."""
    rng = np.random.default_rng(seed + 10_000)
    landmarks = None
    if kind.n_landmarks:
        chosen = rng.choice(np.flatnonzero(case.tissue), kind.n_landmarks, replace=False)
        blur = rng.normal(0, LANDMARK_SD * case.width, (kind.n_landmarks, 2))
        landmarks = Landmarks(case.moving[chosen], case.truth[chosen] + blur)
    start = hand_start(case, kind, rng) if kind.hand else None
    return align(case.moving, case.target, kind.params, start=start, landmarks=landmarks)


def hand_start(case: Case, kind: Kind, rng) -> Pose:
    """A user's placement: the right flip, up to 12 degrees and 8 % off."""
    source, goal = case.moving[case.tissue], case.truth[case.tissue]
    middle, center = source.mean(axis=0), goal.mean(axis=0)
    u, s, vt = np.linalg.svd((goal - center).T @ (source - middle))
    scale = 1.0 if kind.params.transform == "rigid" else s.sum() / ((source - middle) ** 2).sum()
    linear = scale * u @ vt
    best = Pose(np.column_stack([linear, center - linear @ middle]))
    size = 1.0 if kind.params.transform == "rigid" else rng.uniform(0.92, 1.08)
    shift = tuple(rng.uniform(-0.08, 0.08, 2) * case.width)
    return compose(make_pose(rng.uniform(-12, 12), size, size, shift, center=tuple(center)), best)


def make_case(seed: int, kind: Kind) -> Case:
    """Spots on a hexagonal lattice, pixels on a square one in a turned, stretched, bent frame."""
    rng = np.random.default_rng(seed)
    inside = mirrored(rng) if kind.symmetric else (brain, lobed)[rng.integers(2)](rng)
    line = np.linspace(-0.9, 0.9, 181)
    plane = np.column_stack([g.ravel() for g in np.meshgrid(line, line)])
    tissue = plane[inside(plane)]
    width = float(np.sqrt(np.prod(np.ptp(tissue, axis=0))))
    bend = (bumps if rng.random() < 0.5 else waves)(rng, tissue, kind.warp * width)
    pitch = kind.coarse * width / rng.uniform(42, 62)
    x, y = np.meshgrid(np.arange(-0.9, 0.9, pitch), np.arange(-0.9, 0.9, pitch * np.sqrt(0.75)))
    x[1::2] += pitch / 2
    target = np.column_stack([x.ravel(), y.ravel()]) + rng.uniform(0, pitch, 2)
    target = target[inside(target)]
    stretch = np.exp(rng.choice([-0.5, 0.5]) * kind.stretch)
    rigid = kind.params.transform == "rigid"
    size = 1.0 if rigid else rng.uniform(0.96, 1.04)
    pose = make_pose(
        rng.uniform(-180, 180), size * stretch, size / stretch, flipped=bool(rng.integers(2))
    )
    step = kind.coarse * width / rng.uniform(50, 95)
    line = np.arange(-1.3, 1.3, step) + rng.uniform(0, step)
    lattice = np.column_stack([g.ravel() for g in np.meshgrid(line, line)])
    truth = apply_pose(pose, lattice)
    truth = truth + bend(truth)
    there = inside(truth)
    there[there] = kept(truth[there], kind.loss, rng)
    there[there] = rng.random(int(there.sum())) > 0.02
    stray = rng.choice(np.flatnonzero(~inside(truth)), max(2, int(0.01 * there.sum())))
    chosen = np.concatenate([np.flatnonzero(there), np.unique(stray)])
    px = 2000.0
    moving = lattice[chosen] * px if rigid else (lattice[chosen] - lattice.min(axis=0)) / step
    return Case(
        f"seed {seed}",
        moving,
        (target + 1) * px,
        (truth[chosen] + 1) * px,
        there[chosen],
        width * px,
    )


def brain(rng) -> Field:
    """A hemisphere, about 1 wide."""
    anatomy = Anatomy.draw(rng)
    return lambda xy: anatomy.inside(2 * xy)


def lobed(rng) -> Field:
    """A disc whose radius varies around, with up to three round holes or bites."""
    waves_around = np.arange(2, 8)
    height = rng.normal(0, 0.22, 6) / waves_around
    phase = rng.uniform(0, 2 * np.pi, 6)
    holes = [(rng.uniform(-0.45, 0.45, 2), rng.uniform(0.05, 0.12)) for _ in range(rng.integers(4))]
    flat = rng.uniform(0.75, 1.0)

    def inside(xy):
        x, y = xy[:, 0], xy[:, 1] / flat
        angle = np.arctan2(y, x)
        edge = 0.5 * (1 + np.cos(np.multiply.outer(angle, waves_around) + phase) @ height)
        tissue = np.hypot(x, y) < edge
        for center, radius in holes:
            tissue &= np.linalg.norm(xy - center, axis=1) > radius
        return tissue

    return inside


def mirrored(rng) -> Field:
    """A shape that only a small lobe keeps from being its own mirror image."""
    height = rng.normal(0, 0.22, 5) / np.arange(2, 7)
    angle, size = rng.uniform(-np.pi, np.pi), rng.uniform(0.01, 0.06)

    def inside(xy):
        x, y = xy.T
        turn = np.arctan2(y, x)
        edge = 0.5 * (1 + np.cos(np.multiply.outer(turn, np.arange(2, 7))) @ height)
        apart = np.mod(turn - angle + np.pi, 2 * np.pi) - np.pi
        return np.hypot(x, y) < edge + size * np.exp(-((apart / 0.3) ** 2))

    return inside


def bumps(rng, tissue, largest: float) -> Field:
    """Displacement by Gaussian bumps."""
    center, size = rng.uniform(-0.5, 0.5, (9, 2)), rng.uniform(0.18, 0.35, 9)
    push = rng.normal(size=(9, 2))

    def raw(xy):
        square = ((xy[:, None] - center) ** 2).sum(axis=2)
        return np.exp(-square / (2 * size**2)) @ push

    return scaled(raw, tissue, largest)


def waves(rng, tissue, largest: float) -> Field:
    """Displacement by long waves."""
    direction = rng.normal(size=(7, 2))
    k = direction / np.linalg.norm(direction, axis=1)[:, None] * rng.uniform(3, 7.5, 7)[:, None]
    phase, push = rng.uniform(0, 2 * np.pi, 7), rng.normal(size=(7, 2))
    push /= np.linalg.norm(k, axis=1)[:, None]
    return scaled(lambda xy: np.sin(xy @ k.T + phase) @ push, tissue, largest)


def scaled(raw: Field, tissue, largest: float) -> Field:
    """Without a mean, and with the largest displacement as asked."""
    values = raw(tissue)
    mean = values.mean(axis=0)
    factor = largest / np.linalg.norm(values - mean, axis=1).max()
    return lambda xy: (raw(xy) - mean) * factor


def kept(xy, loss: float, rng):
    """Leave out a share of the points: beyond a straight cut, or in a bite at the edge."""
    angle = rng.uniform(0, 2 * np.pi)
    along = xy @ np.array([np.cos(angle), np.sin(angle)])
    if rng.random() < 0.5:
        return along <= np.quantile(along, 1 - loss)
    away = np.linalg.norm(xy - xy[np.argmax(along)], axis=1)
    return away >= np.quantile(away, loss)


def bench_cases(folder: Path):
    """Cases of the other benchmark, made from other seeds."""
    spec = importlib.util.spec_from_file_location("bench", folder / "bench.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    with np.load(folder / "tissue_coords.npz") as file:
        data = dict(file)
    for name, band, base, seed, *rest in bench.CASES:
        made = bench.make_case((name, band, base, seed + BENCH_SEED, *rest), data)
        yield Case(
            f"{base} {name}",
            made["moving"],
            made["fixed"],
            made["truth"],
            made["true"],
            made["width"],
        )


def print_table(rows) -> None:
    """One line per kind, and all of them; every case counts as much as any other."""
    print(
        "kind                cases  within 1 sd  within 2 sd  error %   sd %  rank correlation",
    )
    names = list(dict.fromkeys(name for name, *_ in rows))
    for name in [*names, "all"]:
        chosen = np.array([values for kind, *values in rows if name in (kind, "all")])
        one, two = chosen[:, :2].mean(axis=0) * 100
        error, sd = np.median(chosen[:, 2:4], axis=0)
        print(
            f"{name:19s} {len(chosen):5d} {one:10.0f} % {two:10.0f} % {error:8.2f} {sd:6.2f}"
            f" {chosen[:, 4].mean():17.2f}"
        )


if __name__ == "__main__":
    main()
