import shutil
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

from g2is.analysis import walks
from g2is.analysis.search import Filter, matching
from g2is.config import walk_preset
from g2is.errors import InputError
from tests.app.conftest import settle
from tests.app.tiny_run import CUT, DUPLICATE, INVALID, POOL, make_run
from tests.pools import pool_of

PAGE = "5_Instructions"


def listed(app) -> list[int]:
    return app.dataframe[0].value["sample"].tolist()


def counted(app) -> str:
    return next(text for text in app.markdown.values if "instructions" in text)


def test_lists_a_hundred_rows_a_page(open_app):
    app = open_app(PAGE)
    assert listed(app) == list(range(100))
    assert counted(app) == f"**{POOL}** of {POOL} instructions"
    app = open_app(PAGE, page="3")
    assert listed(app) == list(range(200, POOL))
    assert "`page=4`" in open_app(PAGE, page="4").warning[0].value


def test_focus_opens_its_page_and_its_record(open_app):
    app = open_app(PAGE, focus="123")
    assert listed(app) == list(range(100, 200))
    assert any(text.startswith("**Instruction 123**") for text in app.markdown.values)
    assert app.code[0].value == "Question 123: how many apples are 123 and 123?"
    assert app.code[1].value == "They are 246 apples."


@pytest.mark.parametrize("focus", ["99999999", "../x", "-1", "abc"])
def test_a_focus_outside_the_pool_is_reported(open_app, focus):
    app = open_app(PAGE, focus=focus)
    assert f"`focus={focus}`" in app.warning[0].value and "0 to 249" in app.warning[0].value
    assert listed(app) == list(range(100))


def test_search_plain_and_by_expression(open_app):
    app = open_app(PAGE)
    app.text_input(key="search").set_value("QUESTION 12").run()
    assert listed(app) == [12, *range(120, 130)]
    assert app.query_params["search"] == "QUESTION 12"
    app = open_app(PAGE, search=r"^question 1\d:", regex="True")
    assert listed(app) == list(range(10, 20))
    app = open_app(PAGE, search="**bold** $x^2$")
    assert listed(app) == [0]


def test_a_broken_expression_is_explained_in_one_line(open_app):
    app = open_app(PAGE, search="apples (", regex="True")
    assert "is not a regular expression (missing )" in app.error[0].value
    assert len(app.error) == 1 and "\n" not in app.error[0].value


def test_filters(open_app):
    assert listed(open_app(PAGE, state="invalid")) == [INVALID]
    assert listed(open_app(PAGE, state="response_cut")) == [CUT]
    assert listed(open_app(PAGE, state="duplicate")) == [DUPLICATE]
    assert counted(open_app(PAGE, state="gradient")).startswith(f"**{POOL - 1}**")
    assert counted(open_app(PAGE, source="first.jsonl")).startswith("**125**")
    assert counted(open_app(PAGE, task="adding")).startswith("**125**")
    assert listed(open_app(PAGE, tokens=["20", "20"])) == [0, 50, 100, 150, 200]
    assert "does not exist" not in open_app(PAGE, state="x").warning[0].value
    assert "No instruction matches" in open_app(PAGE, search="zzz").info[0].value


def test_what_the_walk_says_of_each_and_the_order_of_the_list(open_app, run):
    parameters = walk_preset("recommended", count=30)
    taken = walks.walk(run, parameters).samples
    app = open_app(PAGE, preset="recommended", count="30", order_by="step")
    table = app.dataframe[0].value
    assert table["sample"].tolist()[:30] == taken.tolist() and table["step"].tolist()[:30] == [
        str(step) for step in range(1, 31)
    ]
    assert set(table["step"].tolist()[30:]) == {""}
    aligned = np.where(run.valid, walks.affinities(run, parameters).max(axis=1), np.nan)
    np.testing.assert_allclose(table["alignment"], aligned[table["sample"]], rtol=1e-6)
    # Next goes on in the order of the list.
    app = open_app(PAGE, preset="recommended", count="30", order_by="step", focus=str(taken[4]))
    next(button for button in app.button if button.label == "Next").click().run()
    assert app.query_params["focus"] == [str(taken[5])] or app.query_params["focus"] == str(taken[5])
    lengths = open_app(PAGE, order_by="longest").dataframe[0].value["tokens"].tolist()
    assert lengths == sorted(run.instructions["tokens"], reverse=True)[:100]


def test_what_is_found_can_be_shown_on_the_map_and_walked_on(open_app, run):
    app = open_app(PAGE, search="question 12", state="gradient", page="1")
    links = {link.proto.label: parse_qs(link.proto.query_string) for link in app.get("page_link")}
    shown = {name: links["Show on the map"].get(name) for name in ("search", "state", "page")}
    assert shown == {"search": ["question 12"], "state": ["gradient"], "page": None}
    assert links["Walk on what is found"]["only"] == [", ".join(map(str, listed(app)))]
    # Conditions that the walk knows itself go as they are.
    app = open_app(PAGE, source="first.jsonl")
    links = {link.proto.label: parse_qs(link.proto.query_string) for link in app.get("page_link")}
    assert (
        links["Walk on what is found"]["sources"] == ["first.jsonl"]
        and "only" not in links["Walk on what is found"]
    )
    assert not any(link.proto.label == "Walk on what is found" for link in open_app(PAGE).get("page_link"))


def test_a_named_set_is_a_filter(open_app, run, cache):
    run.sets.write("reads", [7, 3, 200], origin="a test")
    try:
        app = open_app(PAGE, in_set="reads")
        assert listed(app) == [3, 7, 200]
        links = {link.proto.label: parse_qs(link.proto.query_string) for link in app.get("page_link")}
        assert links["Walk on what is found"]["only_sets"] == ["reads"]
        assert "`in_set=other`" in open_app(PAGE, in_set="other").warning[0].value
    finally:
        (run.folder / "sets" / "reads.json").unlink()


def test_what_a_selection_has_taken_and_left(open_app, run, cache):
    from g2is.run.selections import Selection
    from tests.records import saved_trace

    path = cache / "tiny" / "selections" / "first-walk.json"
    samples = Selection.read(path, run).samples
    assert listed(open_app(PAGE, within="first-walk")) == sorted(samples)
    # Who comes from a page where a selection was open has not asked for a filter.
    assert listed(open_app(PAGE, selection="first-walk")) == listed(open_app(PAGE))
    assert counted(open_app(PAGE, within="first-walk", side="out")).startswith(f"**{POOL - len(samples)}**")
    steps = saved_trace(path).steps
    of_first = sorted(steps.sample[steps.component == 0].tolist())
    assert listed(open_app(PAGE, within="first-walk", component="0")) == of_first
    assert "`within=nope`" in open_app(PAGE, within="nope").warning[0].value


def test_an_invalid_sample_says_why(open_app):
    app = open_app(PAGE, focus=str(INVALID))
    assert "the response is `*empty*`" in app.warning[0].value


def test_previous_and_next_stay_within_the_filter(open_app):
    app = open_app(PAGE, search="Question 12")

    def press(label):
        next(button for button in app.button if button.label == label).click().run()

    press("Next")
    assert app.query_params["focus"] == "120"
    press("Previous")
    assert app.query_params["focus"] == "12"


def test_the_basket(open_app, run):
    app = open_app(PAGE, focus="33")
    next(button for button in app.button if button.label == "Into the basket").click().run()
    assert app.session_state[f"basket of {run.hash}"] == [33]
    next(button for button in app.button if button.label == "Out of the basket").click().run()
    assert app.session_state[f"basket of {run.hash}"] == []


def test_the_basket_is_a_filter_whose_name_does_not_change(open_app, run):
    app = open_app(PAGE)
    names = []
    for samples in ([33, 30], [40]):
        app.session_state[f"basket of {run.hash}"] = samples
        app.query_params["within"] = "basket"
        app.run()
        assert not app.exception and listed(app) == sorted(samples)
        names.append(app.selectbox(key="within").options)
    assert names[0] == names[1], "the browser sends back what it was shown"


def test_a_click_on_a_row_focuses_it(server, page):
    page.goto(f"{server.url}/Instructions?run=tiny&search=Question")
    settle(page)
    box = page.locator('[data-testid="stDataFrame"] canvas').first.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 35 * 3 + 17)
    settle(page)
    assert "focus=6" in page.url
    assert page.get_by_text("Instruction 6", exact=True).count() == 1


def test_a_filter_reads_every_text_once(monkeypatch):
    """Twelve thousand rows: two searches of Arrow's, one a column, over exactly their bytes."""
    pool = pd.DataFrame(
        {
            "source": "a.jsonl",
            "prompt": [f"Question {row}: " + "how many apples are there? " * 40 for row in range(12_000)],
            "response": "some apples " * 20,
            "tokens": 300,
            "valid": True,
        }
    )
    searched = []
    search = pc.match_substring_regex

    def counted(texts, expression, **options):
        searched.append(sum(map(len, texts.to_pylist())))
        return search(texts, expression, **options)

    monkeypatch.setattr(pc, "match_substring_regex", counted)
    wanted = Filter(text=r"question 1199\d:.*apples", regular_expression=True, sources=("a.jsonl",))
    assert matching(pool_of(pool), wanted).tolist() == list(range(11_990, 12_000))
    assert sum(searched) == pool["prompt"].str.len().sum() + pool["response"].str.len().sum()


def test_a_backtracking_bomb_is_harmless():
    pool = pd.DataFrame({"prompt": ["a" * 5000], "response": ["b"]})
    assert matching(pool_of(pool), Filter(text="(a+)+$", regular_expression=True)).tolist() == [0]
    with pytest.raises(InputError, match="not a regular expression"):
        matching(pool_of(pool), Filter(text=r"(a)\1", regular_expression=True))


def test_a_run_without_gradients_can_be_read(open_app, tmp_path):
    run = make_run(tmp_path / "half")
    for stage in ("gradients", "graph", "warmup"):
        del run.manifest.stages[stage]
    (tmp_path / "half" / "manifest.json").write_text(run.manifest.model_dump_json())
    app = open_app(PAGE, folder=tmp_path)
    assert len(listed(app)) == 100


def test_filter_by_community(open_app, run):
    app = open_app("5_Instructions", page="2")
    membership = run.communities("sgd").membership
    app.selectbox(key="community").set_value("1").run()
    assert app.query_params["community"] == "1" and "page" not in app.query_params
    members = np.flatnonzero(membership == 1)
    assert app.dataframe[0].value["sample"].tolist() == members[:100].tolist()
    assert any(text.value.startswith(f"**{len(members)}** of") for text in app.markdown)
    app.text_input(key="search").set_value(f"Question {members[-1]}:").run()
    assert app.dataframe[0].value["sample"].tolist() == [members[-1]]
    app = open_app("5_Instructions", community="99")
    assert "community=99" in app.warning[0].value


def test_another_run_is_chosen_in_the_sidebar(open_app, run, tmp_path):
    for name in ("tiny", "other"):
        shutil.copytree(run.folder, tmp_path / name)
    app = open_app(PAGE, folder=tmp_path, run="tiny", search="question 12")
    app.selectbox(key="run_box").set_value("other").run()
    assert not app.exception
    assert app.query_params["run"] in ("other", ["other"]) and "search" not in app.query_params
