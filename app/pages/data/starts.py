"""Which job a click or a file on the data screen asks for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash.exceptions import PreventUpdate

from app import ids
from app.pages.data import panels
from app.pages.data.layout import SLOTS
from app.state import ANSWERS
from spatialmeta_core.errors import InvalidParamsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]] | None


def wanted(
    asked: str,
    given: Mapping[str, Mapping[str, Any]],
    rows: Rows,
    records: Mapping[str, Mapping[str, Any]],
) -> tuple[str, dict[str, Any]]:
    """Return the kind and parameters of the job that was asked for.

    Parameters
    ----------
    asked
        Id of the element that changed.
    given
        For each slot what its stores and boxes hold: ``upload``, ``x``, ``y``, ``decimal``,
        ``sample``.
    rows
        Job rows, newest first.
    records
        Artefacts of the project.

    Raises
    ------
    InvalidParamsError
        If an answer is missing.
    """
    if asked == ids.DATA_RUN:
        return "pipeline", {}
    for slot in SLOTS:
        kind = f"import_{slot}"
        if asked == ids.data_part(slot, "upload") and given[slot]["upload"]:
            return kind, {key: given[slot]["upload"][key] for key in ("upload_id", "name")}
        if asked == ids.data_part(slot, "reread"):
            return kind, _read_again(slot, given[slot], rows)
        if asked == ids.data_part(slot, "sample-set"):
            return kind, _other_sample(given[slot]["sample"], records[slot]["summary"])
    raise PreventUpdate


def _read_again(slot: str, given: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """Repeat the last import with the answers to what it asked."""
    open_questions = panels.questions(rows, slot)
    answers = {}
    if "columns" in open_questions:
        answers = {f"{axis}_column": given[axis] for axis in ("x", "y")}
        if not set(answers.values()) <= set(open_questions["columns"]):
            raise InvalidParamsError("Choose both columns, that of x and that of y.")
        if answers["x_column"] == answers["y_column"]:
            raise InvalidParamsError("Choose two different columns for x and y.")
    if "decimal" in open_questions:
        answers["decimal"] = given["decimal"]
        if answers["decimal"] not in open_questions["decimal"]:
            raise InvalidParamsError("Choose what the commas in the numbers are.")
    return {**panels.import_jobs(rows, slot)[0]["params"], **answers}


def _other_sample(sample: str | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    if not sample or sample == facts.get("sample"):
        raise PreventUpdate
    repeated = {key: facts[key] for key in ANSWERS if facts.get(key)}
    return {
        "upload_id": facts["upload_id"],
        "name": facts["source"],
        **repeated,
        "sample": sample,
    }
