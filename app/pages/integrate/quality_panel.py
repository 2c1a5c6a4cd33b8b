"""The quality of a run in words and numbers, beside principal components. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import html

from app.components import card, message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

    Row = Mapping[str, Any]

ALIKE: Final = 0.02  # of the scale from 0 to 1: smaller differences say nothing
VERDICTS: Final = {1: ("better", "good"), 0: ("alike", ""), -1: ("worse", "warn")}


def quality_card(quality: Mapping[str, Any], *, n_clusters: int) -> Component:
    """Return the card.

    Parameters
    ----------
    quality
        From ``app.steps.quality.quality_of``.
    n_clusters
        Of the clusters in use; it is said when others were measured.
    """
    if "problem" in quality:
        return card("Quality", message("info", quality["problem"], title="Not measured."))
    rows = [row for row in quality["rows"] if row["value"] is not None]
    missing = [row for row in quality["rows"] if row["value"] is None and row["kind"] == "score"]
    head = html.Tr([_head(""), _head("This run"), _head("PCA"), _head("")])
    table = html.Table(
        [html.Thead(head), html.Tbody([_line(row) for row in rows])], className="plain quality"
    )
    notes = [*_missing(missing), *quality["notes"]]
    if quality["n_clusters"] != n_clusters:
        notes.insert(0, f"Measured on the {quality['n_clusters']} clusters found after training.")
    return card(
        "Quality",
        html.P(_verdict(rows), className="quality-verdict"),
        html.Details([html.Summary("All metrics"), table, *(_note(note) for note in notes)]),
        note=f"Compared with {quality['baseline']} (PCA).",
    )


def _head(text: str) -> Component:
    return html.Th(text, scope="col", className="num" if text else "")


def _verdict(rows: Sequence[Row]) -> list[Any]:
    """Sum up the scores in one sentence per outcome."""
    scores = [
        row for row in rows if row["kind"] == "score" and row["part_of"] not in ("", "overall")
    ]
    parts: list[Any] = []
    for sign, (word, _level) in VERDICTS.items():
        mine = [_named(row) for row in scores if _sign(row) == sign]
        if mine:
            parts += [html.Strong(f"{word.capitalize()} than PCA: " if sign else "Like PCA: ")]
            parts += [", ".join(mine), ". "]
    return parts


def _named(row: Row) -> str:
    return f"{row['name'].lower()} ({row['value']:.2f}, PCA {_number(row['baseline'])})"


def _line(row: Row) -> Component:
    sign = _sign(row)
    word, level = VERDICTS[sign] if sign is not None else ("", "")
    score = row["kind"] == "score"
    better = "lower is better" if row["better"] == "lower" else "higher is better"
    return html.Tr(
        [
            html.Th(row["name"], scope="row"),
            html.Td(_number(row["value"]), className="num"),
            html.Td(_number(row["baseline"]), className="num"),
            html.Td(word, className=f"quality-{level}" if level else "muted"),
        ],
        className="quality-score" if score else "quality-metric",
        title=f"{row['meaning']} {better.capitalize()}.",
    )


def _sign(row: Row) -> int | None:
    """Whether the run is better (1), alike (0) or worse (-1); None where that is not known."""
    ours, peer = row["scaled"], row["baseline_scaled"]
    if ours is None or peer is None:
        return None
    return int(ours - peer > ALIKE) - int(peer - ours > ALIKE)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"  # noqa: PLR2004


def _missing(rows: Sequence[Row]) -> list[str]:
    return [f"{row['name']} needs {row['needs']}." for row in rows if row["needs"]]


def _note(text: str) -> Component:
    return html.P(text, className="card-note")
