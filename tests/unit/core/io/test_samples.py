import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.record import Findings
from spatialmeta_core.io.samples import choose_sample, sample_column, sample_counts


@pytest.fixture
def obs():
    return pd.DataFrame(
        {
            "batch": ["k1", "k2", "k2", "k1"],
            "sample": ["b", "a", "b", "b"],
            "slide": pd.Categorical(["L", "R", "R", "L"]),
            "n": [1, 2, 3, 4],
        }
    )


def test_samples_are_counted_in_alphabetical_order(obs):
    assert sample_counts(obs) == {"a": 1, "b": 3}
    assert sample_counts(obs[["batch", "n"]]) == {}


def test_the_column_that_names_the_pictures_comes_first(obs):
    assert sample_column(obs, ["L", "R", "spare"]) == "slide"
    assert sample_column(obs, ["L"]) == "sample"
    assert sample_column(obs, ["1", "2", "3", "4"]) == "sample"  # numbers name no picture


def test_a_column_with_gaps_tells_no_samples(obs):
    obs["sample"] = ["b", None, "b", "b"]

    assert sample_column(obs) is None


def test_the_named_sample_is_taken_and_noted(obs):
    findings = Findings()

    rows, name = choose_sample(obs, "a", findings)

    np.testing.assert_array_equal(rows, [False, True, False, False])
    assert (name, findings.taken, findings.samples) == ("a", "a", {"a": 1, "b": 3})
    assert findings.notes == ["Sample a was taken: 1 of 4 spots."]
    assert findings.warnings == []


def test_without_a_name_several_samples_are_refused_with_their_names(obs):
    for name in (None, "c"):
        with pytest.raises(InvalidDataError, match=r"2 samples \(obs column sample\): a, b") as e:
            choose_sample(obs, name, Findings())
        assert e.value.choices == {"samples": ["a", "b"]}


def test_the_first_is_taken_on_request_and_said_aloud(obs):
    findings = Findings()

    rows, name = choose_sample(obs, None, findings, several="first", what="pixels")

    assert (int(rows.sum()), name) == (1, "a")
    assert findings.warnings == ["The file holds 2 samples; a was taken (1 of 4 pixels)."]


def test_every_spot_belongs_to_exactly_one_sample(obs):
    taken = [choose_sample(obs, name, Findings())[0] for name in sample_counts(obs)]

    np.testing.assert_array_equal(np.sum(taken, axis=0), 1)


def test_one_sample_needs_no_choice(obs):
    findings = Findings()

    rows, name = choose_sample(obs.assign(sample="only"), "anything", findings)

    assert rows.all()
    assert name == "only"
    assert findings == Findings()
