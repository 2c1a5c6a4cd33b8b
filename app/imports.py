"""The steps that bring data in: uploaded files and the simulated section."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app import placement, stills, uploads
from app.state import ANSWERS
from spatialmeta_core import geometry, io, keys, simulate
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    import anndata as ad

    from app.context import StepContext
    from spatialmeta_core.types import CheckItem

SECTION: Final = "section"  # name of a project's sample


def import_st(context: StepContext) -> str:
    """Read an uploaded ST file, check it, and make it the project's ST section."""
    path, name = _uploaded(context)
    context.report(0.1, f"Reading {name}")
    limit = context.settings.max_unpacked_bytes
    with uploads.named(path, name):
        adata = io.read_st(path, **_options(context, "st"), max_bytes=limit)
    context.report(0.7, "Checking")
    by_hand = context.params.get("um_per_px")  # a recipe repeats what the user entered
    extra = {} if by_hand is None else {"um_per_px": by_hand, "um_per_px_by_hand": by_hand}
    _commit_st(context, adata, name, **_answers(context), **extra)
    _forget_replaced(context)
    spots, genes = counted(adata.n_obs, "spot"), counted(adata.n_vars, "gene")
    return f"{spots} and {genes} read from {name}"


def import_sm(context: StepContext) -> str:
    """Read an uploaded SM file, check it, and make it the project's SM section."""
    path, name = _uploaded(context)
    context.report(0.1, f"Reading {name}")
    options = {**_options(context, "sm"), "decimal": context.params.get("decimal")}
    limit = context.settings.max_unpacked_bytes
    with uploads.named(path, name):
        adata = io.read_sm(path, **options, max_bytes=limit)
    context.report(0.7, "Checking")
    _commit_sm(context, adata, name, **_answers(context))
    _forget_replaced(context)
    pixels, values = counted(adata.n_obs, "pixel"), counted(adata.n_vars, "m/z value")
    return f"{pixels} and {values} read from {name}"


def load_demo(context: StepContext) -> str:
    """Simulate a paired section and make it the project's data."""
    seed = int(context.params.get("seed", 0))
    context.report(0.1, "Simulating a paired section")
    section = simulate.paired_section(seed)
    context.report(0.6, "Saving")
    source, extra = f"simulated, seed {seed}", {"demo_seed": seed, "confirmed": True}
    _commit_st(context, section.st, source, **extra)
    _commit_sm(context, section.sm, source, **extra)
    return "Simulated demo section ready"


def _options(context: StepContext, slot: str) -> dict[str, Any]:
    """Return what a reader is told: which sample to take, and where its positions are.

    A project holds one section, so the sample is always called the same. Of a file with several
    samples, that of the other slot is taken if it is there; the user may choose another one.
    """
    chosen = context.params.get("sample")
    other = "sm" if slot == "st" else "st"
    records = context.store.manifest(context.project)["artefacts"]
    beside = records.get(other, {}).get("summary", {}).get("sample")
    return {
        "name": SECTION,
        "sample": chosen or beside,
        "several": "refuse" if chosen else "first",
        **{key: context.params.get(key) for key in ("x_column", "y_column")},
    }


def _answers(context: StepContext) -> dict[str, Any]:
    """Return what the user said about the file, to be said again when it is read again."""
    known = (*ANSWERS, "upload_id")
    return {key: context.params[key] for key in known if context.params.get(key)}


def _uploaded(context: StepContext) -> tuple[Path, str]:
    if "path" in context.params:  # the headless twin reads files where they are
        path = Path(context.params["path"])
        return path, path.name
    upload = uploads.find(context.store, context.project, str(context.params["upload_id"]))
    if not upload.complete:
        raise NotReadyError(f"'{upload.name}' has not arrived completely. Choose the file again.")
    return upload.path, upload.name


def _forget_replaced(context: StepContext) -> None:
    if "upload_id" in context.params:
        upload = uploads.find(context.store, context.project, str(context.params["upload_id"]))
        uploads.forget_replaced(context.store, context.project, upload)


def _commit_st(context: StepContext, adata: ad.AnnData, source: str, **extra: Any) -> None:
    picture = placement.tissue_image(adata)
    found = adata.uns.get(keys.OURS, {}).get(keys.UM_PER_PX)
    um_per_px = None if found is None else float(found)
    image = None
    if picture is not None:
        height, width = picture.rgb.shape[:2]
        image = {"width": width, "height": height, "scale": picture.scale}

    def write(folder: Path) -> None:
        io.write_h5ad(adata, folder / "st.h5ad")
        stills.write_st(adata, picture, folder)

    context.store.commit(
        context.project,
        "st",
        write,
        summary={
            **_facts(adata, source, io.check_st(adata)),
            "um_per_px": um_per_px,  # in force; the user may correct it
            "um_per_px_found": um_per_px,
            "image": image,
            **extra,
        },
    )


def _commit_sm(context: StepContext, adata: ad.AnnData, source: str, **extra: Any) -> None:
    ours = adata.uns.get(keys.OURS, {})

    def write(folder: Path) -> None:
        io.write_h5ad(adata, folder / "sm.h5ad")
        stills.write_sm(adata, folder)

    context.store.commit(
        context.project,
        "sm",
        write,
        summary={
            **_facts(adata, source, io.check_sm(adata)),
            "step": float(ours.get(keys.STEP) or geometry.spacing(adata.obsm[keys.SPATIAL])),
            "polarity": ours.get(keys.POLARITY),
            **extra,
        },
    )


def _facts(adata: ad.AnnData, source: str, report: tuple[CheckItem, ...]) -> dict[str, Any]:
    several = adata.uns.get(keys.OURS, {}).get(keys.SAMPLES, {})
    counts = zip(several.get("name", []), several.get("n_spots", []), strict=True)
    samples = [{"name": name, "n_spots": n_spots} for name, n_spots in counts]
    return {
        "source": source,
        **({"samples": samples, "sample": several["taken"]} if samples else {}),
        "n_spots": adata.n_obs,
        "n_features": adata.n_vars,
        "area": placement.area(adata),
        "simulated": bool(adata.uns.get(keys.OURS, {}).get(keys.SIMULATED, False)),
        "check": [asdict(item) for item in report],
        "confirmed": False,
    }
