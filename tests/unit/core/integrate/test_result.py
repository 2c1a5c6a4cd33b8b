import json
from dataclasses import fields

import numpy as np
import pytest
import torch

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate import Integration, integrate


@pytest.fixture
def result(joint, net, short):
    joint.X[3, 30:] = np.nan
    return integrate(joint, net, short, batch_keys=("sample",))


def test_a_saved_result_comes_back_bit_for_bit(result, tmp_path) -> None:
    result.save(tmp_path / "run")

    loaded = Integration.load(tmp_path / "run")

    for part in ("embedding", "contribution"):
        before, after = getattr(result, part), getattr(loaded, part)
        for field in fields(before):
            np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))
    for name in ("denoised", "used", "sm_center", "sm_scale"):
        np.testing.assert_array_equal(getattr(result, name), getattr(loaded, name))
        assert getattr(result, name).dtype == getattr(loaded, name).dtype
    assert result.state.keys() == loaded.state.keys()
    assert all(torch.equal(result.state[name], loaded.state[name]) for name in result.state)
    arrays = {"embedding", "contribution", "denoised", "used", "sm_center", "sm_scale", "state"}
    for field in fields(result):
        if field.name not in arrays:
            assert getattr(result, field.name) == getattr(loaded, field.name), field.name


def test_a_record_without_a_count_of_separating_directions_has_none(result, tmp_path) -> None:
    result.save(tmp_path / "run")
    path = tmp_path / "run" / "integration.json"
    record = json.loads(path.read_text())
    del record["n_separating"]
    path.write_text(json.dumps(record))

    assert Integration.load(tmp_path / "run").n_separating == 0


def test_the_arrays_open_without_pickle_and_the_record_is_plain_json(result, tmp_path) -> None:
    result.save(tmp_path / "run")

    with np.load(tmp_path / "run" / "integration.npz", allow_pickle=False) as arrays:
        assert arrays["joint"].shape == (120, 3)
    record = json.loads((tmp_path / "run" / "integration.json").read_text())
    assert record["train"]["max_epochs"] == 3
    assert len(record["losses"]) == 3


def test_saving_again_replaces_the_earlier_result(result, tmp_path) -> None:
    result.save(tmp_path / "run")
    result.save(tmp_path / "run")

    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert Integration.load(tmp_path / "run").best_epoch == result.best_epoch


def test_a_folder_of_other_files_is_not_overwritten(result, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(InvalidDataError, match="holds other files"):
        result.save(tmp_path)

    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_without_a_result_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidDataError, match="holds no integration"):
        Integration.load(tmp_path)


def test_a_result_of_another_format_is_refused(result, tmp_path) -> None:
    result.save(tmp_path / "run")
    record = tmp_path / "run" / "integration.json"
    record.write_text(record.read_text().replace('"schema": 1', '"schema": 9'))

    with pytest.raises(InvalidDataError, match="has format 9; this program reads format 1"):
        Integration.load(tmp_path / "run")
