"""The pictures of the three ideas on Home hold the numbers of the run that they are drawn from."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.ideas import NEAREST, STEPS, ideas
from g2is.config import walk_preset
from g2is.figures.ideas import ARROW, HIGH, ORIGIN, WIDE, apart, gradients_svg, graph_svg, walk_svg
from g2is.run.run import Run
from tests.app.tiny_run import make_run

PARAMETERS = walk_preset("recommended", fraction=0.1)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("ideas") / "tiny")


def test_the_numbers_are_those_of_the_run(run):
    found = ideas(run, PARAMETERS)
    trace = walks.walk(run, PARAMETERS)
    regime = run.regime("sgd")
    assert found.taken.tolist() == trace.samples[:STEPS].tolist() and len(found.taken) == STEPS
    assert found.first == found.taken[0] and found.example == found.examples[0]
    own = regime.validation_cosines[:, found.example]
    assert (np.diff(found.cosines) >= 0).all() and len(found.rows) == run.valid.sum()
    np.testing.assert_array_equal(found.cosines, own[found.rows])
    assert own[found.first] == found.cosines.max(), "the first step goes to the nearest of all"
    np.testing.assert_array_equal(found.around[:NEAREST], regime.neighbors[found.first, :NEAREST])
    assert (found.around_cosines[NEAREST:] < 0).all()
    for one, other in found.around[found.links].tolist():
        assert one in regime.neighbors[other] or other in regime.neighbors[one]
    np.testing.assert_array_equal(found.path, run.layout(run.layouts[0], "sgd").samples[found.taken])


def test_the_pictures_are_drawn_to_scale_and_inside_their_frame(run):
    found = ideas(run, PARAMETERS)
    for svg in (gradients_svg(found), graph_svg(found), walk_svg(found)):
        picture = ElementTree.fromstring(svg)
        assert picture.get("role") == "img" and picture.get("aria-label")
        for text in picture.iter("text"):
            letters = 7.2 * len(text.text) * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
            assert float(text.get("x")) - letters > -0.01 and float(text.get("x")) <= WIDE
            assert 0 < float(text.get("y")) <= HIGH
    tips = re.findall(r'd="M125 168L([\d.-]+) ([\d.-]+)"', gradients_svg(found))[1:]
    cosines = [found.cosines.max(), np.median(found.cosines), found.cosines.min()]
    for (x, y), cosine in zip(tips, cosines, strict=True):
        assert (float(x) - ORIGIN[0]) / ARROW == pytest.approx(cosine, abs=0.01)
        assert math.hypot(float(x) - ORIGIN[0], float(y) - ORIGIN[1]) == pytest.approx(ARROW, abs=0.2)
    numbers = [text.text for text in ElementTree.fromstring(walk_svg(found)).iter("text")]
    assert [number for number in numbers if number != "★"] == [str(step + 1) for step in range(STEPS)]


def test_numbers_of_steps_that_lie_on_each_other_part():
    lone = [250.0, 60.0]
    crowd = np.array([[20, 20], [20, 20], [21, 20], [20.5, 19], lone, [20, 20], [3, 185]])
    parted = apart(crowd, 17)
    gaps = np.hypot(*(parted[:, None] - parted[None]).transpose(2, 0, 1))[~np.eye(len(crowd), dtype=bool)]
    assert gaps.min() > 16.5 and parted[4].tolist() == lone
    assert (parted >= 8).all() and (parted <= [WIDE - 8, HIGH - 8]).all()
    assert np.hypot(*(parted - crowd).T).max() < 60, "near where they are"


def test_a_run_without_a_map_has_no_pictures(run, monkeypatch):
    monkeypatch.setattr(Run, "layouts", ())
    assert ideas(run, PARAMETERS) is None
