"""The integrate screen: choose features, train the model, cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import button, card, number_box
from spatialmeta_core.params import (
    ClusterParams,
    FeatureParams,
    LossWeights,
    NetParams,
    TrainParams,
)

if TYPE_CHECKING:
    from dash.development.base_component import Component

FEATURES, NET, TRAIN = FeatureParams(), NetParams(), TrainParams()
WEIGHTS, CLUSTER = LossWeights(), ClusterParams()
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
            html.Div(id=ids.INTEGRATE_LOSSES),
            html.Div(id=ids.INTEGRATE_RESULT),
        ],
        className="stack",
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
            {"label": f"{name} (at most {epochs} epochs)", "value": key}
            for key, (name, epochs, _patience) in PRESETS.items()
        ],
        value="standard",
        className="choices",
    )
    details = html.Details(
        [
            html.Summary("Details"),
            html.Div(_detail_boxes(), className="row detail-boxes"),
        ]
    )
    return card(
        "2 Train",
        presets,
        details,
        html.Div(
            [button("Train", id=ids.INTEGRATE_TRAIN, kind="primary")], className="row train-row"
        ),
        note="A conditional variational autoencoder that stops when it no longer improves. "
        "You can close the page: training continues.",
    )


def _detail_boxes() -> list[Component]:
    boxes = (
        ("Epochs, at most", ids.INTEGRATE_EPOCHS, TRAIN.max_epochs, 1, 1),
        ("Patience (epochs)", ids.INTEGRATE_PATIENCE, TRAIN.patience, 1, 1),
        ("Latent dimensions", ids.INTEGRATE_LATENT, NET.n_latent, 2, 1),
        ("Hidden units", ids.INTEGRATE_HIDDEN, NET.n_hidden, 1, 1),
        ("Batch size (spots)", ids.INTEGRATE_BATCH, TRAIN.batch_size, 2, 1),
        ("Learning rate", ids.INTEGRATE_RATE, TRAIN.learning_rate, 0, "any"),
        ("Weight of genes", ids.INTEGRATE_WEIGHT_ST, WEIGHTS.st, 0, "any"),
        ("Weight of metabolites", ids.INTEGRATE_WEIGHT_SM, WEIGHTS.sm, 0, "any"),
        ("Weight of KL", ids.INTEGRATE_WEIGHT_KL, WEIGHTS.kl, 0, "any"),
        ("Random seed", ids.INTEGRATE_SEED, TRAIN.seed, 0, 1),
    )
    device = html.Label(
        [
            html.Span("Device", className="field-label"),
            dcc.Dropdown(
                id=ids.INTEGRATE_DEVICE,
                options=[
                    {"label": "GPU if present", "value": "auto"},
                    {"label": "CPU", "value": "cpu"},
                ],
                value="auto",
                clearable=False,
                searchable=False,
            ),
        ],
        className="field device-field",
    )
    return [
        *(
            number_box(label, id=box, value=value, low=low, step=step)
            for label, box, value, low, step in boxes
        ),
        device,
    ]


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
