import numpy as np
import pytest

from app.cluster_edits import edit
from app.figures import paper
from app.pages.explore.map_file import map_figure
from app.sections import open_section
from spatialmeta_core.errors import InvalidParamsError


@pytest.fixture
def ask(store, project):
    """Order a figure as the browser does."""

    def order(key, **more):
        painted = {"key": key, "limits": [0, 4], "log": True, "scale": "viridis", "shown": None}
        asked = {
            "project": project,
            "view": {"x": [-50, 1150], "y": [1150, -50]},
            "diameter": 55.0,
            "painted": {**painted, **more.pop("painted", {})},
            "style": {"size": 1, "opacity": 1, "image_opacity": 0},
        }
        return map_figure(store, {**asked, **more})

    return order


def spots(figure):
    """Colors of the spots on the map, in no order."""
    return np.asarray(figure.axes[0].collections[0].get_facecolor())


def test_the_width_is_that_asked_for_in_mm(ask):
    figure, title = ask("feature/Ldha", width_mm=90)

    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(90)
    assert title == "Ldha"
    with pytest.raises(InvalidParamsError, match="60 to 400 mm"):
        ask("feature/Ldha", width_mm=5000)


def test_the_layer_is_part_of_the_title(ask):
    assert ask("raw/Ldha")[1] == "Ldha, raw"


def test_a_blend_has_both_names_and_gray_where_one_is_missing(ask):
    second = {"key": "feature/281.2480", "limits": [0, 4]}
    figure, title = ask("feature/Ldha", painted={"second": second})

    assert title == "Ldha and Oleic acid (m/z 281.2480)"
    colors = spots(figure)
    gray = np.isclose(colors[:, :3], np.array([0xC3, 0xCA, 0xD1]) / 255).all(axis=1)
    assert gray.sum() == 12
    np.testing.assert_allclose(colors[~gray, 0], colors[~gray, 2])  # magenta: red and blue alike
    assert paper.render(figure, "pdf")[:5] == b"%PDF-"


def test_clusters_that_the_eye_hides_are_not_in_the_figure(ask, store, project):
    look = open_section(store, project).look
    store.history(project, "drawings").append(edit(look, "hide", cluster=0))

    assert len(spots(ask("spot/cluster")[0])) == 144 - 71
    assert len(spots(ask("feature/Ldha")[0])) == 144
