import json
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions import from_geojson, to_dict, to_geojson
from spatialmeta_core.types import Region, Trajectory

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
HOLE = SQUARE * 0.4 + 2.0
CLOSED = [*SQUARE.tolist(), [0.0, 0.0]]


def polygon(coordinates=None, **properties):
    geometry = {"type": "Polygon", "coordinates": coordinates or [CLOSED]}
    return {"type": "Feature", "id": str(uuid.UUID(int=7)), "geometry": geometry,
            "properties": properties}  # fmt: skip


def only_region(data, **options):
    regions, trajectories = from_geojson(data, "Y7", **options)
    assert len(regions) == 1
    assert not trajectories
    return regions[0]


def test_a_region_is_written_as_qupath_reads_it():
    region = Region(
        str(uuid.UUID(int=1)), "Core", "Y7", ((SQUARE, HOLE),), "Tumor", "#c80a00", True
    )

    (feature,) = to_geojson([region])["features"]

    assert feature["id"] == str(uuid.UUID(int=1))
    assert feature["geometry"]["type"] == "Polygon"
    assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])
    assert feature["properties"] == {
        "objectType": "annotation",
        "name": "Core",
        "isLocked": True,
        "classification": {"name": "Tumor", "color": [200, 10, 0]},
    }


def test_a_trajectory_is_a_line_with_its_width_in_metadata():
    trajectory = Trajectory("t1", "Rim", "Y7", np.array([[0.0, 1.0], [5.5, 2.0]]), 55.0)

    (feature,) = to_geojson([], [trajectory])["features"]

    assert uuid.UUID(feature["id"])
    assert feature["geometry"] == {"type": "LineString", "coordinates": [[0.0, 1.0], [5.5, 2.0]]}
    assert feature["properties"]["metadata"]["width_um"] == "55.0"


coordinate = st.floats(-1e6, 1e6, allow_subnormal=False)
point = st.lists(coordinate, min_size=2, max_size=2)
ring = st.lists(point, min_size=3, max_size=5).map(np.array)
color = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")
name = st.text(min_size=1, max_size=9)
regions = st.builds(
    Region,
    id=st.uuids().map(str) | name,
    name=name,
    sample=st.just("Y7"),
    parts=st.lists(st.lists(ring, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3).map(
        tuple
    ),
    kind=st.text(max_size=9),
    color=color,
    locked=st.booleans(),
    only_clusters=st.lists(name, max_size=2).map(tuple),
    note=st.text(max_size=9),
)
trajectories = st.builds(
    Trajectory,
    id=st.uuids().map(str) | name,
    name=name,
    sample=st.just("Y7"),
    points=st.lists(point, min_size=2, max_size=5).map(np.array),
    width_um=st.floats(0.01, 1e5),
    color=color,
    note=st.text(max_size=9),
)


@given(
    st.lists(regions, max_size=2, unique_by=lambda r: r.id),
    st.lists(trajectories, max_size=2, unique_by=lambda t: t.id),
)
@settings(deadline=None)
def test_drawings_survive_the_round_trip_exactly(given_regions, given_paths):
    text = json.dumps(to_geojson(given_regions, given_paths))

    back_regions, back_paths = from_geojson(text, "Y7")

    taken = {r.id for r in given_regions} & {t.id for t in given_paths}
    if not taken:
        assert [to_dict(r) for r in back_regions] == [to_dict(r) for r in given_regions]
        assert [to_dict(t) for t in back_paths] == [to_dict(t) for t in given_paths]


@pytest.mark.parametrize(
    "data",
    [
        {"type": "FeatureCollection", "features": [polygon()]},
        [polygon()],
        polygon(),
        json.dumps(polygon()),
        json.dumps([polygon()]).encode(),
    ],
)
def test_a_collection_a_bare_list_and_one_feature_are_read(data):
    (rings,) = only_region(data).parts
    np.testing.assert_array_equal(rings[0], SQUARE)


@pytest.mark.parametrize(
    "properties",
    [
        {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}},
        {"object_type": "annotation", "classification": {"name": "Tumor", "colorRGB": -3670016}},
        {"classification": {"names": ["Tumor"], "color": [200, 0, 0]}},
        {"classification": "Tumor", "color": [200, 0, 0]},
    ],
)
def test_old_and_new_spellings_of_the_class_are_read(properties):
    region = only_region(polygon(**properties))

    assert region.kind == "Tumor"
    assert region.color == "#c80000"


def test_missing_names_and_ids_are_made_up_the_same_way_each_time():
    feature = polygon()
    feature["id"] = "PathAnnotationObject"

    first, second = from_geojson([feature, feature], "Y7")[0]

    assert (first.name, second.name) == ("Region 1", "Region 2")
    assert first.id != second.id
    assert from_geojson([feature, feature], "Y7")[0][0].id == first.id


def test_holes_parts_and_open_rings_are_kept():
    open_ring = SQUARE.tolist()
    multi = polygon()
    multi["geometry"] = {
        "type": "MultiPolygon",
        "coordinates": [[open_ring, HOLE.tolist()], [CLOSED]],
    }

    region = only_region(multi)

    assert [len(part) for part in region.parts] == [2, 1]
    assert all(len(ring) == 4 for part in region.parts for ring in part)


def test_a_drawing_on_the_hires_image_is_scaled_up():
    np.testing.assert_allclose(only_region(polygon(), scale=0.1).parts[0][0], SQUARE * 10)


def line(**metadata):
    return {"type": "Feature", "properties": {"metadata": metadata},
            "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}  # fmt: skip


def test_a_line_without_a_width_gets_one_spot_distance():
    (trajectory,) = from_geojson(line(), "Y7")[1]

    assert trajectory.width_um == 100
    assert trajectory.name == "Trajectory 1"


def geometry(**values):
    return {"type": "Feature", "geometry": values, "properties": {}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("3", "no list of features"),
        ({"type": "FeatureCollection"}, "no list of features"),
        ([3], "Feature 1 has no geometry"),
        ([polygon(), {"type": "Feature", "geometry": None}], "Feature 2 has no geometry"),
        (geometry(type="Point", coordinates=[1, 2]), "Feature 1 is a Point"),
        (geometry(type="Polygon", coordinates=[]), "without rings"),
        (geometry(type="MultiPolygon", coordinates=[]), "no polygons"),
        (geometry(type="Polygon", coordinates=[[[0, 0], [1, 1], [0, 0]]]), "2 corners"),
        (geometry(type="Polygon", coordinates=[[[0, 0], [1, None], [2, 2]]]), "corner"),
        (geometry(type="Polygon", coordinates=[[[0, 0], [float("nan"), 1], [2, 2]]]), "corner"),
        (geometry(type="LineString", coordinates=[[0, 0]]), "1 corners; at least 2"),
        (line(width_um="wide"), "the width is 'wide'"),
        (line(width_um="-3"), "the width is '-3'"),
        (polygon(objectType="detection"), "is a detection"),
        (polygon(metadata={"only_clusters": "3"}), "only_clusters"),
        ([polygon()] * 10_001, "limit is 10,000"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_explained(data, message):
    with pytest.raises(InvalidDataError, match=message):
        from_geojson(data, "Y7")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.sampled_from(
        ["Feature", "Polygon", "MultiPolygon", "LineString", "annotation", ""]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["type", "features", "geometry", "coordinates", "properties", "metadata",
                         "classification", "name", "color", "id", "width_um"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(json_values)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_drawings_or_a_sentence(data):
    for candidate in (data, polygon(name=data, classification=data, metadata=data, color=data)):
        try:
            from_geojson(json.dumps(candidate), "Y7")
        except InvalidDataError as error:
            assert str(error).endswith(".")  # noqa: PT017  # either outcome is fine
