"""Every component id of the app. Pattern ids come from functions."""

from __future__ import annotations

from typing import Any, Final

# shell
URL: Final = "url"
ROUTE: Final = "route"  # store: {"project": id or "", "page": name}
PROJECT: Final = "project"  # store: ProjectRef as JSON, or None
JOBS: Final = "jobs"  # store: the project's latest jobs
POLL: Final = "poll"
LAUNCHED: Final = "launched"
RAIL: Final = "rail"
TOPBAR_PROJECT: Final = "topbar-project"
TOPBAR_JOBS: Final = "topbar-jobs"
UNDO: Final = "undo"
REDO: Final = "redo"
HELP_BUTTON: Final = "help-button"
HELP: Final = "help"
STATUS: Final = "status"
ALERT: Final = "alert"
ALERT_TEXT: Final = "alert-text"

# home
HOME_NEW_NAME: Final = "home-new-name"
HOME_NEW: Final = "home-new"
HOME_DEMO: Final = "home-demo"
HOME_LIST: Final = "home-list"
HOME_GO: Final = "home-go"


def launch(page: str) -> dict[str, str]:
    """Store of a page that holds ``{"jobs": [ids]}`` to be turned into processes."""
    return {"type": "launch", "page": page}


def job_action(action: str, job: str) -> dict[str, str]:
    """Button that asks something of a job."""
    return {"type": "job-action", "action": action, "job": job}


def home_delete(project: str) -> dict[str, str]:
    """Button that moves a project to the bin."""
    return {"type": "home-delete", "project": project}


def pattern(kind: str, **parts: Any) -> dict[str, Any]:
    """Wildcard form of a pattern id, for ``Input`` and ``Output``."""
    return {"type": kind, **parts}
