"""The command line: ``spatialmeta serve | demo | run CONFIG --out DIR``."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from pathlib import Path

from app.settings import Settings
from spatialmeta_core.errors import SpatialMetaError


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        if arguments.command == "run":
            return _run(arguments.config, arguments.out)
        settings = Settings.from_environment()
        changes = {k: v for k in ("host", "port") if (v := getattr(arguments, k)) is not None}
        return _serve(
            dataclasses.replace(settings, **changes), with_demo=arguments.command == "demo"
        )
    except SpatialMetaError as error:
        sys.stderr.write(f"{error.title} {error}\n".lstrip())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spatialmeta",
        description="Align, integrate and explore spatial transcriptomics and metabolomics.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("serve", "serve the app"),
        ("demo", "serve the app with a simulated demo project"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--host", help="address to listen on (default 127.0.0.1)")
        command.add_argument("--port", type=int, help="port (default 8050)")
    run = commands.add_parser("run", help="run all steps without a browser")
    run.add_argument("config", type=Path, help="TOML file, as Export > Code gives it")
    run.add_argument("--out", type=Path, required=True, help="folder for the results")
    return parser


def _serve(settings: Settings, *, with_demo: bool) -> int:
    if not settings.is_loopback and not settings.token:
        raise SpatialMetaError(
            "Set SPATIALMETA_TOKEN to a secret first: on this address other machines can reach "
            "the server.",
            title="An access token is needed.",
        )
    from waitress import serve  # noqa: PLC0415  # `run` and --help stay light

    from app.server import create_app  # noqa: PLC0415

    if with_demo:
        _make_demo(settings)
    app = create_app(settings)
    suffix = f"/?token={settings.token}" if settings.token else "/"
    logging.getLogger(__name__).info(
        "SpatialMETA is ready: http://%s:%s%s", settings.host, settings.port, suffix
    )
    serve(app.server, host=settings.host, port=settings.port, threads=16, ident=None)
    return 0


def _make_demo(settings: Settings) -> None:
    """Make the demo project unless there is one."""
    from app.headless import make_demo  # noqa: PLC0415  # loads the science only when needed
    from app.store import ProjectStore  # noqa: PLC0415

    store = ProjectStore(settings.projects_dir)
    if not any(about["simulated"] for about in store.projects()):
        logging.getLogger(__name__).info("Making the simulated demo section ...")
        make_demo(store, settings)


def _run(config: Path, out: Path) -> int:
    from app.headless import run_config  # noqa: PLC0415  # loads torch: never in the web process

    run_config(config, out, Settings.from_environment())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
