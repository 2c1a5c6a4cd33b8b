import numpy as np
import pytest
from anndata import AnnData

from spatialmeta_core import keys, markers
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import Region


@pytest.fixture
def joint() -> AnnData:
    x, y = np.meshgrid(np.arange(20.0), np.arange(20.0))
    xy = np.column_stack([x.ravel(), y.ravel()])
    joint = AnnData(np.zeros((800, 1)), obsm={"spatial": np.vstack([xy, xy])})
    joint.obs["sample"] = ["a"] * 400 + ["b"] * 400
    joint.uns[keys.OURS] = {keys.UM_PER_PX: 10.0}
    return joint


def square(low: float, high: float, sample: str = "a", name: str = "tumor") -> Region:
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    return Region(f"{sample}{low}", name, sample, ((corners,),))


def test_a_region_holds_spots_of_its_own_sample(joint) -> None:
    mask = markers.region_mask(joint, square(4.5, 8.5))

    assert mask.sum() == 16
    assert (joint.obs["sample"][mask] == "a").all()


def test_a_ring_surrounds_the_region_up_to_its_width(joint) -> None:
    ring = markers.ring_mask(joint, square(4.5, 8.5), 20.0)

    xy = joint.obsm["spatial"][ring]
    assert ring.sum() == 8 * 8 - 16 - 4  # the four corners of the square ring are farther
    assert (joint.obs["sample"][ring] == "a").all()
    assert not (ring & markers.region_mask(joint, square(4.5, 8.5))).any()
    assert xy.min() == 3.0
    assert xy.max() == 10.0


def test_the_same_region_in_other_samples_goes_by_name(joint) -> None:
    mine = square(4.5, 8.5)
    others = [mine, square(10.5, 12.5, "b"), square(1.5, 3.5, "b", "stroma")]

    found = markers.elsewhere_mask(joint, mine, others)

    assert found.sum() == 4
    assert (joint.obs["sample"][found] == "b").all()


def test_references_without_spots_are_refused(joint) -> None:
    with pytest.raises(InvalidDataError, match='within 2 um around the region "tumor"'):
        markers.ring_mask(joint, square(4.5, 8.5), 2.0)
    with pytest.raises(InvalidDataError, match='0 regions named "tumor" in other samples'):
        markers.elsewhere_mask(joint, square(4.5, 8.5), [square(4.5, 8.5)])
