"""What a slot of the data screen shows, from the artefact's record and the job rows. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app import ids
from app.components import check_list, job_cards, message
from app.downloads import file_url
from app.pages.data.checks import area_mm2
from app.pages.data.layout import NAMES
from app.state import ACTIVE_STATES, unconfirmed
from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

ACCEPT: Final = {
    "st": ".zip,.gz,.tgz,.h5ad",
    "sm": ".csv,.tsv,.txt,.gz,.zip,.h5ad",
}
FORMATS: Final = {
    "st": "Space Ranger's outs folder as .zip or .tar.gz, or an .h5ad file with raw counts",
    "sm": "A table of x, y and one column per m/z (.csv, .tsv, .txt, also .gz), or an .h5ad file",
}
SPOTS: Final = {"st": "Spots", "sm": "Pixels"}
FEATURES: Final = {"st": "Genes", "sm": "m/z values"}
STANDARD: Final = (
    "Aligns the outlines automatically, averages metabolites onto the spots, chooses features, "
    "trains the model and clusters: some minutes for a few thousand spots. Every step can be "
    "changed and repeated afterwards."
)


def import_jobs(rows: Sequence[Mapping[str, Any]] | None, slot: str) -> list[Mapping[str, Any]]:
    """Return the job rows that fill a slot, newest first."""
    return [row for row in rows or () if row["kind"] in (f"import_{slot}", "demo")]


def is_reading(rows: Sequence[Mapping[str, Any]] | None, slot: str) -> bool:
    """Whether a slot is being filled."""
    return any(row["state"] in ACTIVE_STATES for row in import_jobs(rows, slot))


def questions(rows: Sequence[Mapping[str, Any]] | None, slot: str) -> dict[str, list[str]]:
    """Return what the user must say so that the last file can be read: names and options."""
    last = next(iter(import_jobs(rows, slot)), None)
    if last is None or last["state"] != "failed":
        return {}
    choices = last["error"].get("choices", {})
    return {name: choices[name] for name in ("columns", "decimal") if name in choices}


def sample_options(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the samples of a file that was uploaded and holds several, for a select."""
    if "upload_id" not in facts:
        return []
    return [
        {"value": item["name"], "label": _with_count(item)} for item in facts.get("samples", [])
    ]


def _with_count(sample: Mapping[str, Any]) -> str:
    n_spots = int(sample["n_spots"])
    return f"{sample['name']} ({counted(n_spots, 'spot')})" if n_spots else str(sample["name"])


def blocking(record: Mapping[str, Any] | None) -> bool:
    """Whether the check report names a problem that must be solved first."""
    return bool(record) and any(
        item["level"] == "error" for item in (record or {})["summary"]["check"]
    )


def drop_zone(project: str, slot: str) -> Component:
    """Return the place to drop a file; ``upload.js`` makes it work."""
    wiring: dict[str, Any] = {
        "data-upload-url": f"/api/projects/{project}/uploads",
        "data-purpose": slot,
        "data-store-id": ids.data_part(slot, "upload"),
        "data-accept": ACCEPT[slot],
        "data-label": f"{NAMES[slot]} file",
    }
    return html.Div(
        [
            html.P([html.Strong("Drop a file here"), " or click to choose one"]),
            html.P(FORMATS[slot], className="card-note"),
        ],
        className="dropzone",
        key=f"{project}-{slot}",  # another project gets a fresh one
        **wiring,
    )


def state_chip(
    record: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]] | None, slot: str
) -> Component:
    """Return the word for where a slot stands."""
    if is_reading(rows, slot):
        return html.Span("reading", className="chip chip-running")
    if record is None:
        return html.Span("empty", className="chip")
    if record["summary"].get("confirmed"):
        return html.Span("looks right", className="chip chip-good")
    return html.Span("needs review", className="chip chip-warn")


def notices(
    record: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]] | None, slot: str
) -> list[Component]:
    """Return the job under way, or why the last file could not be read."""
    cards = job_cards(rows, (f"import_{slot}",))
    last = next(iter(import_jobs(rows, slot)), None)
    if cards and record is not None and last and last["state"] in ("failed", "stopped"):
        kept = f"The file that was there before is kept: {record['summary']['source']}."
        cards.append(message("info", kept))
    return cards


def view(project: str, slot: str, record: Mapping[str, Any]) -> list[Component]:
    """Return picture, facts and tick list of what was read."""
    facts = record["summary"]
    report = facts["check"]
    passed = [item for item in report if item["level"] == "ok"]
    return [
        html.Div([_picture(project, slot, record), _facts(slot, record)], className="data-seen"),
        check_list(sorted((i for i in report if i["level"] != "ok"), key=_by_weight)),
        html.Details(
            [
                html.Summary(f"{counted(len(passed), 'check')} passed"),
                check_list(passed),
            ],
            className="data-report",
        ),
    ]


def _by_weight(item: Mapping[str, str]) -> bool:
    return item["level"] != "error"  # problems first


def _picture(project: str, slot: str, record: Mapping[str, Any]) -> Component:
    facts = record["summary"]

    def url(name: str) -> str:
        return file_url(project, slot, record["revision"], name)

    if any(item.get("code") == "E-09" for item in facts["check"]):
        what = "Histology (framed) and spots (rings) as the scale factor places them"
        return html.Figure(
            [html.Img(src=url("whole.jpg"), alt=what), html.Figcaption(what)],
            className="data-picture data-picture-st",
        )
    if slot == "sm" or not facts.get("image"):
        what = "Total intensity per pixel" if slot == "sm" else "Total counts per spot, log scale"
        scale = html.Span(
            ["low", html.Span(className="data-ramp"), "high"], className="data-legend"
        )
        return html.Figure(
            [
                html.Img(src=url("map.png"), alt=f"{what}, x to the right and y down"),
                html.Figcaption([what, scale]),
            ],
            className=f"data-picture data-picture-{slot}",
        )
    return html.Figure(
        [
            html.Div(
                [
                    html.Img(src=url("image.jpg"), alt="Histology as stored in the file"),
                    html.Img(
                        src=url("spots.png"),
                        alt=f"{counted(facts['n_spots'], 'spot')} drawn as rings",
                        className="data-overlay",
                    ),
                ],
                className="data-stack",
                # the room is there before the pictures are: nothing below or beside moves
                style={"aspectRatio": f"{facts['image']['width']} / {facts['image']['height']}"},
            ),
            html.Figcaption(
                [
                    dcc.Checklist(
                        id={"type": "data-rings", "slot": slot},
                        options=[{"label": "Show the spots", "value": "on"}],
                        value=["on"],
                        className="data-toggle",
                    )
                ]
            ),
        ],
        className="data-picture",
    )


def _facts(slot: str, record: Mapping[str, Any]) -> Component:
    facts = record["summary"]
    area = area_mm2(slot, facts)
    rows: list[tuple[str, Any]] = [
        ("File", facts["source"]),
        *([("Sample", facts["sample"])] if facts.get("samples") else []),
        (SPOTS[slot], f"{facts['n_spots']:,}"),
        (FEATURES[slot], f"{facts['n_features']:,}"),
    ]
    if slot == "st":
        image = facts.get("image")
        size = f"{image['width']:,} × {image['height']:,} px" if image else "none"
        rows += [("Histology", size), ("Pixel size", _pixel_size(facts))]
    else:
        rows += [("Polarity", facts.get("polarity") or "not stated")]
        rows += [("Raster step", _raster_step(facts))]
    rows.append(("Area", f"{area:.3g} mm²" if area else _amber("unknown")))
    rows.append(("Read", time.strftime("%d %b %Y, %H:%M", time.localtime(record["created"]))))
    return html.Dl(
        [part for name, value in rows for part in (html.Dt(name), html.Dd(value))],
        className="facts",
    )


def _pixel_size(facts: Mapping[str, Any]) -> Any:
    value = facts.get("um_per_px")
    if value is None:
        return _amber("unknown, distances are in px")
    source = "from the file" if facts.get("um_per_px_by_hand") is None else "entered by hand"
    return f"{value:.4g} µm per px, {source}"


def _raster_step(facts: Mapping[str, Any]) -> Any:
    if facts.get("step_um"):
        return f"{facts['step_um']:.4g} µm, entered by hand"
    step = facts.get("step")
    return f"{step:.4g} in the unit of the file" if step else _amber("unknown")


def _amber(text: str) -> Component:
    return html.Span(text, className="data-unknown")


def onward(
    manifest: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] | None
) -> tuple[bool, str]:
    """Tell whether all steps may be run now, and the line that says so."""
    if any(row["kind"] == "pipeline" and row["state"] in ACTIVE_STATES for row in rows or ()):
        return False, "All steps are running; this page can be closed."
    waiting = [NAMES[slot].lower() for slot in unconfirmed(manifest)]
    if waiting:
        loaded = all(slot in manifest["artefacts"] for slot in NAMES)
        first = "confirm above that both files look right" if loaded else "load both files"
        return False, f"{STANDARD} First {first}: {' and '.join(waiting)} to go."
    again = " Results that are there will be replaced." if "joint" in manifest["artefacts"] else ""
    return True, STANDARD + again
