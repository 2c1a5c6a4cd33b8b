import json

from plotly.utils import PlotlyJSONEncoder

from app.pages.align import thumbs
from spatialmeta_core import geometry
from spatialmeta_core.types import Candidate


def test_each_orientation_is_a_named_button_that_knows_its_pose():
    poses = [geometry.make_pose(90.0), geometry.make_pose(-90.0, flipped=True)]
    found = thumbs.orientations([Candidate(poses[0], 0.05), Candidate(poses[1], 0.4)])
    first, second = found.children[1].children
    assert getattr(first, "aria-label") == "Turned 90°: overlap 0.95, Good"
    assert getattr(second, "aria-label") == "Turned −90°, flipped: overlap 0.60, Poor"
    assert json.loads(getattr(second, "data-pose")) == thumbs.flat(poses[1])
    text = json.dumps(first.to_plotly_json(), cls=PlotlyJSONEncoder)
    assert '"best"' in text
    assert "can be undone" in text


def test_no_turn_has_no_sign():
    assert thumbs.orientation(geometry.make_pose(-0.1)) == "turned 0°"
