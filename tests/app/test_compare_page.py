"""The compare page: its numbers are those of the selections, and a cell of the grid becomes the walk."""

import shutil

import numpy as np
import pytest

from g2is.comparison import Profiler, memberships
from g2is.config import walk_preset
from g2is.run import Run
from g2is.selection import Selection
from tests.app.conftest import settle
from tests.app.tiny_run import make_run

PAGE = "6_Compare"
WALK = {"preset": "recommended", "facets": "4", "count": "40"}
SAVED = ["first-walk", "second-walk"]


@pytest.fixture
def own_cache(tmp_path, cache):
    """A run of its own for tests that save selections."""
    shutil.copytree(cache / "tiny", tmp_path / "tiny")
    return tmp_path


def frame(app, alt):
    return next(element.value for element in app.dataframe if element.proto.alt == alt)


def saved(run: Run, name: str) -> list[int]:
    return Selection.read(run.folder / "selections" / f"{name}.json", run).samples


def test_overlap_counts_what_is_shared(open_app, run):
    app = open_app(PAGE, compare=SAVED)
    selections = {name: saved(run, name) for name in SAVED}
    shown = frame(app, "intersections")
    assert shown["samples"].tolist() == memberships(selections)["samples"].tolist()
    pair = frame(app, "Overlap of every pair").iloc[0]
    assert pair["both"] == len(set(selections["first-walk"]) & set(selections["second-walk"]))


def test_gradients_are_those_of_the_selections(open_app, run):
    app = open_app(PAGE, compare=["(this walk)", "first-walk"], view="gradients", **WALK)
    shown = frame(app, "How each selection pulls").set_index("selection")
    walk = run.walk(walk_preset("recommended", facets=4, count=40)).samples
    for name, samples in (("this walk", walk), ("first-walk", saved(run, "first-walk"))):
        profile = Profiler(run, "sgd")(samples)
        assert shown.loc[name, "coverage"] == pytest.approx(profile.coverage)
        assert shown.loc[name, "alignment"] == pytest.approx(profile.alignment)


def test_the_mix_is_of_each_selection(open_app, run):
    app = open_app(PAGE, compare=SAVED, view="mix")
    shown = frame(app, "mix-by-source").set_index("source")
    source = run.instructions["source"].iloc[saved(run, "first-walk")]
    assert shown.loc["first.jsonl", "first-walk"] == pytest.approx((source == "first.jsonl").mean())
    by_community = frame(app, "mix-by-community")
    assert by_community["pool"].sum() == pytest.approx(1)
    tokens = frame(app, "tokens").set_index("selection")
    assert (
        tokens.loc["second-walk", "sum"] == run.instructions["tokens"].iloc[saved(run, "second-walk")].sum()
    )


def test_other_budgets_ask_the_method_again(open_app, run):
    app = open_app(PAGE, compare=["first-walk"], view="budget")
    shown = frame(app, "against-budget")
    for _, row in shown.iterrows():
        again = run.walk(walk_preset("recommended", facets=4, count=int(row["budget"]))).samples
        assert row["samples"] == len(again)
        assert row["coverage"] == pytest.approx(Profiler(run, "sgd")(again).coverage)
    assert shown["budget"].max() == 12


def test_the_grid_measures_against_the_current_walk(open_app, run):
    app = open_app(PAGE, view="sensitivity", **{**WALK, "delta": "0.9"})
    shown = frame(app, "sensitivity").set_index(["delta", "facets"])
    assert shown.loc[(0.9, 4), "overlap"] == 1
    alone = run.walk(walk_preset("recommended", facets=1, count=40, delta=0.5)).samples
    here = run.walk(walk_preset("recommended", facets=4, count=40, delta=0.9)).samples
    either = np.union1d(alone, here)
    assert shown.loc[(0.5, 1), "overlap"] == pytest.approx(len(np.intersect1d(alone, here)) / len(either))


def test_baselines_are_made_on_the_spot(open_app, own_cache):
    app = open_app(PAGE, folder=own_cache, compare=["first-walk"])
    app.number_input[0].set_value(9)
    next(button for button in app.button if button.label == "Add").click().run()
    assert not app.exception
    run = Run.open(own_cache / "tiny")
    assert len(saved(run, "random-9")) == len(saved(run, "round-robin-9")) == 9
    assert "random-9" in app.multiselect(key="compare").value
    assert "first-walk" in app.multiselect(key="compare").value


def test_what_cannot_be_compared_is_said(open_app):
    app = open_app(PAGE, compare=["nowhere"])
    assert "compare=nowhere" in app.warning[0].value
    assert "Choose one or more" in app.info[0].value


def test_without_selections_the_walk_stands_alone(open_app, tmp_path):
    run = make_run(tmp_path / "bare", 60)
    shutil.rmtree(run.folder / "selections")
    app = open_app(PAGE, folder=tmp_path, view="gradients", **WALK)
    assert frame(app, "How each selection pulls")["selection"].tolist() == ["this walk"]
    assert any("Nothing is saved yet" in caption.value for caption in app.caption)


def test_a_click_on_a_cell_becomes_the_walk(page, server):
    page.goto(f"{server.url}/Compare?run=tiny&view=sensitivity&preset=recommended&facets=4&count=40")
    settle(page)
    chart = page.locator(".js-plotly-plot").first
    chart.scroll_into_view_if_needed()
    box = chart.locator(".scatterlayer .trace").first.locator(".point").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**delta=0.5**")
    assert "facets=1" in page.url
    settle(page)
    assert (
        "delta 0.5, facets 1, framed" in page.locator("[data-testid=stCaptionContainer]").all_inner_texts()[0]
    )
