"""The runs side by side: what each was made with, and what it gave. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dash import html

from app import ids
from app.components import button, card, extra, message
from app.pages.integrate.routes import picture_url
from spatialmeta_core import keys
from spatialmeta_core.params import LossWeights, NetParams, TrainParams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dash.development.base_component import Component

    Run = Mapping[str, Any]

NONE: Final = "–"
OWN: Final = ("Made", "Clusters agree with those in use")  # differ always, which says nothing
# settings shown for every run; others are shown where runs differ or a default was changed
ALWAYS: Final = ("n_latent", "seed")
SETTING_NAMES: Final = {
    "n_latent": "Latent dimensions",
    "n_hidden": "Hidden units",
    "max_epochs": "Epochs, at most",
    "patience": "Patience (epochs)",
    "batch_size": "Batch size",
    "learning_rate": "Learning rate",
    "seed": "Random seed",
    "kl": "Weight of KL",
    "st": "Weight of genes",
    "sm": "Weight of metabolites",
    "mmd": "Weight of MMD",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the table needs beside the runs.

    Attributes
    ----------
    project
        Its id.
    joint
        Revision of the joint section.
    current
        Number of the run in use.
    agreement
        Adjusted Rand index of each run's clusters with those of the run in use, by number.
    """

    project: str
    joint: int
    current: int
    agreement: Mapping[int, float]


def runs_card(runs: Sequence[Run], shown: Shown) -> Component:
    """Return a table with one column per run, the newest first."""
    newest = sorted(runs, key=lambda run: -int(run["number"]))
    in_use = next(run for run in newest if run["number"] == shown.current)
    head = html.Tr([html.Td(), *(_head(run, shown) for run in newest)])
    rows = [
        html.Tr([html.Th(name, scope="row"), *(_cell(value(run), value(in_use)) for run in newest)])
        for name, value in _rows(newest, shown)
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="plain runs-table")
    notes = in_use["integration"]["summary"].get("notes", [])
    return card(
        "Runs",
        html.Div(table, className="runs-scroll", tabIndex=0),
        *(message("info", note) for note in notes),
        note="Every training is kept. The one in use is what the other screens show; bold values "
        "differ from it.",
    )


def _head(run: Run, shown: Shown) -> Component:
    number = run["number"]
    used = number == shown.current
    title = [html.Strong(f"Run {number}"), html.Span("in use", className="chip chip-done")]
    parts: list[Any] = [html.Div(title if used else title[:1], className="run-title")]
    if "clusters" in run:
        address = picture_url(shown.project, run["clusters"], view="tissue", joint=shown.joint)
        parts.append(html.Img(src=address, alt=f"Clusters of run {number} on the tissue"))
    if not used:
        parts.append(html.Div([_act("use", number), _act("delete", number)], className="run-acts"))
    return html.Th(parts, scope="col", className="run-head")


def _act(action: str, number: int) -> Component:
    label = {"use": "Use", "delete": "Delete"}[action]
    return button(
        label,
        id=ids.run_action(action, number),
        kind="secondary" if action == "use" else "quiet",
        title=f"{label} run {number}",
    )


def _cell(value: str, in_use: str) -> Component:
    return html.Td(value, className="run-differs" if in_use and value != in_use else "")


def _rows(runs: Sequence[Run], shown: Shown) -> list[tuple[str, Callable[[Run], str]]]:
    rows: list[tuple[str, Callable[[Run], str]]] = [("Made", _made), ("Clusters", _clusters)]
    if len(runs) > 1:
        rows.append(("Clusters agree with those in use", partial(_agreement, shown)))
    rows += [
        ("Quality, overall", _overall),
        ("Rebuilt, genes", partial(_rebuilt, keys.ST)),
        ("Rebuilt, metabolites", partial(_rebuilt, keys.SM)),
        ("Held-out loss", partial(_summary, "best_loss", "{:,.1f} per spot")),
        ("Epochs", _epochs),
        ("Spots", partial(_summary, "n_used", "{:,}")),
        ("Features", _features),
    ]
    rows += [(name, partial(_setting, key)) for key, name in _settings_to_show(runs)]
    return [
        *rows,
        ("Device", partial(_summary, "device", "{}")),
        ("Version", partial(_summary, "version", "{}")),
    ]


def _agreement(shown: Shown, run: Run) -> str:
    value = shown.agreement.get(int(run["number"]))
    return NONE if value is None else f"{value:.2f} (adjusted Rand)"


def _made(run: Run) -> str:
    return time.strftime("%d %b %H:%M", time.localtime(run["integration"]["created"]))


def _clusters(run: Run) -> str:
    if "clusters" not in run:
        return NONE
    summary = run["clusters"]["summary"]
    chosen = ", suggested" if summary.get("suggested") else ""
    return f"{summary['n_clusters']} (resolution {summary['resolution']:g}{chosen})"


def _rebuilt(kind: str, run: Run) -> str:
    """Mean correlation of rebuilt and measured values."""
    found = run.get("clusters", {}).get("summary", {}).get("rebuilt", {}).get(kind)
    return NONE if found is None else f"r = {found:.2f}"


def _overall(run: Run) -> str:
    found = run.get("clusters", {}).get("summary", {}).get("overall") or {}
    if found.get("model") is None:
        return NONE
    return f"{found['model']:.2f} (PCA {found['pca']:.2f})"


def _summary(key: str, form: str, run: Run) -> str:
    value = run["integration"]["summary"].get(key)
    return NONE if value is None else form.format(value)


def _epochs(run: Run) -> str:
    summary = run["integration"]["summary"]
    return f"{summary['epochs']}, best {summary['best_epoch']}"


def _features(run: Run) -> str:
    if "features" not in run:
        return NONE
    summary = run["features"]["summary"]
    return f"{summary['n_genes']:,} genes, {summary['n_metabolites']:,} metabolites"


def _settings_to_show(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Name the settings of ``ALWAYS``, and those that some run has not at their default."""
    changed = [
        key
        for key in _DEFAULTS
        if key in ALWAYS or any(_raw(run, key) not in (None, _DEFAULTS[key]) for run in runs)
    ]
    return [(key, SETTING_NAMES.get(key, key.replace("_", " "))) for key in changed]


def _setting(key: str, run: Run) -> str:
    value = _raw(run, key)
    if value is None:
        return NONE
    return f"{value:g}" if isinstance(value, float) else str(value)


def _raw(run: Run, key: str) -> Any:
    params = run["integration"]["params"]
    for part in ("net", "train", "weights"):
        if key in params.get(part, {}):
            return params[part][key]
    return None


def _all_defaults() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for values in (NetParams(), TrainParams(), LossWeights()):
        names = values.__dataclass_fields__
        found |= {name: getattr(values, name) for name in names}
    return found


_DEFAULTS: Final = _all_defaults()


def undo_bar(number: int) -> Component:
    """Say that a run was deleted and offer to bring it back."""
    return html.Div(
        [
            f"Run {number} deleted. ",
            button("Undo", id=ids.run_action("restore", number), kind="quiet"),
        ],
        className="message message-info",
        role="status",
        **extra({"aria-live": "polite"}),
    )
