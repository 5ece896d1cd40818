"""Targets on the pages: instructions at hand become one, the walk for it opens, figures are about it."""

import shutil

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.app.shared.arrivals import what_came
from g2is.app.shared.more_like import cost, what_is_missing, what_it_does
from g2is.config import walk_preset
from g2is.pipeline.adding import remove, target_from
from g2is.run.run import Run
from g2is.run.selections import save_walk, select
from tests.app.test_sets_on_pages import press
from tests.app.tiny_run import INVALID, VALIDATION

MAP, WALK, INSTRUCTIONS = "1_Map", "4_Walk", "5_Instructions"
ROWS = list(range(30, 42))


@pytest.fixture
def own(run, tmp_path) -> Run:
    """A run of the test's own, with the set `low`."""
    own = Run.open(shutil.copytree(run.folder, tmp_path / "tiny"))
    own.sets.write("low", np.arange(20, 30))
    return own


@pytest.fixture
def open_own(open_app, own):
    return lambda page=None, **query: open_app(page, folder=own.folder.parent, **query)


def made(app, own: Run, name: str | None = None):
    """Press through the dialog; the run with the target."""
    if name is not None:
        app.text_input(key="more like name").set_value(name)
    press(app, "Make it a target and walk")
    assert not app.exception, app.exception[0].message
    return Run.open(own.folder)


def popovers(app) -> list[str]:
    return [block.proto.popover.label for block in app.get("popover")]


def test_a_basket_becomes_a_target_and_its_walk_opens(open_own, own):
    app = open_own(MAP, basket=f"{INVALID}.30-41", pins="3", **{"target.apples": "1"})
    app.button(key="more like basket").click().run()
    assert any(
        "**12 instructions** become" in text and "1 without a gradient" in text
        for text in app.markdown.values
    )
    new = made(app, own, "like mine")
    target = new.targets[1]
    assert (target.name, target.rows, target.note) == (
        "like mine",
        tuple(ROWS),
        "12 instructions of the pool, put into the basket by hand",
    )
    query = {name: app.query_params[name] for name in ("target.like mine", "pins", "run")}
    assert [np.ravel(value)[-1] for value in query.values()] == ["1", "3", "tiny"]
    assert "target.apples" not in app.query_params
    walked = app.session_state["walked"]
    assert walked.parameters.targets == {"apples": 0.0, "like mine": 1.0}
    assert not set(walked.trace.samples.tolist()) & set(ROWS)


@pytest.mark.parametrize(
    ("page", "query", "key", "rows", "about"),
    [
        (MAP, {"search": "Question 2"}, "found", None, "search: Question 2"),
        (INSTRUCTIONS, {"in_set": "low"}, "found", range(20, 30), "in set: low"),
        (INSTRUCTIONS, {"community": "0"}, "found", None, "community: 0"),
        (MAP, {}, "set", range(20, 30), "set low"),
    ],
)
def test_whatever_is_at_hand_becomes_a_target(open_own, own, page, query, key, rows, about):
    app = open_own(page, **query)
    app.button(key=f"more like {key}").click().run()
    new = made(app, own)
    target = new.targets[1]
    assert target.note.endswith(f"instructions of the pool, {about}") and target.size > 1
    if rows:
        assert target.rows == tuple(rows)
    if "community" in query:
        assert set(new.communities("sgd").membership[list(target.rows)]) == {0}
    assert app.session_state["walked"].parameters.targets[target.name] == 1.0


def test_a_saved_set_is_at_hand_on_home(open_own, own):
    app = open_own()
    app.session_state["saved set chosen"] = "low"
    app.run().button(key="more like saved set").click().run()
    assert made(app, own).targets[1].name == "low"


def test_what_cannot_be_a_target_is_told_before_anything_is_made(open_own, own):
    app = open_own(MAP, basket=f"{INVALID}")
    app.button(key="more like basket").click().run()
    assert any("two or more" in text for text in app.markdown.values)
    assert not [button for button in app.button if button.label == "Make it a target and walk"]
    app = open_own(MAP, basket="30-33")
    app.button(key="more like basket").click().run()
    app.text_input(key="more like name").set_value("apples")
    press(app, "Make it a target and walk")
    assert "has one of this name" in app.error[0].value and len(Run.open(own.folder).targets) == 1
    assert what_is_missing(("adam", "sgd")) == "" and "--regimes adam sgd`" in what_is_missing(("adam",))


def test_a_costly_target_says_what_it_costs(own):
    assert cost(own, 2000) == "" and cost(own, 40) == ""
    # 3,000 half-precision cosines for each of 250 instructions in one regime.
    assert "take 1 MiB" in cost(own, 3000) and "3,000 examples are many" in cost(own, 3000)
    assert "here none has one" in what_it_does(0, 1) and "become" in what_it_does(2, 0)


def test_the_walk_says_what_it_is_for_and_has_the_switch(open_own, own):
    assert not [label for label in popovers(open_own(WALK)) if label.startswith("for")]
    target_from(own, ROWS, name="hard", note="by hand")
    app = open_own(WALK, **{"target.hard": "1", "count": "20"})
    assert "for `hard`, whose 12 are left out" in popovers(app)
    app.session_state["status targets"] = True
    app.run()
    assert any("12 instructions of the pool, by hand" in text for text in app.markdown.values)
    app.toggle(key="own rows").set_value(False).run()
    walked = app.session_state["walked"]
    assert not walked.parameters.without_target_rows and set(walked.trace.samples.tolist()) & set(ROWS)
    app.toggle(key="own rows").set_value(True).run()
    assert app.session_state["walked"].parameters.without_target_rows
    assert not set(app.session_state["walked"].trace.samples.tolist()) & set(ROWS)


def test_an_open_page_says_once_what_came(open_own, own):
    app = open_own(WALK, count="10")
    assert not app.info
    target_from(own, ROWS, name="hard")
    app.run()
    assert [info.value for info in app.info] == ["A target was added since: `hard`, 12 examples."]
    assert app.session_state["walked"].parameters.targets is None
    assert not app.run().info
    remove(own.folder, "hard")
    assert [info.value for info in app.run().info] == ["A target was removed since: `hard`."]
    app.session_state["targets asked for"] = {(own.name, "mine")}
    target_from(Run.open(own.folder), ROWS, name="mine", note="by hand")
    assert not app.run().info, "what one has added oneself is no news"
    assert what_came({"a": 3}, {"a": 3}) == "" and "2 targets were added" in what_came({}, {"a": 1, "b": 2})


@pytest.mark.parametrize(("page", "key"), [(None, "home"), ("3_Core_knowledge", "core knowledge")])
def test_targets_are_listed_removed_and_restored(open_own, own, page, key):
    target_from(own, ROWS, name="hard", note="by hand")
    app = open_own(page, **{"target.hard": "1"})
    table = next(frame.value for frame in app.dataframe if {"name", "from"} <= set(frame.value))
    assert table["name"].tolist() == ["apples", "hard"] and table["from"].tolist() == [
        "the build",
        "the pool",
    ]
    app.session_state[f"{key} target"] = "hard"
    app.run().button(key=f"{key} remove target").click().run()
    assert [target.name for target in Run.open(own.folder).targets] == ["apples"]
    assert "is removed" in app.success[0].value and "target.hard" not in app.query_params
    assert not [info for info in app.info if "since" in info.value]
    app.button(key=f"{key} restore target hard").click().run()
    assert [target.name for target in Run.open(own.folder).targets] == ["apples", "hard"]
    assert "is restored" in app.success[0].value and not app.exception


def test_a_link_to_a_target_that_is_gone_says_so(open_own, own):
    app = open_own(WALK, **{"target.gone": "1"})
    assert "asks for `gone`" in app.warning[0].value and "`apples`" in app.warning[0].value


def test_home_counts_the_examples_that_its_action_selects_by(open_own, own):
    target_from(own, ROWS, name="hard")
    size = f"by {VALIDATION} examples of the target `apples`"
    both = f"by {VALIDATION + len(ROWS)} examples of 2 targets"
    for query, said in (({}, size), ({"target.hard": "1", "target.apples": "1"}, both)):
        assert any(said in caption.value for caption in open_own(**query).caption), said
    hard = open_own(**{"target.hard": "1"})
    assert any(f"by {len(ROWS)} examples of the target `hard`" in caption.value for caption in hard.caption)


def test_pages_say_which_target_a_selection_was_made_for(open_own, own):
    target_from(own, ROWS, name="*like* mine")
    more = Run.open(own.folder)
    parameters = walk_preset("recommended", count=9, targets={"apples": 0, "*like* mine": 1})
    save_walk(more.inside("selections", "for-mine.json"), more, walks.walk(more, parameters))
    select(more, "random", count=9).write(more.inside("selections", "drawn.json"))
    compare = open_own("6_Compare", compare=["for-mine", "first-walk", "drawn"])
    table = next(one.value for one in compare.dataframe if one.proto.alt == "Verdict on each selection")
    assert dict(zip(table["selection"], table["made for"], strict=True)) == {
        "for-mine": "*like* mine",
        "first-walk": "apples",
        "drawn": "–",
    }
    export = open_own("7_Export", selection="for-mine")
    assert "Chosen by a walk, for target `*like* mine`." in [one.value for one in export.caption]
    home = open_own()
    listed = next(one.value for one in home.dataframe if one.proto.alt.startswith("Selections saved"))
    assert listed.set_index("name").loc["for-mine", "what"] == "walk for target *like* mine"
    remove(own.folder, "*like* mine")
    compare = open_own("6_Compare", compare=["for-mine", "first-walk"])
    table = next(one.value for one in compare.dataframe if one.proto.alt == "Verdict on each selection")
    assert sorted(table["made for"]) == ["*like* mine", "–"]
