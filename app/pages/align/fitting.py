"""The automatic fit as a form: steps 3 and 4 of the page, and the parameters they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import State, dcc, html

from app import ids
from app.components import button, card, number_box
from app.pages.align.controls import choice
from spatialmeta_core.params import AlignParams, from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component

TARGETS: Final = {
    "auto": "Choose for me",
    "image": "Tissue in the image",
    "spots": "ST spots",
}
TRANSFORMS: Final = {
    "affine": "Freely",
    "similarity": "Evenly",
}
TERMS: Final = {"histology": "Histology", "features": "Genes and metabolites"}
WARPS: Final = {
    "nonrigid": "Allow a smooth local warp",
    "diffeomorphic": "Never fold, however strong (diffeomorphic)",
}
FIELDS: Final = {
    "target": (ids.ALIGN_TARGET, "value"),
    "transform": (ids.ALIGN_TRANSFORM, "value"),
    "warp": (ids.ALIGN_WARP, "value"),
    "terms": (ids.ALIGN_TERMS, "value"),
    "outline_weight": (ids.ALIGN_OUTLINE_WEIGHT, "value"),
    "histology_weight": (ids.ALIGN_HISTOLOGY_WEIGHT, "value"),
    "feature_weight": (ids.ALIGN_FEATURE_WEIGHT, "value"),
}
STATES: Final = {name: State(*where) for name, where in FIELDS.items()}


def params_of(form: Mapping[str, Any], *, same_section: bool, fine: bool = False) -> AlignParams:
    """Return what the form asks for.

    Parameters
    ----------
    form
        Values of the fields in ``FIELDS``.
    same_section
        Both sections are one: the fit only moves and turns.
    fine
        Ask for the local warp whatever the form says.

    Raises
    ------
    InvalidParamsError
        If a weight is out of range.
    """
    defaults = AlignParams()
    warp, terms = form["warp"] or (), form["terms"] or ()

    def weight(name: str, *, on: bool) -> float:
        value = form[name]
        return (1.0 if value is None else float(value)) if on else 0.0

    return from_dict(
        AlignParams,
        {
            "target": form["target"] or defaults.target,
            "transform": "rigid" if same_section else form["transform"] or defaults.transform,
            "nonrigid": not same_section and (fine or "nonrigid" in warp),
            "diffeomorphic": "diffeomorphic" in warp,
            "outline_weight": weight("outline_weight", on=True),
            "histology_weight": weight("histology_weight", on="histology" in terms),
            "feature_weight": weight("feature_weight", on="features" in terms),
        },
    )


def automatic_panel() -> Component:
    """Return step 3."""
    defaults = AlignParams()
    return card(
        "Automatic fit",
        choice("Fit to", ids.ALIGN_TARGET, TARGETS, defaults.target, inline=True),
        choice("Scaling", ids.ALIGN_TRANSFORM, TRANSFORMS, defaults.transform, inline=True),
        _terms(),
        html.Div(
            [
                button(
                    "Automatic",
                    id=ids.ALIGN_AUTO,
                    kind="primary",
                    title="Refine the pose shown; never flips the section",
                ),
                button(
                    "Automatic from scratch",
                    id=ids.ALIGN_SCRATCH,
                    title="Try every turn and flip, ignoring the pose shown",
                ),
            ],
            className="row",
        ),
        note="Fits the outlines, and landmarks where there are any. Nothing changes until you "
        "accept the result.",
    )


def fine_panel() -> Component:
    """Return step 4."""
    defaults = AlignParams()
    chosen = [name for name in WARPS if getattr(defaults, name)]
    return card(
        "Fine warp",
        dcc.Checklist(
            id=ids.ALIGN_WARP, options=WARPS, value=chosen, className="align-layers align-stacked"
        ),
        html.P(
            "Tissue stretches a little when it is cut and mounted. The warp bends the section "
            "until the outlines agree; inside, it only follows smoothly. Tick 'Warp grid' and "
            "'Uncertainty' below the overlay to see what it did.",
            className="card-note",
        ),
        button(
            "Fit the warp",
            id=ids.ALIGN_FINE,
            kind="primary",
            title="Refine the pose shown with a local warp",
        ),
        note="Part of 'Automatic' too, while it is allowed here.",
    )


def _terms() -> Component:
    weights = (
        ("Outline (λ1)", ids.ALIGN_OUTLINE_WEIGHT, "How much the outlines count; 0 turns them off"),
        ("Histology (λ2)", ids.ALIGN_HISTOLOGY_WEIGHT, "How much the histology counts where on"),
        ("Features (λ3)", ids.ALIGN_FEATURE_WEIGHT, "How much genes and metabolites count"),
    )
    boxes = [
        number_box(label, id=name, value=1.0, low=0, high=100, help_text=text)
        for label, name, text in weights
    ]
    return html.Fieldset(
        [
            html.Legend("Also use", className="field-label"),
            dcc.Checklist(
                id=ids.ALIGN_TERMS, options=TERMS, value=[], className="align-layers align-terms"
            ),
            html.P(
                "For round or mirror-symmetric tissue, whose outline fits several ways. They ask "
                "whether metabolites follow the stain or the genes at each placement; slower.",
                className="card-note",
            ),
            html.Details(
                [html.Summary("Advanced"), html.Div(boxes, className="align-weights")],
                className="align-advanced",
            ),
        ],
        className="field",
    )
