import math

import pytest

from spatialmeta_core.metrics import scale, scores
from spatialmeta_core.metrics.scores import METRICS, OVERALL, SCORES

PERFECT = {
    "chaos": 0.0,
    "pas": 0.0,
    "geary": 0.0,
    "specificity": math.inf,
}


def test_the_best_values_give_one_everywhere():
    found = scores({name: PERFECT.get(name, 1.0) for name in METRICS})

    assert set(found.by_name.values()) == {1.0}
    assert found.partial == ()


def test_the_worst_values_give_zero_everywhere():
    worst = {"chaos": 4.0, "pas": 1.0, "geary": 1.3, "specificity": 1.0}

    found = scores({name: worst.get(name, -0.2) for name in METRICS})

    assert set(found.by_name.values()) == {0.0}


def test_the_batch_score_divides_by_three():
    found = scores({"batch_asw": 0.9, "ilisi": 0.3, "pcr": 0.6})

    assert found.by_name["batch"] == pytest.approx(0.6)


def test_overall_scores_are_means_of_means():
    metrics = {"pcc": 0.2, "cosine": 0.6, "chaos": 0.1, "pas": 0.3, "moran": 0.5, "ari": 0.7}

    found = scores(metrics).by_name

    assert found["reconstruction"] == pytest.approx(0.4)
    assert found["continuity"] == pytest.approx(0.8)
    assert found["vertical"] == pytest.approx((0.4 + 0.8 + 0.5) / 3)
    assert found["horizontal"] == pytest.approx(0.7)
    assert found["overall"] == pytest.approx((found["vertical"] + 0.7) / 2)


def test_a_missing_part_is_left_out_and_marked():
    found = scores({"chaos": 0.1, "pas": 0.3, "pcc": math.nan})

    assert math.isnan(found.by_name["reconstruction"])
    assert found.by_name["vertical"] == found.by_name["continuity"] == pytest.approx(0.8)
    assert found.partial == ("vertical", "overall")


def test_specificity_is_scaled_without_regard_to_other_methods():
    assert scale("specificity", 4.0) == pytest.approx(0.75)
    assert math.isnan(scale("specificity", math.nan))


def test_every_metric_belongs_to_one_score_and_every_score_to_one_overall():
    parts = [part for metrics in SCORES.values() for part in metrics]

    assert sorted(parts) == sorted(METRICS)
    assert sorted([*OVERALL["vertical"], *OVERALL["horizontal"]]) == sorted(SCORES)
