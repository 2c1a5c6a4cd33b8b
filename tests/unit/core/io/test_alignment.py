import json
from dataclasses import fields

import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import make_pose
from spatialmeta_core.io.alignment import read_alignment, write_alignment
from spatialmeta_core.types import (
    Alignment,
    Candidate,
    Displacement,
    FitScore,
    Landmarks,
    Pose,
)

LATER = (
    "min_jacobian",
    "sd_px",
    "landmarks",
    "landmark_residual_px",
    "landmark_loo_px",
)  # fields that older files do not have


def full() -> Alignment:
    """Every field away from its default, with numbers that have no short decimal form."""
    rng = np.random.default_rng(0)
    pose = make_pose(12.3, 50 / 3, 51.7, (1e4 / 7, -0.1), flipped=True)
    return Alignment(
        pose=pose,
        displacement=Displacement(rng.normal(size=(3, 4, 2)), (1 / 3, 2.0), 10 / 3),
        loss=rng.random(5),
        candidates=(Candidate(pose, 0.1), Candidate(make_pose(3), 0.7)),
        margin=1 / 7,
        ambiguous=True,
        score=FitScore(0.9, 12.5, 0.8, 1.1),
        score_before=FitScore(0.5, 80.0, 0.4, 1.0),
        target="image",
        min_jacobian=0.83,
        sd_px=rng.random(6) * 100,
        landmarks=Landmarks(rng.random((3, 2)), rng.random((3, 2)) * 1000),
        landmark_residual_px=rng.random(3),
        landmark_loo_px=rng.random(3),
        notes=("The target is the tissue in the image.", "80 µm"),
    )


def same(one: object, other: object) -> bool:
    """Whether two values of an alignment agree to the last bit."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other)
    if isinstance(one, tuple) and not hasattr(one, "_fields"):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Pose | Displacement | Landmarks | Candidate | FitScore):
        names = [f.name for f in fields(one)]
        return all(same(getattr(one, n), getattr(other, n)) for n in names)
    return one == other


@pytest.mark.parametrize("name", [f.name for f in fields(Alignment)])
def test_every_field_comes_back_to_the_last_bit(tmp_path, name) -> None:
    path, before = tmp_path / "pose.json", full()

    write_alignment(before, path)

    assert getattr(before, name) is not None
    assert same(getattr(before, name), getattr(read_alignment(path), name))


def test_what_is_missing_stays_missing(tmp_path) -> None:
    path = tmp_path / "pose.json"

    write_alignment(Alignment(make_pose(5)), path)

    found = read_alignment(path)
    assert found.displacement is None
    assert found.margin == np.inf
    assert (found.score, found.score_before) == (None, None)
    assert [getattr(found, name) for name in LATER] == [None] * len(LATER)
    assert found.loss.shape == (0,)


def test_a_file_from_before_the_newer_fields_can_be_read(tmp_path) -> None:
    path, before = tmp_path / "pose.json", full()
    write_alignment(before, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    for name in LATER:
        del document[name]
    path.write_text(json.dumps(document), encoding="utf-8")

    found = read_alignment(path)

    np.testing.assert_array_equal(found.pose.matrix, before.pose.matrix)
    assert [getattr(found, name) for name in LATER] == [None] * len(LATER)
    assert found.notes == before.notes


def test_the_file_is_plain_json_without_numbers_json_does_not_know(tmp_path) -> None:
    path = tmp_path / "pose.json"

    write_alignment(Alignment(make_pose(5)), path)

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_a_carried_point_stays_where_it_was(tmp_path) -> None:
    path, before = tmp_path / "pose.json", full()
    write_alignment(before, path)
    xy = np.random.default_rng(1).random((20, 2)) * 10

    np.testing.assert_array_equal(read_alignment(path).apply(xy), before.apply(xy))


@pytest.mark.parametrize(
    "text",
    ["not json", "[]", '{"matrix": [[1, 0, 0], [0, 1, 0]]}'],
)
def test_another_file_is_refused_by_name(tmp_path, text) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidDataError, match=r"'other.json' is not an alignment saved"):
        read_alignment(path)


def test_a_matrix_of_the_wrong_shape_is_refused(tmp_path) -> None:
    path = tmp_path / "pose.json"
    write_alignment(full(), path)
    document = json.loads(path.read_text(encoding="utf-8")) | {"matrix": [[1, 0], [0, 1]]}
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(InvalidDataError, match="2 x 3 finite numbers"):
        read_alignment(path)
