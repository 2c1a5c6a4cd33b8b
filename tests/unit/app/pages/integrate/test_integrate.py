import json

import pytest

from app.pages.integrate.callbacks import FORM, parameters
from app.pages.integrate.details import PUBLISHED
from app.pages.integrate.panels import read_losses
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import LossWeights, NetParams, TrainParams, from_dict

EMPTY = dict.fromkeys(FORM)


def boxes(weights: LossWeights) -> dict[str, float]:
    return {f"weight_{name}": getattr(weights, name) for name in ("st", "sm", "kl", "mmd")}


def test_an_empty_form_gives_the_defaults() -> None:
    sets = parameters("integrate", EMPTY)

    assert from_dict(NetParams, sets["net"]) == NetParams()
    assert from_dict(TrainParams, sets["train"]) == TrainParams()
    assert from_dict(LossWeights, sets["weights"]) == LossWeights()
    assert sets["device"] == "auto"


def test_one_weight_per_modality_sets_joint_and_single_terms() -> None:
    weights = parameters("integrate", {**EMPTY, "weight_st": 3, "weight_sm": 7})["weights"]

    assert weights == {"st": 3, "st_from_st": 3, "sm": 7, "sm_from_sm": 7}


def test_choices_are_text_on_the_screen_and_settings_in_the_job() -> None:
    chosen = {"decoders": "no", "st_loss": "nb", "train_on": "SM", "separate": "yes"}

    sets = parameters("integrate", {**EMPTY, **chosen})

    assert sets["net"] == {"shared_decoders": False, "st_loss": "nb", "train_on": "SM"}
    assert sets["train"] == {"separate": True}


def test_a_forecast_is_asked_for_each_preset_of_the_screen() -> None:
    sets = parameters("forecast", {**EMPTY, "latent": 20})

    assert sets["net"] == {"n_latent": 20}
    assert sets["presets"]["quick"] == {"max_epochs": 30, "patience": 8}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_four_weight_boxes_hold_every_preset_whole(name) -> None:
    preset = PUBLISHED[name]

    weights = parameters("integrate", {**EMPTY, **boxes(preset)})["weights"]

    assert from_dict(LossWeights, weights) == preset


def test_a_value_out_of_range_is_refused_before_a_job_starts() -> None:
    with pytest.raises(InvalidParamsError, match="n_latent is 1; allowed is 2 or more"):
        parameters("integrate", {**EMPTY, "latent": 1})


def test_clustering_takes_its_own_parameters_only() -> None:
    form = {**EMPTY, "resolution": 0.5, "neighbors": 20, "epochs": 3}

    assert parameters("cluster", form) == {"cluster": {"resolution": 0.5, "n_neighbors": 20}}


def test_a_repeated_epoch_counts_once_and_an_unfinished_line_waits(tmp_path) -> None:
    terms = dict.fromkeys(("st", "sm", "st_from_st", "sm_from_sm", "kl", "mmd", "total"), 1.0)
    line = {"epoch": 1, "n_epochs": 9, "train": terms, "validation": terms, "is_best": False}
    path = tmp_path / "losses.jsonl"
    later = {**line, "is_best": True}
    path.write_text(json.dumps(line) + "\n" + json.dumps(later) + "\n" + '{"epoch": 2, "tr')

    reports = read_losses(path)

    assert [(report.epoch, report.is_best) for report in reports] == [(1, True)]


def test_no_file_means_no_epochs_yet(tmp_path) -> None:
    assert read_losses(tmp_path / "losses.jsonl") == []
