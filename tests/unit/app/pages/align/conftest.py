import anndata as ad
import numpy as np
import pytest

from app.store import ProjectStore
from spatialmeta_core import geometry, io, keys


def l_shape(n: int) -> np.ndarray:
    """A tissue without symmetry: one long and one short arm."""
    grid = np.array([[x, y] for y in range(n) for x in range(n)], float)
    x, y = grid.T / n
    return grid[(x < 0.35) | ((y < 0.5) & (x < 0.85))]


@pytest.fixture
def truth():
    """Pose that puts the SM section exactly on the ST section."""
    return geometry.make_pose(30.0, 5.0, 5.0, shift=(40.0, 20.0))


@pytest.fixture
def store(tmp_path):
    return ProjectStore(tmp_path / "projects")


@pytest.fixture
def project(store, truth):
    """An L-shaped ST section, 10 px between spots, and the same tissue at twice the resolution."""
    name = store.create("toy")
    st_xy = l_shape(14) * 10
    sm_xy = geometry.apply_pose(geometry.invert(truth), l_shape(28) * 5)
    rng = np.random.default_rng(0)
    st = ad.AnnData(rng.poisson(2.0, (len(st_xy), 5)).astype(np.float32))
    st.obsm[keys.SPATIAL] = st_xy
    st.uns[keys.OURS] = {keys.UM_PER_PX: 2.0}
    sm = ad.AnnData(rng.gamma(2.0, 10.0, (len(sm_xy), 6)).astype(np.float32))
    sm.obsm[keys.SPATIAL] = sm_xy
    sm.var_names = [f"{100 + i}.5000" for i in range(6)]
    sm.var[keys.MZ] = [100.5 + i for i in range(6)]
    for artefact, adata in (("st", st), ("sm", sm)):
        summary = {"um_per_px": 2.0, "image": None} if artefact == "st" else {}
        store.commit(
            name,
            artefact,
            lambda folder, a=artefact, x=adata: io.write_h5ad(x, folder / f"{a}.h5ad"),
            summary={"n_spots": adata.n_obs, **summary},
        )
    return name
