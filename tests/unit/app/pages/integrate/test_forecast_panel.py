import pytest

from app.pages.integrate.forecast_panel import device_words, duration, preset_label

ONE = {"seconds": 130.0, "peak_bytes": 9.4e8, "device_bytes": 0}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "5 s"), (22, "20 s"), (58, "60 s"), (130, "2 min"), (3599, "60 min"), (5400, "1.5 h")],
)
def test_times_are_rounded_as_far_as_they_are_known(seconds, words) -> None:
    assert duration(seconds) == words


def test_a_preset_says_its_time_once_it_is_known() -> None:
    assert preset_label("Standard", 200, None) == "Standard (at most 200 epochs)"
    assert preset_label("Standard", 200, ONE) == "Standard: about 2 min (at most 200 epochs)"


def test_the_device_is_named_with_what_is_needed() -> None:
    summary = {"presets": {"a": ONE}, "shape": [2000, 600, 150], "gpu": None}
    assert device_words(None) == ""
    assert device_words(summary) == (
        "For 2,000 spots, 600 genes and 150 metabolites: on this CPU, with about 0.9 GB of memory."
    )
    gpu = {"name": "Card", "free": 20e9, "total": 24e9}
    on_gpu = summary | {"presets": {"a": ONE | {"device_bytes": 3e9}}, "gpu": gpu}
    assert device_words(on_gpu).endswith("on the GPU Card (20 of 24 GB free, needs about 3.0 GB).")
