"""Do the histology and the feature term resolve what the outline cannot?

    python -m benchmarks.alignment_terms [--seeds 10] [--latents pca] [--pair FOLDER]

One table: for sections of known truth and each choice of the weights of eq. 3 (outline, histology,
features), how often the flip is wrong, how often the turn is more than 20 degrees off, how far the
pixels are from their true place (percent of the section's width), how far the turn is off where it
is right, how many results are called ambiguous, and the CPU time of the fit. ``ellipse`` and
``disc`` have outlines that fit in several turns and flips; ``hemisphere`` does not, and must not
get worse. ``hemisphere, no relation`` gets the gene values of other spots: they must be ignored.
With ``--pair``, also a folder with ``outs/``, ``msi.csv.gz`` and ``truth.npz``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spatialmeta_core import io, keys, simulate
from spatialmeta_core.align import align
from spatialmeta_core.align.latents import latents
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import TissueImage

WEIGHTS = ("1,0,0", "1,1,0", "1,0,1", "1,1,1")
WRONG_TURN = 20.0  # degrees
TURNED = (0.0, 90.0, 180.0, 270.0)  # of the raster of the pair, whose own turn is known


@dataclass
class Case:
    """Two sections and the true places of the moving one."""

    moving: np.ndarray
    target: np.ndarray
    truth: np.ndarray
    moving_values: np.ndarray
    target_values: np.ndarray
    image: TissueImage


@dataclass
class Row:
    """Results of one kind of section with one choice of weights."""

    flips: int = 0
    turns: int = 0
    ambiguous: int = 0
    errors: list[float] = field(default_factory=list)
    angles: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="sections of each kind")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--latents", choices=["pca", "vae"], default="pca")
    parser.add_argument("--kinds", nargs="*", default=["ellipse", "disc", "hemisphere"])
    parser.add_argument("--weights", nargs="+", default=WEIGHTS, help="such as 1,0,1")
    parser.add_argument("--pair", type=Path, help="folder with outs/, msi.csv.gz, truth.npz")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    header = f"{'section':26s} weights  wrong flip  wrong turn  median  worst  turn off  ambiguous"
    print(header + "  CPU s")
    for kind in arguments.kinds:
        cases = [simulated(kind, seed, arguments.latents) for seed in seeds]
        table(kind, cases, arguments.weights)
        if kind == "hemisphere":
            table("hemisphere, no relation", [unrelated(c) for c in cases], arguments.weights)
    if arguments.pair:
        cases = [pair(arguments.pair, turn, flip, arguments.latents) for turn, flip in TURNS]
        table(arguments.pair.name[:26], cases, arguments.weights)
    else:
        print("no --pair given: the real section was not measured")


TURNS = [(turn, flip) for flip in (False, True) for turn in TURNED]


def simulated(contour: str, seed: int, method: str) -> Case:
    section = simulate.paired_section(seed, n_spots=1500, image_px=1600, contour=contour)
    return Case(
        section.sm.obsm[keys.SPATIAL].astype(float),
        section.st.obsm[keys.SPATIAL],
        section.truth.sm_xy,
        latents(section.sm.X, method=method, seed=seed),
        latents(section.st.X, method=method, seed=seed),
        picture(section.st),
    )


def unrelated(case: Case) -> Case:
    """Give the spots folded values from a quarter turn away, and the image a quarter turn.

    Both stay as smooth as they were, which is harder to see through than noise.
    """
    center = case.target.mean(axis=0)
    turned = (case.target - center) @ np.array([[0.0, -1.0], [1.0, 0.0]]) + center
    nearest = np.argmin(((turned[:, None] - case.target[None]) ** 2).sum(axis=2), axis=1)
    noise = np.random.default_rng(len(case.target)).standard_normal(
        (2, case.target_values.shape[1])
    )
    values = np.abs(case.target_values[nearest] @ noise.T) @ noise
    glass = TissueImage(np.rot90(case.image.rgb).copy(), case.image.scale)
    return Case(case.moving, case.target, case.truth, case.moving_values, values, glass)


def pair(folder: Path, turn: float, flip: bool, method: str) -> Case:
    st, sm = io.read_st(folder / "outs"), io.read_sm(folder / "msi.csv.gz")
    with np.load(folder / "truth.npz") as truth:
        true_xy = truth["sm_xy_true"].astype(float)
    angle = np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moving = sm.obsm[keys.SPATIAL].astype(float) @ rotation.T
    if flip:
        moving[:, 0] *= -1
    return Case(
        moving,
        st.obsm[keys.SPATIAL].astype(float),
        true_xy,
        latents(sm.X, method=method),
        latents(st.X, method=method),
        picture(st),
    )


def picture(st) -> TissueImage:
    library = next(iter(st.uns[keys.IMAGE].values()))
    return TissueImage(library["images"]["hires"], library["scalefactors"]["tissue_hires_scalef"])


def table(kind: str, cases: list[Case], choices: list[str]) -> None:
    for weights in choices:
        row = Row()
        for case in cases:
            measure(case, [float(w) for w in weights.split(",")], row)
        n = len(cases)
        right = [a for a in row.angles if a <= WRONG_TURN]
        print(
            f"{kind:26s} {weights:7s}  {row.flips:4d}/{n:<5d}  "
            f"{row.turns:4d}/{n:<5d} {np.median(row.errors):6.2f}% {np.max(row.errors):6.2f}% "
            f"{np.median(right) if right else np.nan:6.2f} deg {row.ambiguous:6d}/{n:<3d}  "
            f"{np.mean(row.cpu):6.2f}",
            flush=True,
        )


def measure(case: Case, weights: list[float], row: Row) -> None:
    settings = AlignParams(
        outline_weight=weights[0],
        histology_weight=weights[1],
        feature_weight=weights[2],
        target="spots",
    )
    started = time.process_time()
    found = align(
        case.moving,
        case.target,
        settings,
        target_image=case.image,
        moving_values=case.moving_values,
        target_values=case.target_values,
    )
    row.cpu.append(time.process_time() - started)
    placed = found.apply(case.moving)
    width = float(np.sqrt(np.prod(np.ptp(case.target, axis=0))))
    row.errors.append(float(np.median(np.linalg.norm(placed - case.truth, axis=1))) / width * 100)
    linear = fitted(case.moving, case.truth)
    flipped = np.linalg.det(linear) * np.linalg.det(found.pose.matrix[:, :2]) < 0
    between = found.pose.matrix[:, :2] @ np.linalg.inv(linear)
    angle = abs(float(np.degrees(np.arctan2(between[1, 0] - between[0, 1], between.trace()))))
    row.flips += int(flipped)
    row.turns += int(not flipped and angle > WRONG_TURN)
    row.ambiguous += int(found.ambiguous)
    row.angles.append(180.0 if flipped else angle)


def fitted(moving: np.ndarray, truth: np.ndarray) -> np.ndarray:
    design = np.column_stack([moving, np.ones(len(moving))])
    return np.linalg.lstsq(design, truth, rcond=None)[0][:2].T


if __name__ == "__main__":
    main()
