from spatialmeta_core.io.wording import counted


def test_one_is_singular_and_every_other_count_plural():
    assert [counted(n, "pixel") for n in (0, 1, 2018)] == ["0 pixels", "1 pixel", "2,018 pixels"]


def test_an_irregular_plural_is_given():
    assert counted(1, "spot has", "spots have") == "1 spot has"
    assert counted(3, "spot has", "spots have") == "3 spots have"
