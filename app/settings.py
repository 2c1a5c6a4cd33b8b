"""Settings from environment variables, read once at start."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spatialmeta_core.errors import InvalidParamsError

if TYPE_CHECKING:
    from collections.abc import Mapping

GIB = 1024**3
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where data live, where to listen, and the limits.

    Attributes
    ----------
    data_dir
        Projects, job table and caches (``SPATIALMETA_DATA``).
    host, port
        Address to listen on (``SPATIALMETA_HOST``, ``SPATIALMETA_PORT``); loopback by default.
    allowed_hosts
        Names besides its own under which browsers may reach a server on loopback, such as that of a
        proxy before it (``SPATIALMETA_ALLOWED_HOSTS``, separated by commas).
    token
        Secret that every visitor must present once (``SPATIALMETA_TOKEN``); required off loopback.
    database_url
        SQLAlchemy URL of the job table (``SPATIALMETA_DATABASE_URL``); SQLite by default.
    max_upload_bytes, max_unpacked_bytes
        Limits for one uploaded file and for what an archive may unpack to, bytes
        (``SPATIALMETA_MAX_UPLOAD_GB``, ``SPATIALMETA_MAX_UNPACKED_GB``).
    max_jobs
        Jobs that may compute at the same time; the others queue (``SPATIALMETA_MAX_JOBS``).
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8050
    token: str = ""
    database_url: str = ""
    max_upload_bytes: int = 20 * GIB
    max_unpacked_bytes: int = 50 * GIB
    max_jobs: int = 2
    allowed_hosts: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the ``SPATIALMETA_*`` variables; anything unset keeps its default.

        Raises
        ------
        InvalidParamsError
            If one that should be a number is not, or is too small.
        """
        gib = {
            name: _number(environment, f"SPATIALMETA_MAX_{name}_GB", default)
            for name, default in (("UPLOAD", 20), ("UNPACKED", 50))
        }
        default_dir = Path.home() / ".local" / "share" / "spatialmeta"
        return cls(
            data_dir=Path(environment.get("SPATIALMETA_DATA", default_dir)).expanduser().resolve(),
            host=environment.get("SPATIALMETA_HOST", "127.0.0.1"),
            port=int(_number(environment, "SPATIALMETA_PORT", 8050)),
            token=environment.get("SPATIALMETA_TOKEN", ""),
            database_url=environment.get("SPATIALMETA_DATABASE_URL", ""),
            max_upload_bytes=int(gib["UPLOAD"] * GIB),
            max_unpacked_bytes=int(gib["UNPACKED"] * GIB),
            max_jobs=int(_number(environment, "SPATIALMETA_MAX_JOBS", 2, low=1)),
            allowed_hosts=_names(environment.get("SPATIALMETA_ALLOWED_HOSTS", "")),
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK

    def is_own_name(self, host: str) -> bool:
        """Whether a ``Host`` header, with or without a port, names this server."""
        name = host.strip().lower()
        name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
        return name in (*LOOPBACK, self.host.lower(), *self.allowed_hosts)

    @property
    def projects_dir(self) -> Path:
        """Folder that holds one folder per project."""
        return self.data_dir / "projects"

    @property
    def jobs_url(self) -> str:
        """SQLAlchemy URL of the job table."""
        return self.database_url or f"sqlite:///{self.data_dir / 'jobs.sqlite'}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip().lower()))


def _number(environment: Mapping[str, str], name: str, default: float, *, low: float = 0) -> float:
    text = environment.get(name, "") or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= low):
        raise InvalidParamsError(f"{name} is {text!r}; it must be a number, {low:g} or more.")
    return value
