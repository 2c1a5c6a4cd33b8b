import numpy as np

from app.sections import from_log
from spatialmeta_core.regions import to_dict
from spatialmeta_core.types import Region, Trajectory

RING = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]])


def region(identity, name="A"):
    return Region(identity, name, "s", ((RING,),))


def put(item):
    return {"op": "put", "what": "any", "object": to_dict(item)}


def test_the_last_word_on_an_object_counts_and_it_keeps_its_place():
    areas, _ = from_log([put(region("a")), put(region("b")), put(region("a", "New name"))])

    assert [(area.id, area.name) for area in areas] == [("a", "New name"), ("b", "A")]


def test_regions_and_trajectories_are_told_apart():
    path = Trajectory("t", "T", "s", RING, 50.0)

    areas, paths = from_log([put(region("a")), put(path)])

    assert [area.id for area in areas] == ["a"]
    np.testing.assert_array_equal(paths[0].points, RING)


def test_deleting_twice_is_deleting():
    gone = {"op": "delete", "what": "region", "id": "a"}

    assert from_log([put(region("a")), gone, gone]) == ([], [])


def test_an_empty_history_has_no_objects():
    assert from_log([]) == ([], [])
