"""How well, how surely and how fast sections are placed, beside named peers.

    python -m benchmarks.alignment [--seeds 5] [--bench FOLDER] [--skip drift]

One table: the median over cases of the median and of the 95th percentile of the error of every
true pixel, percent of the fixed section's width; the worst median; cases with a median under 5 %;
CPU seconds a case. ``auto`` knows nothing, ``hand`` starts from a simulated user's pose (up to 12
degrees, 8 % shift and 8 % scale off, right flip). With ``--bench`` the cases are those of
``bench.py`` in that folder. Peers that cannot search begin with centers and areas made equal.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.cases import KINDS, SUCCESS, Case, shared, simulated
from benchmarks.peers.classic import drift, icp, identity
from benchmarks.peers.descent import descent
from spatialmeta_core.align import align
from spatialmeta_core.geometry import apply_pose, make_pose

if TYPE_CHECKING:
    from spatialmeta_core.types import Alignment

PEERS = {
    "identity": identity,
    "icp": icp,  # affine, trimmed
    "drift": drift,  # coherent point drift, affine
    "descent": descent,  # gradient descent as the paper describes it
}


def auto(moving, fixed):
    """Moved spots, with nothing known."""
    return align(moving, fixed).apply(moving)


def hand(moving, fixed):
    """Moved spots, starting from where they are."""
    return align(moving, fixed, start=make_pose()).apply(moving)


class Ranked(list):
    """Moved spots by each hypothesis, best first, and whether the first is in doubt."""

    ambiguous: bool
    margin: float


def candidates(moving, fixed) -> Ranked:
    """Rank the hypotheses of a search from nothing; the first has its local correction too."""
    return ranked(align(moving, fixed), moving)


def ranked(found: Alignment, moving) -> Ranked:
    others = [apply_pose(c.pose, moving) for c in found.candidates[1:]]
    result = Ranked([found.apply(moving), *others])
    result.ambiguous, result.margin = found.ambiguous, found.margin
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="simulated cases of each kind")
    parser.add_argument("--bench", type=Path, help="folder with bench.py and its tissues")
    parser.add_argument("--skip", nargs="*", default=[], choices=PEERS, help="peers to leave out")
    parser.add_argument("--details", action="store_true", help="also one line per case")
    arguments = parser.parse_args()
    cases = (
        shared(arguments.bench)
        if arguments.bench
        else [simulated(seed, kind) for kind in KINDS for seed in range(arguments.seeds)]
    )
    print(f"{len(cases)} cases; errors in percent of the width")
    print(f"{'':28s}{'median':>8s}{'p95':>8s}{'worst':>8s}{'success':>9s}{'CPU s':>8s}")
    for track in ("auto", "hand"):
        rows = [ours(case, track, arguments.details) for case in cases]
        line(f"this package, {track}", rows)
        if track == "auto":
            doubts(rows)
        for name, peer in PEERS.items():
            if name not in arguments.skip:
                line(f"{name}, {track}", [measured(peer, case, track) for case in cases])


def ours(case: Case, track: str, details: bool) -> dict:
    """Errors of the result and of every candidate, and the time."""
    moving, start = (case.moving, None) if track == "auto" else (case.hand, make_pose())
    begun = cpu_seconds()
    found = align(moving, case.fixed, start=start)
    seconds = cpu_seconds() - begun
    median, p95 = case.error(found.apply(moving))
    others = [case.error(placed)[0] for placed in ranked(found, moving)]
    row = {"median": median, "p95": p95, "cpu": seconds, "others": others}
    row |= {"ambiguous": found.ambiguous, "margin": found.margin}
    if details:
        print(f"  {case.name:12s}{median:8.2f}{p95:8.2f}  margin {found.margin:.1f} nats")
    return row


def measured(peer, case: Case, track: str) -> dict:
    begun = cpu_seconds()
    placed = peer(case.moving if track == "auto" else case.hand, case.fixed)
    seconds = cpu_seconds() - begun
    median, p95 = case.error(placed)
    return {"median": median, "p95": p95, "cpu": seconds}


def line(name: str, rows: list[dict]) -> None:
    median, p95, cpu = (np.array([row[k] for row in rows]) for k in ("median", "p95", "cpu"))
    good = int((median < SUCCESS).sum())
    print(
        f"{name:28s}{np.median(median):8.2f}{np.median(p95):8.2f}{median.max():8.1f}"
        f"{good:6d}/{len(rows)}{cpu.mean():8.2f}",
        flush=True,
    )


def doubts(rows: list[dict]) -> None:
    """Say what the flag ``ambiguous`` and the list of candidates are worth."""
    right = [row["median"] < SUCCESS for row in rows]
    among = sum(min(row["others"]) < SUCCESS for row in rows)
    flagged = [row["ambiguous"] for row in rows]
    print(
        f"    true placement among the candidates {among}/{len(rows)}; wrong and not flagged "
        f"{sum(not r and not f for r, f in zip(right, flagged, strict=True))}; right but flagged "
        f"{sum(r and f for r, f in zip(right, flagged, strict=True))}"
    )


def cpu_seconds() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
