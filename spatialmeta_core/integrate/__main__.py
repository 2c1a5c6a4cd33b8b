"""Train without the app, on one process or several, and forecast what that takes.

python -m spatialmeta_core.integrate fit joint.h5ad --out model
torchrun --nproc-per-node 2 -m spatialmeta_core.integrate fit joint.h5ad --out model
python -m spatialmeta_core.integrate forecast --spots 10000 --genes 2000 --metabolites 800
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatialmeta_core.errors import SpatialMetaError
from spatialmeta_core.integrate import distributed, forecast, integrate
from spatialmeta_core.params import LossWeights, NetParams, TrainParams, from_dict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import EpochReport


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options.settings)
        if options.command == "fit":
            _fit(options, settings)
        else:
            _forecast(options, settings)
    except SpatialMetaError as error:
        sys.stderr.write(f"{error.title} {error}\n".lstrip())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spatialmeta_core.integrate")
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("fit", help="train on a joint h5ad file")
    fit.add_argument("joint", type=Path, help="as the app's Join step writes it")
    fit.add_argument("--out", type=Path, required=True, help="folder for the result")
    fit.add_argument("--batch-key", action="append", default=[], help="a column of obs")
    fit.add_argument("--checkpoint", type=Path, help="to resume from, if training is interrupted")
    shape = commands.add_parser("forecast", help="print time and memory as JSON")
    for name in ("spots", "genes", "metabolites"):
        shape.add_argument(f"--{name}", type=int, required=True)
    for command in (fit, shape):
        command.add_argument(
            "--settings", type=Path, help="TOML with [net], [train], [weights], such as a recipe"
        )
        command.add_argument("--device", default="auto")
    return parser


def _settings(path: Path | None) -> dict[str, Any]:
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    kinds = {"net": NetParams, "train": TrainParams, "weights": LossWeights}
    return {name: from_dict(kind, tables.get(name, {})) for name, kind in kinds.items()}


def _fit(options: argparse.Namespace, settings: dict[str, Any]) -> None:
    import anndata  # noqa: PLC0415  # not needed for a forecast

    with distributed.group():
        result = integrate(
            anndata.read_h5ad(options.joint),
            settings["net"],
            settings["train"],
            settings["weights"],
            batch_keys=options.batch_key,
            device=distributed.local_device(options.device),
            on_epoch=_say,
            checkpoint=options.checkpoint,
        )
        if distributed.is_first():
            result.save(options.out)
            sys.stdout.write("\n".join([*result.notes, f"Saved in {options.out}.", ""]))


def _say(report: EpochReport) -> None:
    mark = " (best)" if report.is_best else ""
    sys.stdout.write(
        f"epoch {report.epoch} of at most {report.n_epochs}: loss {report.train.total:.2f}, "
        f"held out {report.validation.total:.2f}{mark}\n"
    )


def _forecast(options: argparse.Namespace, settings: dict[str, Any]) -> None:
    found = forecast(
        options.spots,
        options.genes,
        options.metabolites,
        settings["net"],
        settings["train"],
        weights=settings["weights"],
        device=options.device,
    )
    sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
