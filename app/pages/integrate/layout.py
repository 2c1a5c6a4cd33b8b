"""The integrate screen: choose features, train the model, cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import button, card, number_box
from app.pages.integrate import details, maps_panel
from app.pages.integrate.forecast_panel import preset_label
from spatialmeta_core.params import ClusterParams, FeatureParams, TrainParams

if TYPE_CHECKING:
    from dash.development.base_component import Component

FEATURES, TRAIN, CLUSTER = FeatureParams(), TrainParams(), ClusterParams()
# preset: epochs at most, epochs without improvement before stopping
PRESETS: Final = {
    "quick": ("Quick look", 30, 8),
    "standard": ("Standard", TRAIN.max_epochs, TRAIN.patience),
    "thorough": ("Thorough", 3 * TRAIN.max_epochs, 2 * TRAIN.patience),
}


def layout() -> Component:
    """Return the page; results are filled by callbacks."""
    title = html.Div(
        [
            html.H1("Integrate"),
            html.P("Choose features, train one model of both modalities, and cluster its result."),
        ],
        className="page-title",
    )
    left = html.Div([_features(), _training(), _clusters()], className="stack")
    right = html.Div(
        [
            html.Div(id=ids.INTEGRATE_JOBS),
            html.Div(id=ids.INTEGRATE_LOSSES, className="losses"),
            html.Div(id=ids.INTEGRATE_RUNS_NOTE),
            html.Div(id=ids.INTEGRATE_RUNS),
            maps_panel.clusters_card(),
            html.Div(id=ids.INTEGRATE_RESULT),
            html.Div(id=ids.INTEGRATE_QUALITY),
        ],
        className="stack results",
    )
    return html.Div(
        [
            title,
            html.Div(id=ids.INTEGRATE_STATE),
            html.Div([left, right], className="columns integrate-columns"),
        ]
    )


def _features() -> Component:
    return card(
        "1 Features",
        html.Div(
            [
                number_box(
                    "Genes",
                    id=ids.INTEGRATE_N_GENES,
                    value=FEATURES.n_genes,
                    low=0,
                    step=1,
                    help_text="At most this many spatially variable genes",
                ),
                number_box(
                    "Metabolites",
                    id=ids.INTEGRATE_N_METABOLITES,
                    value=FEATURES.n_metabolites,
                    low=0,
                    step=1,
                    help_text="At most this many spatially variable m/z values",
                ),
                number_box(
                    "Neighbors",
                    id=ids.INTEGRATE_MORAN_NEIGHBORS,
                    value=FEATURES.n_neighbors,
                    low=1,
                    step=1,
                    help_text="Spots around each spot that Moran's I compares it with",
                ),
                details.choice(
                    "Choose by",
                    ids.INTEGRATE_METHOD,
                    FEATURES.method,
                    (
                        ("spatially_variable", "Spatial pattern"),
                        ("highly_variable", "Variance"),
                    ),
                    "Moran's I of the tissue, or dispersion whatever the positions",
                ),
                button("Choose features", id=ids.INTEGRATE_FEATURES),
            ],
            className="row",
        ),
        html.Div(id=ids.INTEGRATE_FEATURES_SUMMARY),
        note="Spatially variable ones by Moran's I, up to these numbers.",
    )


def _training() -> Component:
    presets = dcc.RadioItems(
        id=ids.INTEGRATE_PRESET,
        options=[
            {"label": preset_label(name, epochs, None), "value": key}
            for key, (name, epochs, _patience) in PRESETS.items()
        ],
        value="standard",
        className="choices",
    )
    forecast = html.Div(
        [
            html.Span(id=ids.INTEGRATE_FORECAST, role="status"),
            button(
                "Estimate time",
                id=ids.INTEGRATE_ESTIMATE,
                kind="quiet",
                title="Time a few training steps with the present settings on this machine",
            ),
        ],
        className="forecast note",
    )
    return card(
        "2 Train",
        presets,
        forecast,
        html.Details([html.Summary("Details"), *details.fields()]),
        html.Div(
            [button("Train", id=ids.INTEGRATE_TRAIN, kind="primary")], className="row train-row"
        ),
        note="A conditional variational autoencoder that stops when it no longer improves. "
        "You can close the page: training continues.",
    )


def _clusters() -> Component:
    return card(
        "3 Clusters",
        html.Div(
            [
                number_box(
                    "Resolution",
                    id=ids.INTEGRATE_RESOLUTION,
                    value=CLUSTER.resolution,
                    low=0.01,
                    step="any",
                    help_text="Higher gives more clusters; empty: the most repeatable ones",
                ),
                number_box(
                    "Neighbors",
                    id=ids.INTEGRATE_NEIGHBORS,
                    value=CLUSTER.n_neighbors,
                    low=2,
                    step=1,
                ),
                button("Cluster again", id=ids.INTEGRATE_CLUSTER),
            ],
            className="row",
        ),
        note="Leiden clusters and UMAP of the trained embedding; made after training, too.",
    )
