"""Markers of the clusters and their contribution: the tabs below the list of clusters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state
from app.exports import safe_cells
from app.figures.cluster_markers import cluster_figure, dot_plot
from app.figures.contribution import contribution_violin
from app.figures.marker_limits import MarkerLimits, named_markers
from app.figures.theme import empty_figure
from app.pages.explore import tables
from app.pages.explore.names import feature_label, feature_parts
from app.pages.explore.regions import register_view
from app.sections import cluster_markers, open_section, with_stability
from spatialmeta_core import keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import plotly.graph_objects as go

    from app.cluster_edits import ClusterLook
    from app.sections import Section
    from app.store import ProjectStore

SHOWN = {"log2fc", "auc", "fraction_in", "fraction_out", "p_adj", keys.HOLDS}
LONGEST_LABEL = 16
NO_MARKERS = "Markers need two or more clusters. Train the model, or choose finer clusters."


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the figure, the table and the violins."""

    @app.callback(
        output={
            "figure": Output(ids.EXPLORE_TOP, "figure"),
            "hidden": Output(ids.EXPLORE_TOP_BOX, "hidden"),
            "empty": Output(ids.EXPLORE_TOP_EMPTY, "children"),
            "options": Output(ids.EXPLORE_TOP_CLUSTER, "options"),
            "chosen": Output(ids.EXPLORE_TOP_CLUSTER, "value"),
        },
        inputs={
            "scene": Input(ids.EXPLORE_SCENE, "data"),
            "tab": Input(ids.EXPLORE_TABS, "active_tab"),
            "route": Input(ids.ROUTE, "data"),
            "chart": Input(ids.EXPLORE_TOP_VIEW, "value"),
            "limits": {
                "min_log2fc": Input(ids.EXPLORE_MIN_FC, "value"),
                "max_p_adj": Input(ids.EXPLORE_MAX_Q, "value"),
                "n_genes": Input(ids.EXPLORE_N_GENES, "value"),
                "n_metabolites": Input(ids.EXPLORE_N_METABOLITES, "value"),
            },
            "chosen": State(ids.EXPLORE_TOP_CLUSTER, "value"),
        },
    )
    def show_markers(scene: Any, tab: Any, route: Any, **given: Any) -> dict[str, Any]:
        if not scene or tab != "markers" or not route or route["page"] != "explore":
            raise PreventUpdate  # costs a ranking of all features
        return _markers(store, str(scene["project"]), **given)

    @app.callback(
        Output(ids.EXPLORE_TOP_TABLE, "children"),
        Input(ids.EXPLORE_TOP_CLUSTER, "value"),
        Input(ids.EXPLORE_TOP_CLUSTER, "options"),
        Input(ids.EXPLORE_TOP_ROWS, "data"),
        State(ids.EXPLORE_SCENE, "data"),
    )
    def show_table(number: str | None, _options: Any, view: Any, scene: Any) -> Any:
        if not scene or number is None:
            raise PreventUpdate
        return _table(store, str(scene["project"]), int(number), view)

    _register_rest(app, store)
    register_view(app, "top", ids.EXPLORE_TOP_ROWS, ids.EXPLORE_TOP_ONLY)


def _register_rest(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.EXPLORE_VIOLIN, "figure"),
        Input(ids.EXPLORE_SCENE, "data"),
        Input(ids.EXPLORE_TABS, "active_tab"),
    )
    def show_contribution(scene: Any, tab: Any) -> go.Figure:
        if not scene or tab != "contribution":
            raise PreventUpdate
        return _violin(open_section(store, str(scene["project"])))

    @app.callback(
        Output(ids.EXPLORE_TOP_DOWNLOAD, "data"),
        Input(ids.EXPLORE_TOP_CSV, "n_clicks"),
        State(ids.EXPLORE_SCENE, "data"),
        prevent_initial_call=True,
    )
    def download(clicks: int | None, scene: Any) -> dict[str, Any]:
        if not clicks or not scene:
            raise PreventUpdate
        project = str(scene["project"])
        table = with_stability(store, project, cluster_markers(store, project))
        text = safe_cells(table).to_csv(index=False)
        return {"content": text, "filename": "markers_clusters.csv", "type": "text/csv"}


def _markers(
    store: ProjectStore,
    project: str,
    *,
    chart: str,
    limits: Mapping[str, Any],
    chosen: str | None,
) -> dict[str, Any]:
    section = open_section(store, project)
    look = section.look
    if look is None or sum(size > 0 for size in look.sizes()) < 2:  # noqa: PLR2004  # one against the rest
        kept = dict.fromkeys(("figure", "options", "chosen"), no_update)
        return {**kept, "hidden": True, "empty": empty_state(NO_MARKERS)}
    table = cluster_markers(store, project)
    wanted = _limits(limits)
    numbers = [str(number) for number in look.numbers]
    return {
        "figure": _figure(section, look, table, wanted, chart),
        "hidden": False,
        "empty": [],
        "options": [
            {"label": name, "value": number}
            for name, number in zip(look.names, numbers, strict=True)
        ],
        "chosen": no_update if chosen in numbers else numbers[0],
    }


def _limits(given: Mapping[str, Any]) -> MarkerLimits:
    """Return the limits as typed; an emptied box has its default."""
    usual = MarkerLimits()
    typed = {name: value for name, value in given.items() if value is not None}
    return MarkerLimits(
        min_log2fc=float(typed.get("min_log2fc", usual.min_log2fc)),
        max_p_adj=float(typed.get("max_p_adj", usual.max_p_adj)),
        n_genes=int(typed.get("n_genes", usual.n_genes)),
        n_metabolites=int(typed.get("n_metabolites", usual.n_metabolites)),
    )


def _figure(
    section: Section, look: ClusterLook, table: pd.DataFrame, limits: MarkerLimits, chart: str
) -> go.Figure:
    if chart == "dots":
        named = named_markers(table, limits)["feature"]
        return dot_plot(table, look.names, _labels(section, named), limits)
    colors = dict(zip(look.names, look.colors, strict=True))
    return cluster_figure(table, colors, _labels(section, table["feature"]), limits)


def _labels(section: Section, features: Sequence[str]) -> dict[str, str]:
    """Return short labels of features: a gene's symbol, a metabolite's name or its m/z.

    Several peaks of one metabolite have their m/z after the name.
    """
    names = list(dict.fromkeys(features))
    parts = {name: feature_parts(section.features, name) for name in names}
    given = Counter(part.given for part in parts.values())
    found = {}
    for name, part in parts.items():
        short = (
            part.given[: LONGEST_LABEL - 1] + "…" if len(part.given) > LONGEST_LABEL else part.given
        )
        peak = f"{short} {float(name):.1f}" if given[part.given] > 1 and _is_mass(name) else short
        found[name] = peak if part.given else feature_label(part)
    return found


def _is_mass(name: str) -> bool:
    return name.replace(".", "", 1).isdigit()


def _table(store: ProjectStore, project: str, number: int, view: Any) -> Any:
    section = open_section(store, project)
    look = section.look
    if look is None or number not in look.numbers:
        raise PreventUpdate
    name = look.names[look.numbers.index(number)]
    table = cluster_markers(store, project)
    own = with_stability(store, project, table[table[keys.CLUSTER].astype(str) == name])
    columns = [
        column for column in (*tables.MARKERS, tables.HOLDS) if column.name in SHOWN & {*own}
    ]
    return tables.feature_rows(
        own.reset_index(drop=True),
        section.features,
        columns,
        tables.TableView.from_json(view),
        name="top",
    )


def _violin(section: Section) -> go.Figure:
    if section.look is None or section.contribution is None:
        return empty_figure(
            "The contribution comes with the model. Train it on the Integrate page."
        )
    return contribution_violin(
        section.contribution,
        section.look.labels,
        names=section.look.names,
        colors=section.look.colors,
    )
