from __future__ import annotations

import pytest

from app.disk import read_json, write_json


def test_what_is_written_is_read(tmp_path):
    value = {"name": "Übung 組織", "n": [1, 2.5, None]}

    write_json(tmp_path / "a.json", value)

    assert read_json(tmp_path / "a.json") == value


def test_a_value_that_cannot_be_written_leaves_the_old_file_and_no_other(tmp_path):
    write_json(tmp_path / "a.json", {"old": 1})

    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"new": object()})

    assert read_json(tmp_path / "a.json") == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
