"""Columns of the records on the pages: filter, colour, mix, and conditions of the walk."""

import numpy as np
import pandas as pd
import pytest

from g2is.analysis import walks
from g2is.app.walk.parameters import KEPT_FIELDS
from g2is.config import walk_preset
from g2is.run.run import Run
from tests.app.test_map_page import parts_of
from tests.app.tiny_run import POOL, make_run

NAME, VALUE = "<b>k</b> \u202e", "![x](http://evil.example/d.png)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    rows = np.arange(POOL)
    columns = pd.DataFrame(
        {
            "source": pd.Categorical(np.where(rows % 3 == 0, "flan", "cot")),
            NAME: pd.Categorical(np.where(rows % 5 == 0, VALUE, "plain")),
            "difficulty": np.where(rows % 7, rows % 7, np.nan),
        }
    )
    make_run(folder / "tiny", columns=columns)
    return folder


@pytest.fixture
def open_here(open_app, folder):
    return lambda page, **query: open_app(page, folder=folder, **query)


def listed(app):
    return app.dataframe[0].value["sample"].tolist()


def test_the_list_is_filtered_by_conditions_and_shows_a_column(open_here):
    app = open_here("5_Instructions", having=["source=flan", "difficulty=2..3"], column=NAME)
    expected = [row for row in range(POOL) if row % 3 == 0 and row % 7 in (2, 3)]
    assert listed(app) == expected
    shown = app.dataframe[0].value["column"].tolist()
    assert shown == [VALUE if row % 5 == 0 else "plain" for row in expected]
    assert "source=flan" in app.multiselect(key="having").options
    app.multiselect(key="having").set_value([f"{NAME}={VALUE}"]).run()
    assert listed(app) == list(range(0, POOL, 5))[:100]
    assert app.query_params["having"] == f"{NAME}={VALUE}"


def test_a_search_looks_into_the_column_that_is_shown(open_here):
    assert listed(open_here("5_Instructions", search="evil.example/d", column=NAME))[:3] == [0, 5, 10]
    assert not open_here("5_Instructions", search="plain", column="source").dataframe


def test_a_condition_that_means_nothing_is_said(open_here):
    app = open_here("5_Instructions", having="sorce=flan")
    assert "no column" in app.warning[0].value and len(listed(app)) == 100
    app = open_here("4_Walk", where="difficulty=high")
    assert any("expected COLUMN" in text or "expected a number" in text for text in app.warning.values)


def test_the_map_has_a_legend_of_a_column(open_here):
    header = parts_of(open_here("1_Map", colour="column:source"))["colours"]
    assert header["title"] == "source (column)"
    assert [(entry["name"], entry["count"]) for entry in header["entries"]] == [("cot", 166), ("flan", 84)]
    header = parts_of(open_here("1_Map", colour="column:difficulty"))["colours"]
    assert (header["low"], header["high"], header["whole"], header["none"]) == (1, 6, True, "none")
    app = open_here("1_Map", colour="column:task")
    assert parts_of(app)["colours"]["scheme"] == "task" and not app.warning, "the same, under one name"
    assert "Task (column)" not in app.selectbox(key="colour").options
    header = parts_of(open_here("1_Map", colour=f"column:{NAME}"))["colours"]
    assert "\u202e" not in header["title"]


def test_the_mix_is_by_a_chosen_column(open_here):
    app = open_here("6_Compare", view="mix", mix="source", compare=["first-walk"])
    assert "**Column `source`**" in app.markdown.values
    app = open_here("6_Compare", view="mix", mix=NAME, compare=["first-walk"])
    assert not any("http://evil.example" in text for text in app.markdown.values)


def test_the_walk_takes_conditions_and_shares(open_here, folder):
    app = open_here("4_Walk", where=["source=flan"], share=["difficulty=1..3:0.5"])
    assert app.multiselect(key="where").value == ["source=flan"]
    assert app.multiselect(key="share").value == ["difficulty=1..3:0.5"]
    run = Run.open(folder / "tiny")
    parameters = walk_preset(
        "recommended", fraction=0.05, where=("source=flan",), share=("difficulty=1..3:0.5",)
    )
    trace = walks.walk(run, parameters)
    assert len(trace.samples) and all(row % 3 == 0 for row in trace.samples)
    assert app.session_state["walked"].trace.samples.tolist() == trace.samples.tolist()
    assert {"where", "share"} <= set(KEPT_FIELDS)
