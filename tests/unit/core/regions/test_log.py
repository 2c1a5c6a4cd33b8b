import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions import from_dict, to_dict
from spatialmeta_core.types import Region, Trajectory

coordinate = st.floats(-1e6, 1e6, allow_subnormal=False)
point = st.lists(coordinate, min_size=2, max_size=2)
ring = st.lists(point, min_size=3, max_size=6).map(np.array)
color = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")
text = st.text(max_size=12)

regions = st.builds(
    Region,
    id=text,
    name=text,
    sample=text,
    parts=st.lists(st.lists(ring, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(
        tuple
    ),
    kind=text,
    color=color,
    locked=st.booleans(),
    only_clusters=st.lists(text, max_size=3).map(tuple),
    note=text,
)
trajectories = st.builds(
    Trajectory,
    id=text,
    name=text,
    sample=text,
    points=st.lists(point, min_size=2, max_size=6).map(np.array),
    width_um=st.floats(0.01, 1e5),
    color=color,
    note=text,
)


@given(regions | trajectories)
def test_any_item_survives_json_to_the_last_bit(item):
    back = from_dict(json.loads(json.dumps(to_dict(item))))

    assert type(back) is type(item)
    assert to_dict(back) == to_dict(item)


REGION = to_dict(Region("1", "A", "s", ((np.eye(3)[:, :2],),)))
PATH = to_dict(Trajectory("1", "A", "s", np.eye(2), 50.0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "entry is"),
        ({**REGION, "type": "blob"}, "type is 'blob'"),
        ({k: v for k, v in REGION.items() if k != "parts"}, "missing or unknown field: 'parts'"),
        ({**REGION, "shape": 1}, "'shape'"),
        ({**REGION, "name": 3}, "name is '3'"),
        ({**REGION, "color": "red"}, "color is 'red'"),
        ({**REGION, "locked": 1}, "locked"),
        ({**REGION, "only_clusters": [1]}, "only_clusters"),
        ({**REGION, "parts": []}, "parts"),
        ({**REGION, "parts": [[[[0, 0], [1, 1]]]]}, "2 corners; at least 3"),
        ({**REGION, "parts": [[[[0, 0], [1, "1"], [2, 2]]]]}, "corner"),
        ({**PATH, "points": [[0, 0], [1, float("nan")]]}, "corner"),
        ({**PATH, "points": "no"}, r"expected a list of \[x, y\]"),
        ({**PATH, "width_um": 0}, "width_um"),
        ({**PATH, "width_um": 10**400}, "width_um"),
    ],
)
def test_a_log_changed_by_hand_is_explained(values, message):
    with pytest.raises(InvalidDataError, match=message):
        from_dict(values)
