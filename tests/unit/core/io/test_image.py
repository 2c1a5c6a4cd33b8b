import numpy as np
import pytest
from PIL import Image

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.archive import Entry
from spatialmeta_core.io.image import as_rgb, read_picture, read_scale_factors, visium_image
from spatialmeta_core.io.record import Findings

RGB = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)


def entry(tmp_path, content, name="tissue_hires_image.png"):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Image.fromarray(content).save(path)
    return Entry(name, path)


def test_a_picture_comes_out_as_it_is(tmp_path):
    np.testing.assert_array_equal(read_picture(entry(tmp_path, RGB)), RGB)


def test_transparent_pixels_are_white():
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0, 3] = 255

    assert as_rgb(rgba)[0, 0].tolist() == [0, 0, 0]
    assert as_rgb(rgba)[1, 1].tolist() == [255, 255, 255]


def test_gray_floats_and_16_bits_become_bytes(tmp_path):
    gray = np.array([[0, 65535], [32768, 0]], np.uint16)

    assert as_rgb(np.array([[0.0, 1.0], [0.5, 0.0]]))[:, :, 0].tolist() == [[0, 255], [128, 0]]
    assert read_picture(entry(tmp_path, gray))[:, :, 2].tolist() == [[0, 255], [128, 0]]
    np.testing.assert_array_equal(as_rgb(RGB.astype(np.int64)), RGB)


def test_a_palette_picture_keeps_its_colors(tmp_path):
    path = tmp_path / "p.png"
    picture = Image.new("P", (2, 2))
    picture.putpalette([10, 20, 30] + [0] * 765)
    picture.save(path)

    assert read_picture(Entry("p.png", path))[0, 0].tolist() == [10, 20, 30]


def test_what_is_no_picture_is_none():
    assert as_rgb(np.zeros(4)) is None
    assert as_rgb(np.zeros((2, 2, 2), np.uint8)) is None


@pytest.mark.parametrize(
    "content", [b"not a picture", b"\x89PNG\r\n\x1a\nbroken", b"GIF89a" + b"0" * 50]
)
def test_a_broken_picture_is_named(tmp_path, content):
    with pytest.raises(InvalidDataError, match=r"tissue_hires_image\.png could not be read"):
        read_picture(entry(tmp_path, content))


@pytest.mark.parametrize("limit", [30, 10])
def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(InvalidDataError, match=f"more than {limit} pixels") as caught:
        read_picture(entry(tmp_path, RGB))
    assert caught.value.code == "E-15"


def test_scale_factors_are_numbers_above_zero(tmp_path):
    name = "scalefactors_json.json"

    good = read_scale_factors(entry(tmp_path, b'{"a": 2, "b": 0.5, "c": "text", "d": true}', name))
    assert good == {"a": 2.0, "b": 0.5}
    for text in (b'{"a": 0}', b'{"a": NaN}', b"[1]", b"no"):
        with pytest.raises(InvalidDataError, match=r"scalefactors_json\.json"):
            read_scale_factors(entry(tmp_path, text, name))


def test_hires_is_preferred_and_lowres_keeps_its_own_factor():
    factors = {"tissue_hires_scalef": 0.2, "tissue_lowres_scalef": 0.1}
    low = RGB[::2, ::2]
    findings = Findings()

    both = visium_image({"hires": RGB, "lowres": low}, factors, findings)
    only_low = visium_image({"lowres": low}, factors, findings)

    assert list(both["images"]) == ["hires"]
    assert list(only_low["images"]) == ["lowres"]
    assert only_low["scalefactors"] == {"tissue_lowres_scalef": 0.1}


def test_a_picture_without_its_factor_is_left_out_and_said():
    findings = Findings()

    assert visium_image({"hires": RGB}, {}, findings) is None
    assert "tissue_hires_scalef is missing" in findings.warnings[0]


def test_no_picture_is_a_warning():
    findings = Findings()

    assert visium_image({}, {"spot_diameter_fullres": 9.0}, findings)["images"] == {}
    assert "No tissue image found" in findings.warnings[0]
