import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.alignment import write_alignment
from spatialmeta_core.io.landmarks import landmarks_csv, landmarks_json, read_landmarks
from spatialmeta_core.types import Alignment, Landmarks, Pose

PAIRS = Landmarks(np.array([[1.5, 2.0], [0.1, -7.0]]), np.array([[100.25, 3e5], [1 / 3, 4.0]]))


@pytest.mark.parametrize(("name", "text"), [("a.csv", landmarks_csv), ("a.json", landmarks_json)])
def test_a_saved_file_comes_back_exactly(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text(PAIRS))
    found = read_landmarks(path)
    np.testing.assert_array_equal(found.moving, PAIRS.moving)
    np.testing.assert_array_equal(found.target, PAIRS.target)


def test_a_table_is_numbered_from_one():
    assert landmarks_csv(PAIRS).splitlines()[:2] == [
        "landmark,sm_x,sm_y,st_x,st_y",
        "1,1.5,2.0,100.25,300000.0",
    ]


def test_columns_may_be_in_any_order_with_decimal_commas(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text("st_y;st_x;name;SM_Y;SM_X\n4,5;3,5;nucleus;2,5;1,5\n8;7;edge;6;5,25\n")
    found = read_landmarks(path)
    assert found.moving.tolist() == [[1.5, 2.5], [5.25, 6.0]]
    assert found.target.tolist() == [[3.5, 4.5], [7.0, 8.0]]


def test_the_landmarks_of_a_saved_alignment_can_be_read(tmp_path):
    path = tmp_path / "pose.json"
    write_alignment(Alignment(pose=Pose(np.eye(2, 3)), landmarks=PAIRS), path)
    np.testing.assert_array_equal(read_landmarks(path).target, PAIRS.target)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sm_x,sm_y,st_x\n1,2,3\n4,5,6\n", "no column st_y"),
        ("sm_x,sm_y,st_x,st_y\n1,2,,4\n5,6,7,8\n", "missing"),
        ('{"moving": [[1, 2]]}', "no landmarks"),
        ('{"landmarks": null}', "no landmarks"),
        ("[1, 2]", "no landmarks"),
        ('{"moving": [[1, 2]], "target": []}', r"shape \(0,\)|1 places"),
        ('{"moving": [[1, 2]], "target": [[1, 2], [3, 4]]}', "1 places in the SM section and 2"),
        ('{"moving": [[1, NaN]], "target": [[1, 2]]}', "missing or infinite"),
    ],
)
def test_a_file_without_pairs_is_refused(tmp_path, text, says):
    path = tmp_path / "landmarks.txt"
    path.write_text(text)
    with pytest.raises(InvalidDataError, match=says):
        read_landmarks(path)
