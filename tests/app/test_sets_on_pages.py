"""Named sets on the pages: the basket becomes one, they are pinned, combined, exported, renamed and deleted."""

import shutil
from urllib.parse import parse_qs

import numpy as np
import pytest

from g2is.app.shared.aside import LONGEST
from g2is.pipeline.removing import remove_instructions
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete, names
from tests.app.test_map_page import parts_of

MAP = "1_Map"


@pytest.fixture
def own(run, tmp_path) -> Run:
    """A run of the test's own, with the sets `even` and `low`."""
    own = Run.open(shutil.copytree(run.folder, tmp_path / "tiny"))
    own.sets.write("even", np.arange(20, 60, 2), note="every *second*")
    own.sets.write("low", np.arange(20, 30))
    return own


@pytest.fixture
def open_own(open_app, own):
    return lambda page=None, **query: open_app(page, folder=own.folder.parent, **query)


def held(app, run) -> list[int]:
    return app.session_state[f"basket of {run.hash}"]


def links(app) -> dict[str, dict[str, list[str]]]:
    return {link.proto.label: parse_qs(link.proto.query_string) for link in app.get("page_link")}


def press(app, label: str):
    return next(button for button in app.button if button.label == label).click().run()


def test_a_link_holds_the_basket_as_rows_or_by_name(open_own, own):
    app = open_own(MAP, focus="33")
    press(app, "Into the basket")
    assert app.query_params["basket"] == ["33"] or app.query_params["basket"] == "33"
    assert held(open_own(MAP, basket="20-22.40"), own) == [20, 21, 22, 40]
    named = open_own(MAP, basket="set:low")
    assert held(named, own) == [*range(20, 30)]
    assert any("set `low`" in text for text in named.markdown.values)
    assert links(named)["Walk"]["basket"] == ["set:low"]
    for text in ("x", "3-1", "9999999", "set:none", "set:../x", "1-", "-1", "1" * 30):
        app = open_own(MAP, basket=text)
        assert held(app, own) == [] and len(app.warning) == 1, text


@pytest.mark.parametrize(
    "text, rows, said",
    [
        ("3.99999", [3], "there is no instruction `99999`; they are numbered 0 to 249; the other 1 is in it"),
        ("240-252", [*range(240, 250)], "there is no instruction `250-252`"),
        ("set:zzz", [], "this run has no set `zzz`"),
        ("3.x.7-2", [3], "`x`, `7-2` cannot be read"),
        ("3.4", [3], "instruction `4` was removed from the pool"),
    ],
)
def test_what_a_link_asks_of_the_basket_in_vain_is_said_on_its_page(open_own, own, text, rows, said):
    remove_instructions(own.folder, [4])
    app = open_own(MAP, basket=text)
    # The page reruns by itself in a browser: the message is there until the basket changes.
    for _ in range(2):
        [warning] = app.warning
        assert said in warning.value
        assert [row for row in held(app, own) if row != 4] == rows
        app.run()
    app.query_params["focus"] = "33"
    press(app.run(), "Into the basket")
    assert not app.warning and app.query_params["basket"] != [text]


def test_the_box_over_sets_shows_the_one_that_is_loaded(open_own, own):
    app = open_own(MAP, basket="3-6")
    app.selectbox(key="set chosen").set_value("even").run()
    app.text_input(key="set name").set_value("counting")
    press(app, "Save")
    box = app.selectbox(key="set chosen")
    # A browser shows the default of a box in a popover that was closed meanwhile.
    assert (
        box.options == ["counting", "even", "low"] and box.options[box.proto.default] == box.value == "even"
    )
    assert app.button(key="set Load").label == "Load: 20"
    app.button(key="set Load").click().run()
    assert held(app, own) == own.sets["even"].rows.tolist()


def test_what_a_popover_could_not_do_is_said_inside_it(open_own, own):
    app = open_own(MAP, basket="3-5")
    app.session_state["name basket"] = True  # open
    app.text_input(key="set name").set_value("no/such")
    press(app, "Save")
    assert app.session_state["name basket"] and app.error[0].value in inside_popovers(app)
    home = open_own()
    home.session_state["saved set chosen"] = "low"
    home.session_state["home set low manage"] = True
    home.run().text_input(key="home set low name").set_value("even")
    press(home, "Save")
    assert "even" in home.error[0].value and home.error[0].value in inside_popovers(home)
    home.text_input(key="home set low name").set_value("lower")
    press(home, "Save")
    assert not home.error and "it is called `lower` now" in home.success[0].value
    assert home.success[0].value not in inside_popovers(home)
    walk = open_own("4_Walk", count="30")
    walk.session_state["settings Rules"] = True
    walk.query_params.update({"count": "30", "delta": "7"})
    assert walk.run().warning[0].value in inside_popovers(walk)
    walk.session_state["settings Rules"] = False
    assert walk.run().warning[0].value not in inside_popovers(walk)


def test_what_cannot_be_restored_is_said_where_it_was_asked_for(open_own, own):
    delete(own, KINDS["set"], "low")
    app = open_own()
    own.sets.write("low", [7])  # by someone else, meanwhile
    app.button(key="restore deleted").click().run()
    assert app.error[0].value in inside_popovers(app) and len(app.error) == 1
    assert own.sets["low"].rows.tolist() == [7]
    delete(own, KINDS["set"], "low")
    app.run().button(key="restore deleted").click().run()
    assert not app.error and "is restored" in app.success[0].value


def inside_popovers(app) -> list[str]:
    return [
        alert.value
        for place in app.get("popover")
        for alert in (*place.error, *place.success, *place.warning)
    ]


def test_the_texts_are_there_and_how_many_are_in_the_walk(open_own, own):
    app = open_own(MAP, basket="set:even", count="40")
    samples = own.sets["even"].rows
    texts = next(frame.value for frame in app.dataframe if "instruction" in frame.value)
    assert texts["instruction"].tolist() == samples.tolist()
    taken = len(np.intersect1d(app.session_state["walked"].trace.samples, samples))
    assert any(f"**{taken} of {len(samples)}** " in text for text in app.markdown.values)
    read = links(app)["Read them"]
    assert read["within"] == ["basket"] and int(read["focus"][0]) in samples


def test_the_basket_is_named_changed_and_saved_again(open_own, own):
    app = open_own(MAP, basket="3-5")
    app.text_input(key="set name").set_value("three")
    app.text_area(key="set note").set_value("why")
    press(app, "Save")
    assert own.sets["three"].rows.tolist() == [3, 4, 5] and own.sets["three"].note == "why"
    assert links(app)["Walk"]["basket"] == ["set:three"]
    app.query_params["focus"] = "33"
    press(app.run(), "Into the basket")
    assert any("`three`, edited" in text for text in app.markdown.values)
    press(app, "Save the changes to set three")
    assert own.sets["three"].rows.tolist() == [3, 4, 5, 33] and own.sets["three"].note == "why"
    app.text_input(key="set name").set_value("three")
    press(app, "Save")
    assert "there is one of that name" in app.error[0].value
    # Somebody else changes it meanwhile.
    own.sets.write("three", [9], replaces=own.sets["three"].checksum)
    app.query_params["focus"] = "34"
    press(app.run(), "Into the basket")
    press(app, "Save the changes to set three")
    assert "changed by someone else" in app.error[0].value and own.sets["three"].rows.tolist() == [9]
    assert held(app, own) == [3, 4, 5, 33, 34]


def test_sets_are_loaded_united_intersected_and_subtracted(open_own, own):
    app = open_own(MAP, basket="25-34")
    app.selectbox(key="set chosen").set_value("low").run()
    for button, rows in (
        ("set Take out", [*range(30, 35)]),
        ("set Add", [*range(20, 35)]),
        ("set Keep only", [*range(20, 30)]),
        ("set Load", [*range(20, 30)]),
    ):
        app.button(key=button).click().run()
        assert held(app, own) == rows, button
    assert any("set `low`" in text for text in app.markdown.values)
    press(app, "Undo")
    assert held(app, own) == [*range(20, 30)] and not any("set `low`" in t for t in app.markdown.values)


def test_a_named_basket_is_pinned_by_name(open_own, own):
    app = open_own(MAP, basket="set:low", ban_sets=["low", "even"])
    found = links(app)
    assert found["Pin them"]["pin_sets"] == ["low"] and found["Pin them"]["ban_sets"] == ["even"]
    assert found["Ban them"]["ban_sets"] == ["even", "low"] and "pin_sets" not in found["Ban them"]
    assert found["Walk on these only"]["only_sets"] == ["low"]
    walk = open_own("4_Walk", pin_sets=["low"], ban_sets=["even"], count="30")
    # Pinned and banned are told apart.
    assert "both pinned and banned" in walk.error[0].value
    walk = open_own("4_Walk", pin_sets=["low"], only_sets=["even"], count="15")
    trace = walk.session_state["walked"].trace
    assert trace.samples[:10].tolist() == [*range(20, 30)]
    assert set(trace.samples[10:].tolist()) <= set(own.sets["even"].rows.tolist())
    assert open_own("4_Walk", pin_sets=["none"]).warning


def test_a_set_that_changes_gives_another_walk(open_own, own):
    app = open_own("4_Walk", pin_sets=["low"], count="15")
    first = own.sets["low"]
    own.sets.write("low", [100], replaces=first.checksum)
    app.run()
    assert app.session_state["walked"].trace.samples[0] == 100


def test_a_basket_that_no_link_can_hold_is_never_lost_without_a_word(open_own, own, monkeypatch):
    monkeypatch.setattr("g2is.app.shared.as_set.MOST_IN_LINK", 10)
    monkeypatch.setattr("g2is.app.shared.aside.LONGEST", 10)
    assert LONGEST > 1000
    app = open_own(MAP)
    app.session_state[f"basket of {own.hash}"] = [*range(0, 60, 2)]
    app.run()
    assert any("Name these 30 instructions" in caption for caption in app.caption.values)
    assert "Pin them" not in links(app)
    app.text_input(key="set name").set_value("thirty")
    press(app, "Save")
    assert links(app)["Pin them"]["pin_sets"] == ["thirty"]
    assert links(app)["Walk"]["basket"] == ["set:thirty"]


def test_what_is_too_much_for_a_link_is_offered_as_a_set(open_own, own, monkeypatch):
    monkeypatch.setattr("g2is.app.shared.as_set.MOST_IN_LINK", 1)
    app = open_own("5_Instructions", search="apples")
    assert "Walk on what is found" not in links(app)
    app.text_input(key="found set name").set_value("low")
    press(app, "Save the set and use it")
    assert "there is one of that name" in app.error[0].value
    app.text_input(key="found set name").set_value("fruit")
    press(app, "Save the set and use it")
    assert not app.exception and own.sets["fruit"].origin.startswith("search: apples")
    assert (
        app.query_params["only_sets"] in ("fruit", ["fruit"])
        and app.button(key="undo").help == "Undo: save set fruit"
    )
    assert set(app.session_state["walked"].trace.samples) <= set(own.sets["fruit"].rows)
    app.button(key="undo").click().run()
    assert "fruit" not in own.sets and "only_sets" not in app.query_params and not app.warning
    app = open_own("2_Neighbourhood")
    press(app, "Save the set and use it")
    assert (
        app.query_params["ban_sets"] in ("possible-leaks", ["possible-leaks"])
        and len(own.sets["possible-leaks"]) > 1
    )
    assert any("all banned" in text for text in app.markdown.values)
    press(app, "Allow them again")
    assert "ban_sets" not in app.query_params


def test_a_set_is_exported_and_compared_like_a_selection(open_own, own):
    app = open_own("7_Export", selection="set:low", format="csv", tags="True")
    assert app.metric[0].value == "10" and not app.error
    command = next(code.value for code in app.code if code.language == "bash")
    assert "--set low" in command and command.count("--tags") == 1 and "--output low-csv" in command
    app = open_own("6_Compare", compare=["set:low", "first-walk"])
    assert not app.error and not app.warning
    app = open_own("5_Instructions", within="set:low")
    assert any("**10** of" in text for text in app.markdown.values)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.word)
def test_what_is_saved_is_renamed_annotated_deleted_and_comes_back(open_own, own, kind):
    for place, file in (("exports", "g2is.json"), ("evaluations", "evaluation.json")):
        (own.folder / place / "one").mkdir(parents=True)
        (own.folder / place / "one" / file).write_text("{}")
    name = names(own, kind)[0]
    app = open_own()
    app.session_state[f"saved {kind.word} chosen"] = name
    app.run()
    key = f"home {kind.word} {name}"
    app.text_input(key=f"{key} name").set_value("second")
    app.text_area(key=f"{key} note").set_value("*why*")
    press(app, "Save")
    wrong = kind.word == "nothing"
    assert bool(app.error) == wrong and "is called" in app.success[0].value
    assert "second" in names(own, kind) and name not in names(own, kind)
    app.session_state[f"saved {kind.word} chosen"] = "second"
    app.run()
    app.button(key=f"home {kind.word} second delete").click().run()
    assert "second" not in names(own, kind) and "is deleted" in app.success[0].value
    press(app, "Undo")
    assert "second" in names(own, kind) and "is restored" in app.success[0].value


def test_a_deletion_is_in_the_history_with_all_else(open_own, own):
    app = open_own(pin_sets=["even"], count="40")
    app.session_state["saved set chosen"] = "even"
    app.run()
    app.button(key="home set even delete").click().run()
    assert "even" not in own.sets and "pin_sets" not in app.query_params
    app.switch_page("pages/4_Walk.py").run()
    assert app.button(key="undo").help == "Undo: delete set even"
    app.button(key="undo").click().run()
    assert "even" in own.sets and app.query_params["pin_sets"] in ("even", ["even"])
    assert not app.error.values and not app.exception
    app.button(key="redo").click().run()
    assert "even" not in own.sets and "pin_sets" not in app.query_params and not app.error


def test_a_new_name_and_note_are_in_the_history_with_all_that_names_it(open_own, own):
    app = open_own("7_Export", selection="set:low", pin_sets=["low", "even"], basket="set:low", count="40")
    app.text_input(key="export set low name").set_value("lower")
    app.text_area(key="export set low note").set_value("why")
    press(app, "Save")
    assert own.sets["lower"].note == "why" and app.query_params["pin_sets"] == ["lower", "even"]
    assert app.query_params["basket"] in ("set:lower", ["set:lower"]), (
        "what is in the basket is called so too"
    )
    app.switch_page("pages/4_Walk.py").run()
    assert app.button(key="undo").help == "Undo: rename set low"
    app.button(key="undo").click().run()
    assert own.sets["low"].note == "" and "lower" not in own.sets
    assert app.query_params["pin_sets"] == ["low", "even"] and not app.warning and not app.error
    assert app.query_params["selection"] in ("set:low", ["set:low"])
    app.button(key="redo").click().run()
    assert own.sets["lower"].note == "why" and app.query_params["pin_sets"] == ["lower", "even"]
    own.sets.write("low", [1])  # by somebody else
    app.button(key="undo").click().run()
    assert "lower" in own.sets and not app.exception


def test_tags_and_saved_sets_are_in_the_history(open_own, own):
    def tags(app):
        return next(box for box in app.multiselect if box.label == "Tags")

    app = open_own("5_Instructions", focus="22")
    tags(app).set_value(["even"]).run()
    app.switch_page("pages/4_Walk.py").run()
    assert app.button(key="undo").help == "Undo: untag #22 low"
    app.button(key="undo").click().run()
    assert 22 in own.sets["low"].rows
    app = open_own(MAP, basket="3-5")
    app.text_input(key="set name").set_value("three")
    press(app, "Save")
    press(app, "Undo")
    assert "three" not in own.sets and held(app, own) == [3, 4, 5]
    press(app, "Redo")
    assert own.sets["three"].rows.tolist() == [3, 4, 5] and not app.error
    app.query_params["focus"] = "33"
    press(app.run(), "Into the basket")
    press(app, "Save the changes to set three")
    press(app, "Undo")
    assert own.sets["three"].rows.tolist() == [3, 4, 5] and not app.error
    press(app, "Redo")
    assert own.sets["three"].rows.tolist() == [3, 4, 5, 33] and not app.error


def test_what_was_deleted_is_listed_and_the_url_follows(open_own, own):
    delete(own, KINDS["set"], "even")
    app = open_own()
    assert app.selectbox(key="deleted chosen").options[0].startswith("set even, ")
    press(app, "Restore")
    assert "even" in own.sets
    app = open_own("7_Export", selection="set:low", pin_sets=["low", "even"])
    app.text_input(key="export set low name").set_value("lower")
    press(app, "Save")
    assert app.query_params["selection"] in ("set:lower", ["set:lower"])
    assert app.query_params["pin_sets"] == ["lower", "even"]


def test_the_map_marks_a_set_that_a_link_names(open_own, own):
    marks = parts_of(open_own(MAP, basket="set:low"))["marks"]
    assert marks["counted"] == 10


def test_tags_are_sets_shown_added_and_removed(open_own, own):
    app = open_own("5_Instructions", focus="22", within="set:even")
    table = app.dataframe[0].value
    assert table["tags"].tolist() == ["even, low" if row < 30 else "even" for row in range(20, 60, 2)]
    box = next(box for box in app.multiselect if box.label == "Tags")
    assert box.value == ["even", "low"]
    box.set_value(["even"]).run()
    assert 22 not in own.sets["low"].rows and len(own.sets["low"]) == 9
    app = open_own("5_Instructions", focus="100")
    next(box for box in app.multiselect if box.label == "Tags").set_value(["low"]).run()
    assert 100 in own.sets["low"].rows and own.sets["even"].note == "every *second*"
    app = open_own("5_Instructions", within="set:even")
    press(app, "All 20 into the basket")
    assert held(app, own) == own.sets["even"].rows.tolist()
