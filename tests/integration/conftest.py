"""A real store and job table in a temporary folder, and workers with toy steps."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from app.jobs import JobTable
from app.settings import Settings
from app.store import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dash import Dash

    from app.job import Job

HERE = Path(__file__).parent
PATIENCE_S = 60.0


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], object]:
    """Wait until something is true, on a machine that may be busy."""

    def wait(condition: Callable[[], object]) -> object:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        pytest.fail(f"waited {PATIENCE_S:g} s in vain")

    return wait


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", max_jobs=2)


@pytest.fixture
def store(settings: Settings) -> ProjectStore:
    return ProjectStore(settings.projects_dir)


@pytest.fixture
def project(store: ProjectStore) -> str:
    return store.create("toy")


@pytest.fixture
def jobs(settings: Settings) -> Iterator[JobTable]:
    table = JobTable(settings)
    yield table
    table._engine.dispose()


@pytest.fixture
def run_toy(
    jobs: JobTable, project: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Job]]:
    """Launch real worker processes whose steps are those of ``toy_worker/toy_steps.py``."""
    monkeypatch.setenv("PYTHONPATH", str(HERE / "toy_worker"))
    started: list[str] = []

    def run(kind: str, *, launch: bool = True, **params: object) -> Job:
        job = jobs.start(project, kind, params)
        started.append(job.id)
        if launch:
            jobs.launch(job.id)
        return job

    yield run
    for job_id in started:
        job = jobs.get(job_id)
        if job.is_active and job.pid and psutil.pid_exists(job.pid):
            psutil.Process(job.pid).kill()


@pytest.fixture
def dash_app(settings: Settings) -> Dash:
    """The whole application on the temporary folder."""
    from app.server import create_app

    return create_app(settings)


@pytest.fixture
def fire(dash_app: Dash) -> Callable[..., dict[str, Any]]:
    """Post to Dash's own endpoint, as the browser does; return what it would change.

    ``fire("box.value", {"box.value": 3, "store.data": None})`` says that the first changed. Values
    of pattern-matching ids are given under their JSON form, as lists of ``(id, value)``; those that
    are not zero or None changed.
    """
    client = dash_app.server.test_client()

    def entry(part: dict[str, Any], values: dict[str, Any]) -> Any:
        value = values.get(f"{part['id']}.{part['property']}")
        if not part["id"].startswith("{"):
            return {**part, "value": value}
        return [
            {"id": found, "property": part["property"], "value": each}
            for found, each in value or []
        ]

    def post(changed: str, values: dict[str, Any], *, output: str = "") -> dict[str, Any]:
        found = {
            name: spec
            for name, spec in dash_app.callback_map.items()
            if output in name
            and changed in {f"{part['id']}.{part['property']}" for part in spec["inputs"]}
        }
        ((name, spec),) = found.items()
        triggers = [changed]
        if changed.startswith("{"):
            prop = changed.rsplit(".", 1)[1]
            triggers = [f"{_compact(each)}.{prop}" for each, value in values[changed] if value]
        answer = client.post(
            "/_dash-update-component",
            json={
                "output": name,
                "outputs": _outputs(name),
                "inputs": [entry(part, values) for part in spec["inputs"]],
                "state": [entry(part, values) for part in spec["state"]],
                "changedPropIds": triggers,
            },
        )
        if answer.status_code == 204:
            return {}
        assert answer.status_code == 200, answer.get_data(as_text=True)[-800:]
        body = answer.json
        return {**body["response"], **body.get("sideUpdate", {})}

    return post


def _compact(identity: dict[str, str]) -> str:
    return json.dumps(identity, sort_keys=True, separators=(",", ":"))


def _outputs(name: str) -> Any:
    """Return the outputs of a callback from its name in the callback map."""
    several = name.startswith("..")
    parts = name[2:-2].split("...") if several else [name]
    found = []
    for part in parts:
        identity, prop = part.rsplit(".", 1)
        whole = json.loads(identity) if identity.startswith("{") else identity
        found.append({"id": whole, "property": prop})
    return found if several else found[0]
