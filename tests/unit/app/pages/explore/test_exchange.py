"""Regions and trajectories in files, and ways between regions."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from app.pages.explore import drawings, exchange
from app.pages.explore.summary import spots_of
from app.sections import from_log
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.regions import combine
from spatialmeta_core.types import Region, Trajectory

BOX = np.array([[-50.0, -50.0], [350.0, -50.0], [350.0, 350.0], [-50.0, 350.0]])
HOLE = np.array([[60.0, 60.0], [60.0, 140.0], [140.0, 140.0], [140.0, 60.0]])


def board(*items, um_per_px=0.5):
    areas = [item for item in items if isinstance(item, Region)]
    paths = [item for item in items if isinstance(item, Trajectory)]
    return drawings.Board(areas, paths, "section", 100.0, um_per_px)


def items():
    far = BOX + 600.0
    two = Region("a" * 32, "Two", "section", ((BOX, HOLE), (far,)), kind="Tumor", locked=True)
    some = Region("b" * 32, "Some", "section", ((far / 3 + 0.1234567890123,),))
    line = Trajectory("c" * 32, "Way", "section", BOX[:2] * 2, 120.0, width_unit="px")
    return two, replace(some, only_clusters=("0",)), line


def test_a_drawing_goes_out_and_comes_back_to_the_same_spots(section):
    before = items()
    text = exchange.geojson(board(*before))

    areas, paths = from_log(exchange.imported(board(), section, text.encode()))

    for first, again in zip(before[:2], areas, strict=True):
        assert (first.id, first.name, first.kind, first.locked) == (
            again.id,
            again.name,
            again.kind,
            again.locked,
        )
        np.testing.assert_array_equal(spots_of(section, first), spots_of(section, again))
    assert (paths[0].width_um, paths[0].width_unit) == (120.0, "px")


def test_the_outcome_of_a_combination_survives_the_round_trip(section):
    parts = combine(((BOX, HOLE),), ((BOX + 123.4,),), "subtract")
    region = Region("a" * 32, "Cut", "section", parts)

    ((again,), _) = from_log(
        exchange.imported(board(), section, exchange.geojson(board(region)).encode())
    )

    np.testing.assert_array_equal(spots_of(section, region), spots_of(section, again))


def test_importing_twice_replaces_and_does_not_double(section):
    first = board(*items())
    events = exchange.imported(first, section, exchange.geojson(first).encode())

    areas, paths = from_log([*map(drawings.put, items()), drawings.many(events)])

    assert (len(areas), len(paths)) == (2, 1)


def test_regions_outside_the_tissue_are_refused_with_a_code(section):
    far = Region("a" * 32, "Far", "section", ((BOX + 1e6,),))

    with pytest.raises(InvalidDataError, match="neither") as raised:
        exchange.imported(board(), section, exchange.geojson(board(far)).encode())

    assert raised.value.code == "E-27"


def test_a_file_that_is_none_is_refused(section):
    with pytest.raises(InvalidDataError, match="not GeoJSON"):
        exchange.imported(board(), section, b"hello")
    with pytest.raises(InvalidDataError, match="no annotations"):
        exchange.imported(board(), section, b'{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InvalidDataError, match="did not arrive"):
        exchange.decoded("data:;base64,@@@")
    assert exchange.decoded("data:;base64," + base64.b64encode(b"{}").decode()) == b"{}"


def test_loupe_gets_one_word_per_barcode_and_the_other_file_one_row_per_membership(section):
    first = Region("a" * 32, "One", "section", ((BOX,),))
    second = Region("b" * 32, "=Two", "section", ((BOX + 200.0,),), kind="Tumor")

    table = exchange.loupe(board(first, second), section)
    rows = exchange.barcodes([first, second], section)

    assert list(table["Barcode"]) == list(section.spot_names)
    counts = table["Regions"].value_counts()
    assert (counts["One"], counts["=Two"], counts["One + =Two"]) == (12, 12, 4)
    assert counts[exchange.OUTSIDE] == len(section.xy) - 28
    assert rows["region"].value_counts().to_dict() == {"One": 16, "=Two": 16}
    assert exchange.barcodes([], section).empty


def test_a_way_goes_from_one_region_to_the_other(section):
    first = Region("a" * 32, "One", "section", ((BOX,),))
    second = Region("b" * 32, "Two", "section", ((BOX + np.array([700.0, 0.0]),),))

    event = exchange.way(board(first, second), section, first.id, second.id)

    _, (way,) = from_log([event])
    assert way.name == "One to Two"
    assert (way.points[0, 0], way.points[-1, 0]) == (300.0, 700.0)
    assert json.dumps(event)
    with pytest.raises(InvalidParamsError, match="another one"):
        exchange.way(board(first), section, first.id, first.id)
