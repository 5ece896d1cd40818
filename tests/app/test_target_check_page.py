"""Core knowledge says at the top whether the target is described well enough, and helps to mend it."""

import shutil

import pytest

from g2is.analysis import walks
from g2is.analysis.target_gaps import proposals
from g2is.analysis.targets import check_of, pool_of
from g2is.config import walk_preset
from g2is.figures.target_check import curve_figure, kinds_figure
from g2is.run.run import Run
from tests.app.test_sets_on_pages import press
from tests.app.tiny_run import VALIDATION

PAGE = "3_Core_knowledge"
ACCEPT = "Accept the ticked ones as validation examples"


@pytest.fixture
def own(run, tmp_path) -> Run:
    return Run.open(shutil.copytree(run.folder, tmp_path / "tiny"))


@pytest.fixture
def open_own(open_app, own):
    return lambda **query: open_app(PAGE, folder=own.folder.parent, **query)


def said(app) -> str:
    """The sentence of the check: the first text below its heading."""
    return next(text for text in app.markdown.values if text.startswith("**") and text.endswith(".**"))


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_the_check_is_first_on_the_page(open_app, run):
    app, found = open_app(PAGE), check_of(run, "apples")
    assert app.header[0].value == "Is the target described well enough?"
    assert said(app) == f"**{found.sentence}**"
    shown = metrics(app)
    assert shown["Validation examples"] == str(VALIDATION) and shown["Kinds"] == str(len(found.kinds))
    assert shown["Kinds with one example"] == str(len(found.kinds.single))
    assert shown["Examples alone"] == str(len(found.kinds.alone))
    assert shown["Not served by the pool"] == str(len(found.lacking))
    table = next(frame.value for frame in app.dataframe if "of the kind" in frame.value)
    assert sorted(table["closest in the pool"]) == pytest.approx(sorted(found.best), abs=1e-6)
    assert table["of the kind"].is_monotonic_increasing
    assert app.checkbox.len == 0, "proposals are drawn where they are asked for"


def test_what_is_ticked_becomes_an_example_and_its_target_is_used(open_own, own):
    found, pool = check_of(own, "apples"), pool_of(own, "apples")
    near = {example: proposals(pool, example, 3).tolist() for example in found.kinds.single[:6].tolist()}
    app = open_own(view="check", add_examples="True", component="3", **{"target.apples": "1"})
    offered = [int(box.key.rpartition(" ")[2]) for box in app.checkbox if box.key.startswith("accept ")]
    assert offered == [row for rows in near.values() for row in rows] and len(offered) >= 2
    press(app, ACCEPT)
    assert "Nothing is ticked" in app.error[0].value and len(Run.open(own.folder).targets) == 1
    ticked = [offered[0], offered[-1]]
    for row in ticked:
        app.checkbox(key=f"accept apples {row}").check()
    press(app, ACCEPT)
    assert not app.exception
    new = Run.open(own.folder)
    assert new.targets[1].rows == tuple(sorted(ticked))
    assert "2 instructions accepted" in app.success[0].value
    assert app.query_params["target.apples grown"] in ("1", ["1"]) and "target.apples" not in app.query_params
    assert said(app) == f"**{check_of(new, 'apples grown').sentence}**"
    trace = walks.walk(new, walk_preset("recommended", targets={"apples": 0, "apples grown": 1}, count=60))
    assert not set(trace.samples.tolist()) & set(ticked)
    still = [int(box.key.rpartition(" ")[2]) for box in app.checkbox if box.key.startswith("accept ")]
    assert not set(still) & set(ticked)


def test_of_several_targets_one_is_checked(open_own, own):
    from g2is.pipeline.adding import target_from

    new = target_from(own, [30, 31, 40, 55], name="more")
    app = open_own(**{"target.apples": "1", "target.more": "1"})
    assert said(app) == f"**{check_of(new, 'apples').sentence}**"
    app.selectbox(key="checked").set_value("more").run()
    assert said(app) == f"**{check_of(new, 'more').sentence}**" and app.query_params["checked"] in (
        "more",
        ["more"],
    )


def test_the_figures_hold_what_was_found(run):
    found = check_of(run, "apples")
    several, single = kinds_figure(found.kinds).data
    assert sorted([*several.y, *single.y], reverse=True) == found.kinds.sizes.tolist()
    assert set(single.y) <= {1} and len(single.y) == len(found.kinds.single)
    shared, coverage = curve_figure(found.curve).data
    assert tuple(shared.x) == found.curve.sizes
    assert list(shared.y) == found.curve.shared.tolist() and list(coverage.y) == found.curve.coverage.tolist()
