"""Builds the web application: the composition root. Never loads torch."""

from __future__ import annotations

import hmac
import logging
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import diskcache
import multiprocess
from dash import Dash, DiskcacheManager, set_props
from flask import Flask, redirect, request

from app import downloads, ids, launcher, uploads
from app.components import message
from app.jobs import JobTable
from app.pages import align, data, explore, export, home, integrate, shell
from app.settings import Settings
from app.store import ProjectStore
from spatialmeta_core.errors import SpatialMetaError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

ASSETS: Final = Path(__file__).parents[1] / "assets"
COOKIE: Final = "spatialmeta_token"
PAGES: Final = {
    "home": home,
    "data": data,
    "align": align,
    "integrate": integrate,
    "explore": explore,
    "export": export,
}

log = logging.getLogger(__name__)


class SpawnDiskcacheManager(DiskcacheManager):
    """Dash's embedded background manager, with fresh interpreters instead of forks.

    A forked child would inherit the listening port, so that a restarted server could not bind it.
    """

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Any) -> int | None:
        """Start the job in a spawned process and return its process id."""
        process = multiprocess.get_context("spawn").Process(
            target=job_fn,
            args=(key, self._make_progress_key(key), args, context),  # type: ignore[no-untyped-call]
        )
        process.start()
        pid: int | None = process.pid
        return pid


def create_app(settings: Settings | None = None) -> Dash:
    """Build the application.

    Parameters
    ----------
    settings
        Read from the environment when not given.
    """
    settings = settings or Settings.from_environment()
    jobs = JobTable(settings)  # first: it makes the data folder, readable by its owner only
    store = ProjectStore(settings.projects_dir)
    app = Dash(
        "app",
        server=Flask("app", static_folder=None),  # type: ignore[arg-type]  # dash says bool
        assets_folder=str(ASSETS),
        assets_ignore=r"bootstrap",  # loaded first, by name, so that our own styles win
        external_stylesheets=["/assets/vendor/bootstrap.min.css"],
        serve_locally=True,
        title="SpatialMETA",
        update_title="",
        background_callback_manager=_manager(settings),
        on_error=show_expected,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.server.secret_key = _secret(settings.data_dir / "secret")
    app.server.config["MAX_CONTENT_LENGTH"] = uploads.MAX_CHUNK
    if settings.is_loopback:
        _require_own_name(app.server, settings)
    if settings.token:
        _require_token(app.server, settings.token)
    uploads.register(app.server, store, settings)
    downloads.register(app.server, store)
    app.layout = shell.layout({name: page.layout() for name, page in PAGES.items()})
    shell.register(app, store, jobs)
    for page in PAGES.values():
        page.register(app, store, jobs)
    launcher.register(app, settings)
    return app


def show_expected(error: Exception) -> None:
    """Show an expected error as an alert; anything else is a bug: log it and say so."""
    if isinstance(error, SpatialMetaError):
        shown = message("bad", str(error), title=error.title, code=error.code)
    else:
        log.error("callback failed", exc_info=error)
        shown = message(
            "bad",
            "This is a fault in the program, not in your data. Nothing was lost; reload the page "
            "and try again.",
            title="Something went wrong.",
        )
    set_props(ids.ALERT_TEXT, {"children": shown})
    set_props(ids.ALERT, {"hidden": False})  # the callback's own outputs stay as they are


def _manager(settings: Settings) -> SpawnDiskcacheManager:
    folder = settings.data_dir / "dash-cache"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds pickles: ours alone
    return SpawnDiskcacheManager(diskcache.Cache(str(folder)), expire=3600)  # type: ignore[no-untyped-call]


def _secret(path: Path) -> bytes:
    """Return this installation's secret; it signs the handles of background callbacks."""
    if not path.exists():
        mine = path.with_name(f".secret-{secrets.token_hex(4)}")
        mine.touch(mode=0o600)
        mine.write_bytes(secrets.token_bytes(32))
        mine.replace(path)
    return path.read_bytes()


def _require_own_name(server: Flask, settings: Settings) -> None:
    """Turn away requests meant for another host.

    A page of the internet can give its own name the address 127.0.0.1, and would then be allowed to
    read what this server answers; the name it asks for gives it away.
    """

    @server.before_request
    def check() -> ResponseReturnValue | None:
        if settings.is_own_name(request.headers.get("Host", "")):
            return None
        return (
            "This server does not answer under this name: open it as http://127.0.0.1, or ask "
            "whoever runs it to add the name to SPATIALMETA_ALLOWED_HOSTS."
        ), 403


def _require_token(server: Flask, token: str) -> None:
    """Let in only visitors who have presented the token once, as ``?token=...``."""

    def is_right(offered: str) -> bool:
        return hmac.compare_digest(offered.encode(), token.encode())

    @server.before_request
    def check() -> ResponseReturnValue | None:
        if is_right(request.args.get("token", "")):
            response = redirect("/" + request.path.lstrip("/"))  # never to another host
            response.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
            return response
        if is_right(request.cookies.get(COOKIE, "")):
            return None
        return "This server needs its access link. Ask whoever runs it.", 401
