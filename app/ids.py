"""Every component id of the app. Pattern ids come from functions."""

from __future__ import annotations

from typing import Any, Final

# shell
URL: Final = "url"
ROUTE: Final = "route"  # store: {"project": id or "", "page": name}
PROJECT: Final = "project"  # store: ProjectRef as JSON, or None
JOBS: Final = "jobs"  # store: the project's latest jobs
POLL: Final = "poll"
LAUNCHED: Final = "launched"
RAIL: Final = "rail"
TOPBAR_PROJECT: Final = "topbar-project"
TOPBAR_JOBS: Final = "topbar-jobs"
UNDO: Final = "undo"
REDO: Final = "redo"
HELP_BUTTON: Final = "help-button"
HELP: Final = "help"
STATUS: Final = "status"
ALERT: Final = "alert"
ALERT_TEXT: Final = "alert-text"

# home
HOME_NEW_NAME: Final = "home-new-name"
HOME_NEW: Final = "home-new"
HOME_DEMO: Final = "home-demo"
HOME_LIST: Final = "home-list"

# align: the overlay and what it talks through
ALIGN_SCENE: Final = "align-scene"  # store: which scene to draw, see pages/align/scene.py
ALIGN_MOUNTED: Final = "align-mounted"  # store: the scene that is drawn
ALIGN_OVERLAY: Final = "align-overlay"
ALIGN_CHANGE: Final = "align-change"  # store: a pose set in the browser, to be recorded
ALIGN_ACK: Final = "align-ack"  # store: the recorded one
ALIGN_POSE: Final = "align-pose"  # store: the pose in force and the views under review
ALIGN_DONE: Final = "align-done"  # store: last browser-side action, for nobody
ALIGN_BODY: Final = "align-body"
ALIGN_MESSAGES: Final = "align-messages"
ALIGN_STATE: Final = "align-state"
# align: tools
ALIGN_UNDO: Final = "align-undo"
ALIGN_REDO: Final = "align-redo"
ALIGN_FIT: Final = "align-fit"
ALIGN_RESET: Final = "align-reset"
ALIGN_FLIP_X: Final = "align-flip-x"
ALIGN_FLIP_Y: Final = "align-flip-y"
ALIGN_LEFT: Final = "align-left"
ALIGN_RIGHT: Final = "align-right"
ALIGN_ANGLE: Final = "align-angle"
ALIGN_SCALE_X: Final = "align-scale-x"
ALIGN_SCALE_Y: Final = "align-scale-y"
ALIGN_SHIFT_X: Final = "align-shift-x"
ALIGN_SHIFT_Y: Final = "align-shift-y"
ALIGN_FLIPPED: Final = "align-flipped"
ALIGN_UNIT: Final = "align-unit"
ALIGN_LOCK: Final = "align-lock"
ALIGN_OPACITY: Final = "align-opacity"
ALIGN_SIZE: Final = "align-size"
ALIGN_LAYERS: Final = "align-layers"
ALIGN_TINT: Final = "align-tint"
ALIGN_TINT_NOTE: Final = "align-tint-note"
# align: score, automatic fit, review
ALIGN_SCORE: Final = "align-score"
ALIGN_JUDGE: Final = "align-judge"
ALIGN_USE: Final = "align-use"
ALIGN_TARGET: Final = "align-target"
ALIGN_TRANSFORM: Final = "align-transform"
ALIGN_WARP: Final = "align-warp"
ALIGN_EIGHT: Final = "align-eight"
ALIGN_AUTO: Final = "align-auto"
ALIGN_SCRATCH: Final = "align-scratch"
ALIGN_JOBS: Final = "align-jobs"
ALIGN_REVIEW: Final = "align-review"
ALIGN_REVIEW_BODY: Final = "align-review-body"
ALIGN_VIEW: Final = "align-view"
ALIGN_VIEW_TITLE: Final = "align-view-title"
ALIGN_ACCEPT: Final = "align-accept"
ALIGN_REJECT: Final = "align-reject"
ALIGN_SAVE: Final = "align-save"
ALIGN_LOAD: Final = "align-load"
ALIGN_DOWNLOAD: Final = "align-download"
# align: panes and steps
ALIGN_PANES: Final = "align-panes"
ALIGN_PANES_TOGGLE: Final = "align-panes-toggle"
ALIGN_PANE_MSI: Final = "align-pane-msi"
ALIGN_PANE_HE: Final = "align-pane-he"
ALIGN_STEPS: Final = ("rough", "landmarks", "automatic", "warp")  # in order of work
ALIGN_SAME: Final = "align-same"
ALIGN_ORIENTATIONS: Final = "align-orientations"
ALIGN_FINE: Final = "align-fine"
ALIGN_TERMS: Final = "align-terms"
ALIGN_OUTLINE_WEIGHT: Final = "align-outline-weight"
ALIGN_HISTOLOGY_WEIGHT: Final = "align-histology-weight"
ALIGN_FEATURE_WEIGHT: Final = "align-feature-weight"
# align: poses from elsewhere
ALIGN_COPY: Final = "align-copy"
ALIGN_PASTE: Final = "align-paste"
ALIGN_COPIED: Final = "align-copied"
ALIGN_OTHER: Final = "align-other"
ALIGN_BORROWED: Final = "align-borrowed"  # store: the pose of another project
# align: landmarks
ALIGN_LANDMARKS_PLACE: Final = "align-landmarks-place"
ALIGN_LANDMARKS_TABLE: Final = "align-landmarks-table"  # filled in the browser
ALIGN_LANDMARKS_SAY: Final = "align-landmarks-say"  # likewise: what to click next
ALIGN_LANDMARKS_FIT: Final = "align-landmarks-fit"
ALIGN_LANDMARKS_CLEAR: Final = "align-landmarks-clear"
ALIGN_LANDMARKS_ASKED: Final = "align-landmarks-asked"  # store: a fit asked for, settled
ALIGN_LANDMARKS_ERRORS: Final = "align-landmarks-errors"  # store: distances left, per pair
ALIGN_LANDMARKS_NOTE: Final = "align-landmarks-note"
ALIGN_LANDMARKS_DONE: Final = "align-landmarks-done"  # store: last browser-side action, for nobody
ALIGN_LANDMARKS_CSV: Final = "align-landmarks-csv"
ALIGN_LANDMARKS_JSON: Final = "align-landmarks-json"
ALIGN_LANDMARKS_LOAD: Final = "align-landmarks-load"
ALIGN_LANDMARKS_DOWNLOAD: Final = "align-landmarks-download"
# align: outline of the metabolomics section
ALIGN_OUTLINE_CLOSING: Final = "align-outline-closing"
ALIGN_OUTLINE_PIECES: Final = "align-outline-pieces"
ALIGN_OUTLINE_BY_TOTAL: Final = "align-outline-by-total"
ALIGN_OUTLINE_TOTAL: Final = "align-outline-total"
ALIGN_OUTLINE_TOTAL_BOX: Final = "align-outline-total-box"
ALIGN_OUTLINE_SAY: Final = "align-outline-say"  # filled in the browser
ALIGN_OUTLINE_RESET: Final = "align-outline-reset"
ALIGN_OUTLINE_DONE: Final = "align-outline-done"  # store: last browser-side action, for nobody
# align: reassignment
REASSIGN_K: Final = "reassign-k"
REASSIGN_FACTOR: Final = "reassign-factor"
REASSIGN_METHOD: Final = "reassign-method"
REASSIGN_DIRECTION: Final = "reassign-direction"
REASSIGN_DIAMETER: Final = "reassign-diameter"
REASSIGN_HELP: Final = "reassign-help"
REASSIGN_NEAR: Final = "reassign-near"  # what the methods by distance need
REASSIGN_AREA: Final = "reassign-area"  # what the method by area needs
REASSIGN_MAP_TITLE: Final = "reassign-map-title"
REASSIGN_DISTANCES_TITLE: Final = "reassign-distances-title"
STABILITY_RUN: Final = "stability-run"
STABILITY_JOBS: Final = "stability-jobs"
STABILITY_STATE: Final = "stability-state"
REASSIGN_RUN: Final = "reassign-run"
REASSIGN_JOBS: Final = "reassign-jobs"
REASSIGN_STATE: Final = "reassign-state"
REASSIGN_PREVIEW: Final = "reassign-preview"
REASSIGN_MAP: Final = "reassign-map"
REASSIGN_DISTANCES: Final = "reassign-distances"


def align_step(name: str) -> str:
    """Button of one of the ``ALIGN_STEPS``."""
    return f"align-step-{name}"


def align_panel(name: str) -> str:
    """Panel of one of the ``ALIGN_STEPS``."""
    return f"align-panel-{name}"


def launch(page: str) -> dict[str, str]:
    """Store of a page that holds ``{"jobs": [ids]}`` to be turned into processes."""
    return {"type": "launch", "page": page}


def job_action(action: str, job: str) -> dict[str, str]:
    """Button that asks something of a job."""
    return {"type": "job-action", "action": action, "job": job}


def run_action(action: str, number: int) -> dict[str, Any]:
    """Button that does something with a run of the model."""
    return {"type": "run-action", "action": action, "number": number}


def home_delete(project: str) -> dict[str, str]:
    """Button that moves a project to the bin."""
    return {"type": "home-delete", "project": project}


def pattern(kind: str, **parts: Any) -> dict[str, Any]:
    """Wildcard form of a pattern id, for ``Input`` and ``Output``."""
    return {"type": kind, **parts}


# integrate
INTEGRATE_STATE: Final = "integrate-state"
INTEGRATE_N_GENES: Final = "integrate-n-genes"
INTEGRATE_N_METABOLITES: Final = "integrate-n-metabolites"
INTEGRATE_MORAN_NEIGHBORS: Final = "integrate-moran-neighbors"
INTEGRATE_FEATURES: Final = "integrate-features"
INTEGRATE_FEATURES_SUMMARY: Final = "integrate-features-summary"
INTEGRATE_PRESET: Final = "integrate-preset"
INTEGRATE_EPOCHS: Final = "integrate-epochs"
INTEGRATE_PATIENCE: Final = "integrate-patience"
INTEGRATE_LATENT: Final = "integrate-latent"
INTEGRATE_HIDDEN: Final = "integrate-hidden"
INTEGRATE_BATCH: Final = "integrate-batch"
INTEGRATE_RATE: Final = "integrate-rate"
INTEGRATE_WEIGHT_ST: Final = "integrate-weight-st"
INTEGRATE_WEIGHT_SM: Final = "integrate-weight-sm"
INTEGRATE_WEIGHT_KL: Final = "integrate-weight-kl"
INTEGRATE_SEED: Final = "integrate-seed"
INTEGRATE_DEVICE: Final = "integrate-device"
INTEGRATE_TRAIN: Final = "integrate-train"
INTEGRATE_RESOLUTION: Final = "integrate-resolution"
INTEGRATE_NEIGHBORS: Final = "integrate-neighbors"
INTEGRATE_CLUSTER: Final = "integrate-cluster"
INTEGRATE_JOBS: Final = "integrate-jobs"
INTEGRATE_LOSSES: Final = "integrate-losses"
INTEGRATE_LOSS_GRAPH: Final = "integrate-loss-graph"
INTEGRATE_RESULT: Final = "integrate-result"
INTEGRATE_RUNS: Final = "integrate-runs"
INTEGRATE_RUNS_NOTE: Final = "integrate-runs-note"
INTEGRATE_CLUSTERS: Final = "integrate-clusters"
INTEGRATE_GRID: Final = "integrate-grid"
INTEGRATE_GRID_WORDS: Final = "integrate-grid-words"
INTEGRATE_GRID_USE: Final = "integrate-grid-use"
INTEGRATE_MAPS: Final = "integrate-maps"
INTEGRATE_VIOLIN: Final = "integrate-violin"
INTEGRATE_QUALITY: Final = "integrate-quality"
INTEGRATE_FORECAST: Final = "integrate-forecast"
INTEGRATE_ESTIMATE: Final = "integrate-estimate"
INTEGRATE_WEIGHT_MMD: Final = "integrate-weight-mmd"
INTEGRATE_WEIGHTS: Final = "integrate-weights"
INTEGRATE_TRAIN_ON: Final = "integrate-train-on"
INTEGRATE_ST_LOSS: Final = "integrate-st-loss"
INTEGRATE_SM_LOSS: Final = "integrate-sm-loss"
INTEGRATE_NORMALIZE: Final = "integrate-normalize"
INTEGRATE_DECODERS: Final = "integrate-decoders"
INTEGRATE_SEPARATE: Final = "integrate-separate"
INTEGRATE_METHOD: Final = "integrate-method"

# export
EXPORT_STATE: Final = "export-state"
EXPORT_START: Final = "export-start"
EXPORT_JOBS: Final = "export-jobs"
EXPORT_READY: Final = "export-ready"
EXPORT_CODE: Final = "export-code"
EXPORT_METHODS: Final = "export-methods"
EXPORT_DOWNLOAD: Final = "export-download"
EXPORT_GEOJSON: Final = "export-geojson"
EXPORT_RECIPE: Final = "export-recipe"
EXPORT_ALIGNMENT: Final = "export-alignment"

# explore: stores
EXPLORE_SCENE: Final = "explore-scene"  # what is on the canvas: project, revisions, addresses
EXPLORE_COLOR: Final = "explore-color"  # color key, see pages/explore/paint.py
EXPLORE_PAINTED: Final = "explore-painted"  # how the canvas is colored now, from the browser
EXPLORE_REPORTS: Final = "explore-reports"  # queue of drawings, see pages/explore/events.py
EXPLORE_HANDLED: Final = "explore-handled"  # ids of the reports that are saved
EXPLORE_SELECTED: Final = "explore-selected"  # id of the region and of the trajectory looked at
EXPLORE_BOARD: Final = "explore-board"  # what is drawn: changes when the drawings do
EXPLORE_OVERLAY: Final = "explore-overlay"  # shapes and labels for the canvas
EXPLORE_SHOWN: Final = "explore-shown"  # last browser-side action, for nobody
EXPLORE_PICKED: Final = "explore-picked"  # a curve chosen in the browser: {"feature", "at"}
EXPLORE_CURVES: Final = "explore-curves"  # features of the gradient chart; empty: the strongest
EXPLORE_RANKED: Final = "explore-ranked"  # the map whose features are ranked for marker tests
EXPLORE_PICTURE: Final = "explore-picture"  # what to put into a figure file
EXPLORE_DOWNLOAD: Final = "explore-download"
EXPLORE_SECOND: Final = "explore-second"  # store: the second feature of a blend, as a color key
EXPLORE_RANGE: Final = "explore-range"  # store: ends of the color scale set by hand
EXPLORE_EDITED: Final = "explore-edited"  # store: when the clusters were edited last
EXPLORE_PINNED: Final = "explore-pinned"  # store: the spot pinned in the browser
# explore: layers, clusters and their markers
EXPLORE_LAYER: Final = "explore-layer"
EXPLORE_WITH: Final = "explore-with"
EXPLORE_WITH_FOUND: Final = "explore-with-found"
EXPLORE_AGREEMENT: Final = "explore-agreement"
EXPLORE_COMPARE: Final = "explore-compare-layers"
EXPLORE_CLUSTERS: Final = "explore-clusters"
EXPLORE_CLUSTERS_BOX: Final = "explore-clusters-box"
EXPLORE_GRID: Final = "explore-grid"
EXPLORE_GRID_BOX: Final = "explore-grid-box"
EXPLORE_GRID_WORDS: Final = "explore-grid-words"
EXPLORE_MERGE: Final = "explore-merge"
EXPLORE_TABS: Final = "explore-tabs"
EXPLORE_TOP: Final = "explore-top"  # figure of the markers per cluster
EXPLORE_TOP_BOX: Final = "explore-top-box"
EXPLORE_TOP_EMPTY: Final = "explore-top-empty"
EXPLORE_TOP_TABLE: Final = "explore-top-table"
EXPLORE_TOP_CLUSTER: Final = "explore-top-cluster"
EXPLORE_TOP_ONLY: Final = "explore-top-only"
EXPLORE_TOP_VIEW: Final = "explore-top-view"
EXPLORE_MIN_FC: Final = "explore-min-fc"
EXPLORE_MAX_Q: Final = "explore-max-q"
EXPLORE_N_GENES: Final = "explore-n-genes"
EXPLORE_N_METABOLITES: Final = "explore-n-metabolites"
EXPLORE_TOP_ROWS: Final = "explore-top-rows"  # store: order and length of the table
EXPLORE_TOP_DOWNLOAD: Final = "explore-top-download"
EXPLORE_TOP_CSV: Final = "explore-top-csv"
EXPLORE_VIOLIN: Final = "explore-violin"
EXPLORE_SMALL: Final = "explore-small"  # small multiples
EXPLORE_SMALL_LIST: Final = "explore-small-list"  # store: one asked for in the browser
EXPLORE_SMALL_SHOWN: Final = "explore-small-shown"  # store: features chosen for small maps
EXPLORE_SMALL_FIND: Final = "explore-small-find"
EXPLORE_SMALL_FOUND: Final = "explore-small-found"
EXPLORE_SMALL_RESET: Final = "explore-small-reset"
EXPLORE_PDF: Final = "explore-pdf"
EXPLORE_WIDTH: Final = "explore-figure-width"
# explore: canvas
EXPLORE_BODY: Final = "explore-body"
EXPLORE_EMPTY: Final = "explore-empty"
EXPLORE_MESSAGES: Final = "explore-messages"
EXPLORE_TISSUE: Final = "explore-tissue"
EXPLORE_UMAP: Final = "explore-umap"
EXPLORE_UMAP_BOX: Final = "explore-umap-box"
EXPLORE_UMAP_EMPTY: Final = "explore-umap-empty"
EXPLORE_CANVAS: Final = "explore-canvas"
EXPLORE_FACTS: Final = "explore-facts"
EXPLORE_LEGEND: Final = "explore-legend"
EXPLORE_FIND: Final = "explore-find"
EXPLORE_FOUND: Final = "explore-found"
EXPLORE_CLIP: Final = "explore-clip"
EXPLORE_LOG: Final = "explore-log"
EXPLORE_SCALE: Final = "explore-scale"
EXPLORE_SIZE: Final = "explore-size"
EXPLORE_OPACITY: Final = "explore-opacity"
EXPLORE_HISTOLOGY: Final = "explore-histology"
EXPLORE_IMAGE: Final = "explore-image"
EXPLORE_SVG: Final = "explore-svg"
EXPLORE_PNG: Final = "explore-png"
# explore: regions
EXPLORE_REGIONS: Final = "explore-regions"
EXPLORE_SUMMARY: Final = "explore-summary"
EXPLORE_REFERENCE: Final = "explore-reference"
EXPLORE_ONLY: Final = "explore-only"
EXPLORE_MARKERS_VIEW: Final = "explore-markers-view"
EXPLORE_MARKERS: Final = "explore-markers"
EXPLORE_MARKERS_BOX: Final = "explore-markers-box"
EXPLORE_VOLCANO: Final = "explore-volcano"
EXPLORE_MARKERS_CSV: Final = "explore-markers-csv"
EXPLORE_RING: Final = "explore-ring"
EXPLORE_RING_BOX: Final = "explore-ring-box"
EXPLORE_COMPARED: Final = "explore-compared"  # what the marker table compares, for the spatial p
EXPLORE_SPATIAL: Final = "explore-spatial"  # the comparison whose spatial p is known
EXPLORE_IMPORT: Final = "explore-import"
EXPLORE_GEOJSON: Final = "explore-geojson"
EXPLORE_LOUPE: Final = "explore-loupe"
EXPLORE_BARCODES: Final = "explore-barcodes"
# explore: trajectories
EXPLORE_PATHS: Final = "explore-paths"
EXPLORE_PATH_SUMMARY: Final = "explore-path-summary"
EXPLORE_GRADIENT: Final = "explore-gradient"
EXPLORE_GRADIENT_BOX: Final = "explore-gradient-box"
EXPLORE_CURVE_FIND: Final = "explore-curve-find"
EXPLORE_CURVE_FOUND: Final = "explore-curve-found"
EXPLORE_CURVES_RESET: Final = "explore-curves-reset"
EXPLORE_CURVE_LIST: Final = "explore-curve-list"
EXPLORE_SCREEN_VIEW: Final = "explore-screen-view"
EXPLORE_SCREEN_ONLY: Final = "explore-screen-only"
EXPLORE_SCREEN: Final = "explore-screen"
EXPLORE_GRADIENT_CSV: Final = "explore-gradient-csv"
EXPLORE_SCREEN_CSV: Final = "explore-screen-csv"
EXPLORE_WAY: Final = "explore-way"
EXPLORE_WAY_FROM: Final = "explore-way-from"
EXPLORE_WAY_TO: Final = "explore-way-to"
EXPLORE_AXIS: Final = "explore-axis"
EXPLORE_REACH: Final = "explore-reach"
EXPLORE_REACH_BOX: Final = "explore-reach-box"
EXPLORE_SCREENED: Final = "explore-screened"  # the axis whose screen has a spatial p
EXPLORE_HEATMAP: Final = "explore-heatmap"
EXPLORE_LAG: Final = "explore-lag"
EXPLORE_LAGS: Final = "explore-lags"
EXPLORE_LAGS_CSV: Final = "explore-lags-csv"
EXPLORE_GRADIENT_SVG: Final = "explore-gradient-svg"
EXPLORE_GRADIENT_PNG: Final = "explore-gradient-png"


def explore_tool(name: str) -> str:
    """Button of the canvas: a drawing tool, or something done to the view."""
    return f"explore-tool-{name}"


def explore_item(action: str, item: str) -> dict[str, str]:
    """Button that does something to a region or trajectory."""
    return {"type": "explore-item", "action": action, "item": item}


def explore_color(color: str, item: str) -> dict[str, str]:
    """Button that gives a region or trajectory a color."""
    return {"type": "explore-item-color", "color": color, "item": item}


def explore_name(item: str) -> dict[str, str]:
    """Box with the name of a region or trajectory."""
    return {"type": "explore-item-name", "item": item}


def explore_width(item: str) -> dict[str, str]:
    """Box with the width of a trajectory's swath."""
    return {"type": "explore-item-width", "item": item}


def explore_cluster(action: str, cluster: int) -> dict[str, Any]:
    """Button, box or color of a cluster, by the cluster's number."""
    return {"type": f"explore-cluster-{action}", "cluster": cluster}


def explore_kind(item: str) -> dict[str, str]:
    """Box for the class of a region."""
    return {"type": "explore-item-kind", "item": item}


def explore_clusters(item: str) -> dict[str, str]:
    """Choice of the clusters that a region is restricted to."""
    return {"type": "explore-item-clusters", "item": item}


def explore_other(item: str) -> dict[str, str]:
    """Choice of the region to combine one with."""
    return {"type": "explore-item-other", "item": item}


def explore_ring(item: str) -> dict[str, str]:
    """Box for the width of a ring around a region."""
    return {"type": "explore-item-ring", "item": item}


def explore_small_remove(feature: str) -> dict[str, str]:
    """Button that takes a small map out."""
    return {"type": "explore-small-remove", "feature": feature}


def explore_sort(table: str, column: str) -> dict[str, str]:
    """Heading that sorts a table."""
    return {"type": "explore-sort", "table": table, "column": column}


def explore_more(table: str) -> dict[str, str]:
    """Button that shows more rows of a table."""
    return {"type": "explore-more", "table": table}


# data: one row per slot, "st" and "sm"; see data_part
DATA_BANNER: Final = "data-banner"
DATA_PAIR: Final = "data-pair"
DATA_RUN: Final = "data-run"
DATA_RUN_NOTE: Final = "data-run-note"
DATA_NEXT: Final = "data-next"
DATA_PARTS: Final = (
    "upload",  # store: the file that has just arrived
    "replacing",  # store: whether the user asked for the drop zone again
    "seen",  # store: the revision on screen
    "state",
    "notices",
    "drop",
    "drop-box",
    "keep",
    "columns",
    "x-box",
    "x",
    "y-box",
    "y",
    "decimal-box",
    "decimal",
    "reread",
    "sample-box",
    "sample",
    "sample-set",
    "view",
    "size-box",
    "size",
    "size-set",
    "review",
    "ask",
    "confirm",
    "replace",
)


def data_part(slot: str, part: str) -> str:
    """Element ``part`` of the data screen's slot ``"st"`` or ``"sm"``."""
    return f"data-{slot}-{part}"


# home: the bin
HOME_BIN: Final = "home-bin"  # store: the project that was deleted last
HOME_BIN_NOTE: Final = "home-bin-note"
HOME_BIN_TEXT: Final = "home-bin-text"
HOME_UNDELETE: Final = "home-undelete"

# made by callbacks: in no layout, and no callback may name them
DRAWN: Final = (INTEGRATE_LOSS_GRAPH, INTEGRATE_VIOLIN)
