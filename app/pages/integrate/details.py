"""The settings that most users leave alone, and how they become parameters. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app import ids
from app.components import number_box
from spatialmeta_core.params import LossWeights, NetParams, TrainParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dash.development.base_component import Component

NET, TRAIN, WEIGHTS = NetParams(), TrainParams(), LossWeights()
# one weight per modality on the screen: the joint and the single reconstruction share it
PUBLISHED: Final = {
    "equal": WEIGHTS,
    "single": LossWeights.single(),
    "multi": LossWeights.multi(),
}

Options = tuple[tuple[Any, str], ...]


def fields() -> list[Component]:
    """Return the boxes in three groups."""
    return [
        _group(
            "Training",
            *_numbers(
                ("Epochs, at most", ids.INTEGRATE_EPOCHS, TRAIN.max_epochs, 1, 1),
                ("Patience (epochs)", ids.INTEGRATE_PATIENCE, TRAIN.patience, 1, 1),
                ("Batch size (spots)", ids.INTEGRATE_BATCH, TRAIN.batch_size, 2, 1),
                ("Learning rate", ids.INTEGRATE_RATE, TRAIN.learning_rate, 0, "any"),
                ("Random seed", ids.INTEGRATE_SEED, TRAIN.seed, 0, 1),
            ),
            choice(
                "Device",
                ids.INTEGRATE_DEVICE,
                "auto",
                (("auto", "GPU if present"), ("cpu", "CPU")),
            ),
        ),
        _group(
            "Model",
            *_numbers(
                ("Latent dimensions", ids.INTEGRATE_LATENT, NET.n_latent, 2, 1),
                ("Hidden units", ids.INTEGRATE_HIDDEN, NET.n_hidden, 1, 1),
            ),
            choice(
                "Learn from",
                ids.INTEGRATE_TRAIN_ON,
                NET.train_on,
                (("all", "Both modalities"), ("ST", "Genes only"), ("SM", "Metabolites only")),
            ),
            choice(
                "Decoders",
                ids.INTEGRATE_DECODERS,
                NET.shared_decoders,
                ((True, "Shared"), (False, "Independent")),
                "Whether the single-modality embeddings use the joint one's decoders",
            ),
            choice(
                "Metabolites",
                ids.INTEGRATE_NORMALIZE,
                NET.normalize_sm,
                ((True, "Normalize"), (False, "As given")),
                "Divide by the spot's total, take logarithms, standardize; or use as they are",
            ),
            choice(
                "Latent axes",
                ids.INTEGRATE_SEPARATE,
                TRAIN.separate,
                ((True, "Draw groups apart"), (False, "As trained")),
                "After training, stretch the directions that separate groups of spots",
            ),
        ),
        _group(
            "Losses",
            choice(
                "Genes",
                ids.INTEGRATE_ST_LOSS,
                NET.st_loss,
                (("zinb", "Zero-inflated NB"), ("nb", "Negative binomial"), ("mse", "Squared")),
            ),
            choice(
                "Metabolites",
                ids.INTEGRATE_SM_LOSS,
                NET.sm_loss,
                (("gaussian", "Gaussian"), ("zig", "Zero-inflated"), ("mse", "Squared")),
            ),
            choice(
                "Weights",
                ids.INTEGRATE_WEIGHTS,
                "equal",
                (
                    ("equal", "Equal"),
                    ("single", "Published, one sample"),
                    ("multi", "Published, several"),
                ),
                "Fills the four boxes; change them as you like",
            ),
            *_numbers(
                ("Weight of genes", ids.INTEGRATE_WEIGHT_ST, WEIGHTS.st, 0, "any"),
                ("Weight of metabolites", ids.INTEGRATE_WEIGHT_SM, WEIGHTS.sm, 0, "any"),
                ("Weight of KL", ids.INTEGRATE_WEIGHT_KL, WEIGHTS.kl, 0, "any"),
                ("Weight of MMD", ids.INTEGRATE_WEIGHT_MMD, WEIGHTS.mmd, 0, "any"),
            ),
        ),
    ]


def choice(label: str, id: str, value: Any, options: Options, help_text: str = "") -> Component:
    """Return a labeled drop-down."""
    menu = dcc.Dropdown(
        id=id,
        options=[{"label": name, "value": _text(key)} for key, name in options],
        value=_text(value),
        clearable=False,
        searchable=False,
    )
    return html.Label(
        [html.Span(label, className="field-label"), menu],
        className="field choice-field",
        title=help_text,
    )


def _group(title: str, *boxes: Component) -> Component:
    return html.Fieldset(
        [html.Legend(title), html.Div(boxes, className="row detail-boxes")],
        className="detail-group",
    )


def _numbers(*boxes: Sequence[Any]) -> list[Component]:
    return [
        number_box(label, id=box, value=value, low=low, step=step)
        for label, box, value, low, step in boxes
    ]


def _text(value: Any) -> str:
    """Return a choice as the text that a drop-down can hold."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def value_of(text: Any) -> Any:
    """Return what a box means: text of a choice, a number, or yes and no."""
    return {"yes": True, "no": False}.get(text, text) if isinstance(text, str) else text
