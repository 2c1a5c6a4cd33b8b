import json
import struct

import numpy as np
import pytest

from app.pages.explore import paint
from spatialmeta_core.errors import NotFoundError, NotReadyError


def decode(data):
    """Read the bytes as the browser does."""
    (length,) = struct.unpack_from("<I", data)
    legend = json.loads(data[4 : 4 + length])
    dtype = "<f4" if legend["kind"] == "number" else "<i2"
    return legend, np.frombuffer(data, dtype, offset=4 + length)


def test_the_bytes_hold_the_values_and_their_description(section):
    legend, values = decode(paint.paint(section, "feature/Ldha").to_bytes())

    np.testing.assert_allclose(values, section.values("Ldha"), rtol=1e-6)
    assert legend["label"] == "Ldha"
    assert legend["units"][0].startswith("log(1 + counts")
    assert legend["group"] == "Gene"


def test_a_coloring_costs_at_most_five_bytes_a_spot_besides_its_description(section):
    for key in ("feature/Ldha", "feature/281.2480", paint.CLUSTER, paint.CONTRIBUTION):
        data = paint.paint(section, key).to_bytes()
        (length,) = struct.unpack_from("<I", data)

        assert len(data) - length - 4 <= 5 * len(section.xy)
        assert (4 + length) % 4 == 0  # typed arrays must start on a multiple of four
        assert length < 1000


def test_spots_without_metabolites_are_missing_and_counted(section):
    found = paint.paint(section, "feature/281.2480")

    assert found.legend.n_missing == 12
    assert np.isnan(found.values).sum() == 12
    assert found.legend.label == "Oleic acid (m/z 281.2480)"
    assert found.legend.missing == "no metabolite pixel in reach"


def test_the_ends_are_the_range_and_the_percentiles(section):
    found = paint.paint(section, "feature/Gfap")
    values = section.values("Gfap")

    assert found.legend.full == pytest.approx((values.min(), values.max()))
    assert found.legend.clip == pytest.approx(tuple(np.percentile(values, [1, 99])))


def test_a_feature_that_is_nearly_everywhere_zero_is_not_clipped_to_nothing():
    values = np.zeros(1000)
    values[0] = 5.0

    legend = paint._number(values, key="k", label="l", group="Gene").legend

    assert legend.clip == (0.0, 5.0)


def test_clusters_have_names_colors_and_counts(section):
    legend, codes = decode(paint.paint(section, paint.CLUSTER).to_bytes())

    assert legend["names"] == ["0", "1"]
    assert legend["counts"] == [71, 72]
    assert len(set(legend["colors"])) == 2
    assert legend["n_missing"] == 1
    assert codes[0] == -1


def test_the_contribution_is_two_sided_about_one_half(section):
    assert paint.paint(section, paint.CONTRIBUTION).legend.center == 0.5


def test_the_first_coloring_is_the_clusters_or_else_the_donors(section, plain_section):
    assert paint.default_key(section) == paint.CLUSTER
    assert paint.default_key(plain_section) == paint.DONORS


@pytest.mark.parametrize("key", [paint.CLUSTER, paint.CONTRIBUTION])
def test_what_needs_the_integration_says_so(plain_section, key):
    assert not paint.is_known(plain_section, key)
    with pytest.raises(NotReadyError, match="integration"):
        paint.paint(plain_section, key)


@pytest.mark.parametrize("key", ["feature/Nope", "spot/nothing", "", "feature/"])
def test_an_unknown_key_is_refused(section, key):
    assert not paint.is_known(section, key)
    with pytest.raises(NotFoundError):
        paint.paint(section, key)
