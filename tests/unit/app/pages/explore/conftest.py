"""A small project with clusters, and a way to fire the page's callbacks."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from dash import Dash

from app.jobs import JobTable
from app.pages import explore
from app.sections import open_section
from app.settings import Settings
from app.store import ProjectStore
from spatialmeta_core import keys
from spatialmeta_core.io import write_h5ad

SIDE = 12
PITCH = 100.0
GENES = ["Ldha", "Gfap", "Snap25", "Mbp", "Ld"]
MASSES = ["124.0074", "281.2480", "760.5851"]
NAMES = ["Taurine", "Oleic acid", ""]


def joint_table(um_per_px=0.5):
    """Spots on a square grid; the left half has its own gene and metabolite, the last row no SM."""
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    left = x < SIDE // 2
    counts = rng.poisson(3.0, (SIDE * SIDE, len(GENES))).astype(np.float32)
    counts[left, 0] += 20
    masses = rng.gamma(5.0, 1.0, (SIDE * SIDE, len(MASSES))).astype(np.float32)
    masses[left, 1] += 20
    masses[y == SIDE - 1] = np.nan
    values = sp.csr_matrix(np.hstack([counts, masses]))
    normalized = values.copy()
    normalized.data = np.log1p(normalized.data)
    var = pd.DataFrame(
        {
            keys.FEATURE_TYPE: [keys.ST] * len(GENES) + [keys.SM] * len(MASSES),
            keys.MZ: [np.nan] * len(GENES) + [float(mass) for mass in MASSES],
            keys.GENE_ID: [f"ENSG{n}" for n in range(len(GENES))] + [""] * len(MASSES),
            keys.METABOLITE: [""] * len(GENES) + NAMES,
            keys.ADDUCT: [""] * len(GENES) + ["[M-H]-"] * len(MASSES),
        },
        index=GENES + MASSES,
    )
    obs = pd.DataFrame(
        {keys.SAMPLE: "section", keys.N_DONORS: np.where(y == SIDE - 1, 0, 5)},
        index=[f"spot{n}" for n in range(SIDE * SIDE)],
    )
    ours = {} if um_per_px is None else {keys.UM_PER_PX: um_per_px}
    return ad.AnnData(
        values,
        obs=obs,
        var=var,
        obsm={keys.SPATIAL: np.column_stack([x, y]) * PITCH},
        layers={keys.NORMALIZED: normalized},
        uns={keys.OURS: ours},
    )


def make_project(store, *, clustered=True, um_per_px=0.5):
    """Commit a project up to the joint table, or up to clusters."""
    table = joint_table(um_per_px)
    st = table[:, : len(GENES)].copy()
    project = store.create("Toy")
    facts = {"um_per_px": um_per_px, "image": None}
    store.commit(project, "st", lambda f: write_h5ad(st, f / "st.h5ad"), summary=facts)
    store.commit(project, "sm", lambda folder: None, summary={})
    store.commit(project, "alignment", lambda folder: None)
    store.commit(project, "joint", lambda f: write_h5ad(table, f / "joint.h5ad"))
    if clustered:
        add_clusters(store, project)
    return project


def add_clusters(store, project):
    """Commit two clusters, left and right; the first spot is left out."""
    x = np.arange(SIDE * SIDE) % SIDE
    labels = (x >= SIDE // 2).astype(int)
    labels[0] = -1
    balance = np.where(labels == 1, 0.8, 0.2).astype(float)
    balance[0] = np.nan
    values = {
        "obs_names": np.array([f"spot{n}" for n in range(SIDE * SIDE)]),
        keys.CLUSTER: labels,
        keys.UMAP: np.column_stack([labels, x]).astype(float),
        keys.CONTRIBUTION: balance,
        keys.THETA_ST: balance,
        keys.THETA_SM: balance,
    }
    for name in ("features", "integration"):
        if name not in store.manifest(project)["artefacts"]:
            store.commit(
                project, name, lambda f: (f / "features.csv").write_text("name,type\nLdha,ST\n")
            )
    store.commit(project, "clusters", lambda f: np.savez(f / "clusters.npz", **values))


@pytest.fixture
def store(tmp_path):
    return ProjectStore(tmp_path / "projects")


@pytest.fixture
def project(store):
    return make_project(store)


@pytest.fixture
def plain_project(store):
    """Neither clusters nor a pixel size."""
    return make_project(store, clustered=False, um_per_px=None)


@pytest.fixture
def cluster_it(store):
    return lambda project: add_clusters(store, project)


@pytest.fixture
def plain_section(store, plain_project):
    return open_section(store, plain_project)


@pytest.fixture
def section(store, project):
    return open_section(store, project)


@pytest.fixture
def server(store, tmp_path):
    """The page alone on a Dash app; errors come out as they are."""
    app = Dash("app", on_error=_fail)
    app.layout = explore.layout
    explore.register(app, store, JobTable(Settings(tmp_path)))
    app.server.testing = True
    app._setup_server()
    return app


@pytest.fixture
def fire(server):
    """Fire the callback that owns ``output``; values are named ``some_id__property``.

    ``triggered`` lists what changed, as ``"id.property"`` or ``(pattern id, property)``.
    """
    client = server.server.test_client()

    def call(output, triggered, **values):
        given = {}
        for name, value in values.items():
            identity, prop = name.split("__")
            given[f"{identity.replace('_', '-')}.{prop}"] = value
        key, found = next((key, each) for key, each in server.callback_map.items() if output in key)
        body = {
            "output": key,
            "outputs": _outputs(key),
            "changedPropIds": [_prop(each) for each in triggered],
            "inputs": [_entry(item, given, triggered) for item in found["inputs"]],
            "state": [_entry(item, given, triggered) for item in found["state"]],
        }
        answer = client.post("/_dash-update-component", json=body)
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.get_data(as_text=True)
        response = answer.get_json()["response"]
        return {
            f"{name}.{prop}": value
            for name, props in response.items()
            for prop, value in props.items()
        }

    return call


def _fail(error):
    raise error


def _prop(trigger):
    if isinstance(trigger, str):
        return trigger
    identity, prop, _ = trigger
    return f"{json.dumps(identity, sort_keys=True, separators=(',', ':'))}.{prop}"


def _outputs(key):
    parts = [part.rsplit(".", 1) for part in key.strip(".").split("...")]
    found = [{"id": name, "property": prop} for name, prop in parts]
    return found if key.startswith("..") else found[0]


def _entry(item, given, triggered):
    if not item["id"].startswith("{"):
        return {**item, "value": given.get(f"{item['id']}.{item['property']}")}
    kind = json.loads(item["id"])["type"]
    return [
        {"id": identity, "property": prop, "value": value}
        for identity, prop, value in (each for each in triggered if not isinstance(each, str))
        if identity["type"] == kind
    ]
