"""The steps that bring data in: uploaded files and the simulated section."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import placement, stills, uploads
from spatialmeta_core import geometry, io, keys, simulate
from spatialmeta_core.errors import NotReadyError

if TYPE_CHECKING:
    import anndata as ad

    from app.context import StepContext
    from spatialmeta_core.types import CheckItem


def import_st(context: StepContext) -> str:
    """Read an uploaded ST file, check it, and make it the project's ST section."""
    path, name = _uploaded(context)
    context.report(0.1, f"Reading {name}")
    with uploads.named(path, name):
        adata = io.read_st(path, sample="section", max_bytes=context.settings.max_unpacked_bytes)
    context.report(0.7, "Checking")
    by_hand = context.params.get("um_per_px")  # a recipe repeats what the user entered
    extra = {} if by_hand is None else {"um_per_px": by_hand, "um_per_px_by_hand": by_hand}
    _commit_st(context, adata, name, **extra)
    _forget_replaced(context)
    return f"{adata.n_obs:,} spots and {adata.n_vars:,} genes read from {name}"


def import_sm(context: StepContext) -> str:
    """Read an uploaded SM file, check it, and make it the project's SM section."""
    path, name = _uploaded(context)
    context.report(0.1, f"Reading {name}")
    columns: dict[str, Any] = {k: context.params.get(k) for k in ("x_column", "y_column")}
    with uploads.named(path, name):
        adata = io.read_sm(path, sample="section", **columns)
    context.report(0.7, "Checking")
    _commit_sm(context, adata, name, **{key: value for key, value in columns.items() if value})
    _forget_replaced(context)
    return f"{adata.n_obs:,} pixels and {adata.n_vars:,} m/z values read from {name}"


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
    return {
        "source": source,
        "n_spots": adata.n_obs,
        "n_features": adata.n_vars,
        "area": placement.area(adata),
        "simulated": bool(adata.uns.get(keys.OURS, {}).get(keys.SIMULATED, False)),
        "check": [asdict(item) for item in report],
        "confirmed": False,
    }
